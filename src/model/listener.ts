// Where clients come in: address, port, protocol and hostname of a Gateway listener.
import type { ObjectRef } from "./object-ref.ts";

export interface Listener {
  /** `Gateway/default/edge/http`: key in the snapshot, label in logs and metrics. */
  readonly id: string;
  readonly gateway: ObjectRef;
  readonly name: string;
  /** IP addresses to bind; empty: the default address of the process. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly protocol: "HTTP";
  /** Exact or `*.`-wildcard, lower case; undefined: all. */
  readonly hostname?: string;
}
