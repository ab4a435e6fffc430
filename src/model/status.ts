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
  /** Of a Gateway: where it can be reached. Undefined: nothing is said of it. */
  readonly addresses?: readonly { readonly type: string; readonly value: string }[];
  /** Of a Gateway: how many of the ListenerSets that name it are attached. */
  readonly attachedListenerSets?: number;
  /** Of a GatewayClass: names of Gateway API features, in alphabetical order. */
  readonly supportedFeatures?: readonly string[];
  readonly listeners?: readonly ListenerStatus[];
  readonly parents?: readonly ParentStatus[];
}
