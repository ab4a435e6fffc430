// The kgateway dialect: policies for Services and Backends, and those for routes.
import type { BackendKind, Dialect, PolicyKind } from "../dialect.ts";
import type { Kind } from "../schema/kind.ts";
import { KGATEWAY_BACKEND, KGATEWAY_BACKEND_KIND } from "./backend.ts";
import { BACKEND_CONFIG_POLICY, BACKEND_CONFIG_POLICY_KIND } from "./backend-config-policy.ts";
import { TRAFFIC_POLICY, TRAFFIC_POLICY_KIND } from "./traffic-policy.ts";

export const KGATEWAY: Dialect = {
  name: "kgateway",
  kinds: [KGATEWAY_BACKEND, BACKEND_CONFIG_POLICY, TRAFFIC_POLICY] as readonly Kind[],
  policies: [BACKEND_CONFIG_POLICY_KIND as PolicyKind, TRAFFIC_POLICY_KIND as PolicyKind],
  backends: [KGATEWAY_BACKEND_KIND as BackendKind],
};
