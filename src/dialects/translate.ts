// Resources in, snapshot, statuses and findings out: the control plane's table of contents.
import { type Finding, objectKey } from "../model/index.ts";
import { type FindingDraft, locateFinding } from "./findings.ts";
import { allListeners } from "./gateway-api/compile-gateway.ts";
import { gatewayNeeds } from "./gateway-api/gateway.ts";
import { Recall, type TranslationMemory } from "./memory.ts";
import { attachPolicies } from "./passes/attach-policies.ts";
import { checkSessionNames } from "./passes/check-session-names.ts";
import { checkValidity } from "./passes/check-validity.ts";
import { compileBackends } from "./passes/compile-backends.ts";
import { compileGateways } from "./passes/compile-gateways.ts";
import { compileRoutes } from "./passes/compile-routes.ts";
import { leaveStrangers } from "./passes/leave-strangers.ts";
import { readObjects } from "./passes/read-objects.ts";
import { reportOverrides } from "./passes/report-overrides.ts";
import { reportStatus } from "./passes/report-status.ts";
import { DIALECTS, KINDS } from "./registry.ts";
import type { Resource, TranslateOptions, Translation } from "./translation.ts";

export interface RememberedTranslation extends Translation {
  /** Hand it to the next translation of the same configuration. */
  readonly memory: TranslationMemory;
}

const POLICIES = DIALECTS.flatMap(({ policies }) => policies);
const BACKENDS = DIALECTS.flatMap(({ backends }) => backends);
const ALIASES = DIALECTS.flatMap(({ aliases = [] }) => aliases);

/**
 * Translates all resources. Never throws on what a user wrote: everything there is to say is in the findings, and
 * what is not in error is served.
 *
 * `before` is the memory of an earlier translation. With it, objects whose value is the same (by identity) are not
 * worked on again, parts of the snapshot that did not change are the same objects as before, and an object that came
 * to be in error goes on in its last good form.
 */
export function translate(
  resources: readonly Resource[],
  options: TranslateOptions = {},
  before?: TranslationMemory,
): RememberedTranslation {
  const recall = new Recall(before);

  const read = readObjects(KINDS, resources, recall);
  const { objects } = read;
  const { gateways, ...compiled } = compileGateways(objects, options, recall);
  const policies = attachPolicies(POLICIES, objects, options, recall);
  const routes = compileRoutes(objects, gateways, policies.effects, BACKENDS, ALIASES, options, recall);
  const backends = compileBackends(routes, objects, policies.effects, BACKENDS, options, recall);
  const overridden = reportOverrides(routes, recall);
  const names = checkSessionNames(routes, recall);
  const statuses = reportStatus(objects, options, gateways, routes, policies.verdicts, recall);

  const listeners = recall.result("listeners", "", [gateways], () => {
    return gateways
      .flatMap((gateway) => allListeners(gateway).map(({ listener }) => listener))
      .filter((one) => one !== undefined);
  });
  const outOfTime = checkValidity(listeners, backends.backends, options.nowMs, recall);

  const told = [
    ...compiled.findings,
    ...gateways.flatMap(({ findings }) => findings),
    ...policies.findings,
    ...routes.flatMap(({ findings }) => findings),
    ...backends.findings,
    ...overridden,
    ...names,
    ...outOfTime,
  ];
  // Whoever brings files brings them to us; a cluster is full of what is others'.
  const found =
    options.controllerName === undefined
      ? read.findings
      : leaveStrangers(read.findings, {
          resources: read.resources,
          routes,
          backends: backends.backends,
          statuses,
          told,
        });
  return {
    snapshot: {
      listeners,
      routes: recall.result("all routes", "", [routes], () => routes.flatMap((route) => route.routes)),
      tlsRoutes: recall.result("all TLS routes", "", [routes], () =>
        routes.flatMap((route) => route.tlsRoutes),
      ),
      backends: backends.backends,
    },
    statuses,
    findings: locateAll([...found, ...told], read.resources, recall),
    gateways: recall.result("needs of gateways", "", [gateways], () =>
      gateways.map(({ reading, sets }) => gatewayNeeds(reading, sets)),
    ),
    memory: recall.memory(),
  };
}

function locateAll(
  drafts: readonly FindingDraft[],
  resources: ReadonlyMap<string, Resource>,
  recall: Recall,
): readonly Finding[] {
  return drafts.map((draft) => {
    const resource = resources.get(objectKey(draft.object));
    return recall.result("findings", draft, [resource], () => locateFinding(draft, resource));
  });
}
