// The Istio dialect: the rule that decides how a Service's endpoints are chosen. Alibaba Cloud ASM reads the same kinds.
import type { Dialect, PolicyKind } from "../dialect.ts";
import type { Kind } from "../schema/kind.ts";
import { DESTINATION_RULE, DESTINATION_RULE_KIND } from "./destination-rule.ts";

export const ISTIO: Dialect = {
  name: "istio",
  kinds: [DESTINATION_RULE] as readonly Kind[],
  policies: [DESTINATION_RULE_KIND as PolicyKind],
  backends: [],
};
