// The kgateway dialect: the policy that decides how a Service's endpoints are chosen.
import type { Dialect, PolicyKind } from "../dialect.ts";
import type { Kind } from "../schema/kind.ts";
import { BACKEND_CONFIG_POLICY, BACKEND_CONFIG_POLICY_KIND } from "./backend-config-policy.ts";

export const KGATEWAY: Dialect = {
  name: "kgateway",
  kinds: [BACKEND_CONFIG_POLICY] as readonly Kind[],
  policies: [BACKEND_CONFIG_POLICY_KIND as PolicyKind],
  backends: [],
};
