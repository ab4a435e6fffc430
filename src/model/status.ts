// What a controller would write into the status of the objects it read, in Gateway API's conditions.
import type { ObjectRef } from "./object-ref.ts";

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

export interface ListenerStatus {
  readonly name: string;
  readonly attachedRoutes: number;
  readonly supportedKinds: readonly string[];
  readonly conditions: readonly Condition[];
}

/** Conditions towards one parent (of a route) or one ancestor (of a policy). */
export interface ParentStatus {
  readonly parent: ObjectRef;
  readonly sectionName?: string;
  readonly port?: number;
  readonly conditions: readonly Condition[];
}

export interface ObjectStatus {
  readonly object: ObjectRef;
  readonly conditions: readonly Condition[];
  readonly listeners?: readonly ListenerStatus[];
  readonly parents?: readonly ParentStatus[];
}
