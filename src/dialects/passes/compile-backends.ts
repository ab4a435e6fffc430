// Fifth pass: the backends that rules lead to get their endpoints and their balancer.
import {
  type Backend,
  DEFAULT_LOAD_BALANCER,
  type Endpoint,
  type EndpointHealth,
  type EndpointName,
  isLocalAddress,
  type ObjectRef,
  parseIp,
} from "../../model/index.ts";
import type { BackendKind, ResolvedBackend } from "../dialect.ts";
import { draftFinding, type FindingDraft } from "../findings.ts";
import type { CompiledRoute } from "../gateway-api/compile-route.ts";
import type { Recall } from "../memory.ts";
import type { ObjectSet } from "../object-set.ts";
import { backendTargets } from "../policies/attachment.ts";
import type { Effects } from "../policies/effects.ts";
import { inOrder, voicesAtBackend } from "../policies/precedence.ts";
import type { TranslateOptions } from "../translation.ts";

/** Envoy's default: below half of the endpoints healthy, health is ignored. */
const PANIC_THRESHOLD_PERCENT = 50;

export interface CompiledBackends {
  readonly backends: readonly Backend[];
  readonly findings: readonly FindingDraft[];
}

export function compileBackends(
  routes: readonly CompiledRoute[],
  objects: ObjectSet,
  effects: Effects,
  kinds: readonly BackendKind[],
  options: TranslateOptions,
  recall: Recall,
): CompiledBackends {
  const wanted = recall.result("wanted backends", "", [routes], () => {
    const byId = new Map<string, ResolvedBackend>();
    for (const route of routes) for (const backend of route.backends) byId.set(backend.id, backend);
    return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  });
  const inCluster = options.controllerName !== undefined;
  const backends: Backend[] = [];
  const findings: FindingDraft[] = [];
  for (const resolved of wanted) {
    const { object } = resolved;
    const kind = kinds.find((one) => one.kind.group === object.group && one.kind.kind === object.kind);
    const reading = kind === undefined ? undefined : objects.get(kind.kind, object.namespace, object.name);
    if (kind === undefined || reading === undefined) continue;
    const inputs = [reading, effects, resolved.id, inCluster, ...kind.dependsOn(reading, objects)];
    const compiled = recall.result("backends", resolved.id, inputs, () => {
      const told = kind.endpoints(reading, resolved.port, objects, options);
      const { endpoints, names = [] } = told.result;
      const { kept, findings: refused } = inCluster
        ? withoutLocal(endpoints, object)
        : { kept: endpoints, findings: [] };
      const targets = backendTargets(resolved);
      const said = inOrder(voicesAtBackend(effects, "backendBalancing", resolved)).map(({ value }) => value);
      const panic = said.find((one) => one.panicThresholdPercent !== undefined);
      const backend: Backend = {
        id: resolved.id,
        object,
        endpoints: orderedEndpoints(kept),
        ...(names.length === 0 ? {} : { names: orderedNames(names) }),
        loadBalancer: said[0]?.loadBalancer ?? told.result.loadBalancer ?? DEFAULT_LOAD_BALANCER,
        panicThresholdPercent: panic?.panicThresholdPercent ?? PANIC_THRESHOLD_PERCENT,
        ...told.result.settings,
        ...effects.combine("backendSettings", targets),
        ...resolved.settings,
      };
      return { backend, findings: [...told.findings, ...refused] };
    });
    backends.push(compiled.backend);
    findings.push(...compiled.findings);
  }
  return { backends: recall.list("all backends", "", backends), findings };
}

/**
 * Whoever may write an EndpointSlice or a static backend could else reach what listens for this machine alone, such as
 * the admin port or the metadata service of a cloud.
 */
function withoutLocal(
  endpoints: readonly Endpoint[],
  object: ObjectRef,
): { readonly kept: readonly Endpoint[]; readonly findings: readonly FindingDraft[] } {
  const [kept, refused] = [false, true].map((wanted) =>
    endpoints.filter(({ host }) => isLocalAddress(parseIp(host) ?? []) === wanted),
  ) as [Endpoint[], Endpoint[]];
  const findings = refused.map(({ address }) =>
    draftFinding("backend-approximated", object, [], {
      message: `${address} is an address of the machine itself or of its link, so the endpoint is left out`,
      expected: "addresses that other machines can reach",
      hint: "correct the address",
    }),
  );
  return { kept, findings };
}

function orderedNames(names: readonly EndpointName[]): readonly EndpointName[] {
  const byPlace = new Map(names.map((name) => [`${name.host}:${name.port}`, name]));
  return [...byPlace.values()].sort((a, b) =>
    a.host === b.host ? a.port - b.port : a.host < b.host ? -1 : 1,
  );
}

/**
 * Sorted by address bytes, then port, so that all replicas build the same tables. An address that discovery names
 * twice (a Pod moving between slices) is one endpoint, in the better of the two states.
 */
export function orderedEndpoints(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const byAddress = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const known = byAddress.get(endpoint.address);
    if (known === undefined || HEALTH_RANK[endpoint.health] < HEALTH_RANK[known.health]) {
      byAddress.set(endpoint.address, endpoint);
    }
  }
  const keyed = [...byAddress.values()].map((endpoint) => ({
    endpoint,
    bytes: parseIp(endpoint.host) ?? [],
  }));
  return keyed
    .sort((a, b) => compareBytes(a.bytes, b.bytes) || a.endpoint.port - b.endpoint.port)
    .map((one) => one.endpoint);
}

const HEALTH_RANK: Readonly<Record<EndpointHealth, number>> = {
  healthy: 0,
  unknown: 1,
  degraded: 2,
  draining: 3,
  timeout: 4,
  unhealthy: 5,
};

/** IPv4 before IPv6, then byte by byte. */
function compareBytes(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return a.length - b.length;
  for (const [index, byte] of a.entries()) {
    const difference = byte - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
