// The Istio dialect: the rule for how a host's endpoints are chosen and spoken to, and hosts beside the Services of the
// cluster. Alibaba Cloud ASM reads the same kinds.
import type { BackendKind, Dialect, PolicyKind } from "../dialect.ts";
import type { Kind } from "../schema/kind.ts";
import { DESTINATION_RULE, DESTINATION_RULE_KIND } from "./destination-rule.ts";
import { SERVICE_ENTRY, SERVICE_ENTRY_BACKEND } from "./service-entry.ts";
import { HOSTNAME } from "./service-hosts.ts";

export const ISTIO: Dialect = {
  name: "istio",
  kinds: [SERVICE_ENTRY, DESTINATION_RULE] as readonly Kind[],
  policies: [DESTINATION_RULE_KIND as PolicyKind],
  backends: [SERVICE_ENTRY_BACKEND as BackendKind],
  aliases: [HOSTNAME],
};
