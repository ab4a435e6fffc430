// The Envoy Gateway dialect: the policy that decides how the endpoints behind Gateways and routes are chosen.
import type { Dialect, PolicyKind } from "../dialect.ts";
import type { Kind } from "../schema/kind.ts";
import { BACKEND_TRAFFIC_POLICY, BACKEND_TRAFFIC_POLICY_KIND } from "./backend-traffic-policy.ts";

export const ENVOY_GATEWAY: Dialect = {
  name: "envoy-gateway",
  kinds: [BACKEND_TRAFFIC_POLICY] as readonly Kind[],
  policies: [BACKEND_TRAFFIC_POLICY_KIND as PolicyKind],
  backends: [],
};
