// What a backendRef names: endpoints and the way one of them is chosen.
import type { LoadBalancer } from "./affinity.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ObjectRef } from "./object-ref.ts";

export interface Backend {
  /** `Service/default/httpbin:8000`, `XBackend/default/carts`: key in the snapshot, label in logs and metrics. */
  readonly id: string;
  readonly object: ObjectRef;
  /** Sorted by address bytes, so that all replicas build the same tables. */
  readonly endpoints: readonly Endpoint[];
  readonly loadBalancer: LoadBalancer;
  /** Below this share of serving endpoints health is ignored (Envoy: 50). */
  readonly panicThresholdPercent: number;
}
