// Which certificates active checks show to endpoints: those that requests are shown with, by the Gateway that they come through.
import type { Certificate, Filter, Rule, Snapshot, WeightedBackend } from "../model/index.ts";

/**
 * By id of the backend, for those that a route leads to from a listener with a certificate. A backend has one health, so
 * where several Gateways lead to it the certificate of the first one counts.
 */
export function certificatesOfChecks(snapshot: Snapshot): ReadonlyMap<string, Certificate> {
  const { listeners, routes, tlsRoutes } = snapshot;
  const byBackend = new Map<string, Certificate>();
  const byListener = new Map(listeners.map(({ id, backendCertificate }) => [id, backendCertificate]));
  if (listeners.every(({ backendCertificate }) => backendCertificate === undefined)) return byBackend;
  for (const { attachments, ...route } of [...routes, ...tlsRoutes]) {
    const certificate = attachments
      .map(({ listener }) => byListener.get(listener))
      .find((one) => one !== undefined);
    if (certificate === undefined) continue;
    const targets = "rules" in route ? route.rules.flatMap(targetsOfRule) : targetsOf(route.backends);
    for (const target of targets) if (!byBackend.has(target)) byBackend.set(target, certificate);
  }
  return byBackend;
}

function targetsOfRule({ action, filters }: Rule): string[] {
  return action.kind === "forward" ? [...mirrorsOf(filters), ...targetsOf(action.backends)] : [];
}

function targetsOf(references: readonly WeightedBackend[]): string[] {
  return references.flatMap(({ backend, filters }) => [
    ...(backend === undefined ? [] : [backend]),
    ...mirrorsOf(filters),
  ]);
}

function mirrorsOf(filters: readonly Filter[]): string[] {
  return filters.flatMap((filter) => (filter.kind === "mirror" ? [filter.backend] : []));
}
