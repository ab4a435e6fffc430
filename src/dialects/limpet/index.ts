// Limpet's own dialect: the AffinityPolicy.
import type { Dialect, PolicyKind } from "../dialect.ts";
import type { Kind } from "../schema/kind.ts";
import { AFFINITY_POLICY, AFFINITY_POLICY_KIND } from "./affinity-policy.ts";

export const LIMPET: Dialect = {
  name: "limpet",
  kinds: [AFFINITY_POLICY as Kind],
  policies: [AFFINITY_POLICY_KIND as PolicyKind],
  backends: [],
};
