// What the controller may do in a cluster, and no more: made from the kinds that the dialects read, and from what it writes.
import { stringify } from "yaml";
import { KINDS } from "../../src/dialects/registry.ts";
import { LEADER_LEASE, LEASE } from "../../src/kubernetes/leader/lease.ts";
import { EVENT } from "../../src/kubernetes/status/finding-events.ts";
import { STATUS_KINDS } from "../../src/kubernetes/status/status-kinds.ts";
import { pluralOf } from "../../src/kubernetes/watch/watched-kinds.ts";

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Undefined: all of them. */
  readonly resourceNames?: readonly string[];
}

interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

const NAME = "limpet";
const LABELS = { "app.kubernetes.io/name": NAME };

/** Rights to objects of all namespaces. */
export function clusterRules(): readonly PolicyRule[] {
  return [
    ...rules(KINDS, (plural) => plural, ["list", "watch"]),
    // Which of the kinds there are, and in which versions.
    rule("apiextensions.k8s.io", ["customresourcedefinitions"], ["get", "list", "watch"]),
    ...rules(STATUS_KINDS, (plural) => `${plural}/status`, ["patch"]),
    rule(EVENT.group, [EVENT.plural], ["create"]),
    // What is made for each Gateway, by server-side apply, stands beside the Gateway.
    rule("", ["services"], ["create", "patch", "delete"]),
    rule("discovery.k8s.io", ["endpointslices"], ["create", "patch"]),
  ];
}

/** Rights in the namespace that the controller itself runs in. What is not there yet cannot be told by its name. */
export function ownRules(): readonly PolicyRule[] {
  return [
    rule(LEASE.group, [LEASE.plural], ["create"]),
    { ...rule(LEASE.group, [LEASE.plural], ["get", "update"]), resourceNames: [LEADER_LEASE] },
    // The keys of session tokens.
    rule("", ["secrets"], ["create"]),
  ];
}

/** One rule for each group, its resources in alphabetical order. */
function rules(kinds: readonly GroupKind[], resource: (plural: string) => string, verbs: readonly string[]) {
  const groups = Map.groupBy(kinds, ({ group }) => group);
  return [...groups.keys()].sort().map((group) => {
    const resources = (groups.get(group) ?? []).map(({ kind }) => resource(pluralOf(kind)));
    return rule(group, [...new Set(resources)].sort(), verbs);
  });
}

function rule(group: string, resources: readonly string[], verbs: readonly string[]): PolicyRule {
  return { apiGroups: [group], resources, verbs };
}

/** `namespace` as it is to stand there: a name, or a template's expression. */
export function permissionsYaml(namespace: string): string {
  const account = { kind: "ServiceAccount", name: NAME, namespace };
  const authorization = "rbac.authorization.k8s.io";
  const own = { name: NAME, namespace, labels: LABELS };
  const everywhere = { name: NAME, labels: LABELS };
  const objects = [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: own },
    {
      apiVersion: `${authorization}/v1`,
      kind: "ClusterRole",
      metadata: everywhere,
      rules: clusterRules(),
    },
    {
      apiVersion: `${authorization}/v1`,
      kind: "ClusterRoleBinding",
      metadata: everywhere,
      roleRef: { apiGroup: authorization, kind: "ClusterRole", name: NAME },
      subjects: [account],
    },
    { apiVersion: `${authorization}/v1`, kind: "Role", metadata: own, rules: ownRules() },
    {
      apiVersion: `${authorization}/v1`,
      kind: "RoleBinding",
      metadata: own,
      roleRef: { apiGroup: authorization, kind: "Role", name: NAME },
      subjects: [account],
    },
  ];
  const head = "# Generated from scripts/deploy/permissions.ts by npm run generate.\n";
  return head + objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join("---\n");
}
