// The Envoy Gateway dialect: the policy for backends behind Gateways and routes, and backends that list their endpoints.
import type { BackendKind, Dialect, PolicyKind } from "../dialect.ts";
import type { Kind } from "../schema/kind.ts";
import { ENVOY_GATEWAY_BACKEND, ENVOY_GATEWAY_BACKEND_KIND } from "./backend.ts";
import { BACKEND_TRAFFIC_POLICY, BACKEND_TRAFFIC_POLICY_KIND } from "./backend-traffic-policy.ts";

export const ENVOY_GATEWAY: Dialect = {
  name: "envoy-gateway",
  kinds: [ENVOY_GATEWAY_BACKEND, BACKEND_TRAFFIC_POLICY] as readonly Kind[],
  policies: [BACKEND_TRAFFIC_POLICY_KIND as PolicyKind],
  backends: [ENVOY_GATEWAY_BACKEND_KIND as BackendKind],
};
