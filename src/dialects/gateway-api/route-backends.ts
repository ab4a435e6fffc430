// Backends as the policy of a rule makes them: for that rule they are backends of their own, with ids of their own.
import type { ResolvedBackend } from "../dialect.ts";
import type { PolicyTarget, RouteBackends } from "../policies/attachment.ts";
import type { Effects } from "../policies/effects.ts";

/** What the policies at these targets say together; the narrow ones first. */
export function narrowestBackends(
  effects: Effects,
  targets: readonly PolicyTarget[],
): RouteBackends | undefined {
  return targets.reduceRight<RouteBackends | undefined>(
    (wider, target) => backendsInForce(effects.find("routeBackends", [target]), wider),
    undefined,
  );
}

/** The narrower policy, with what it leaves to the wider one. */
export function backendsInForce(
  narrow: RouteBackends | undefined,
  wide: RouteBackends | undefined,
): RouteBackends | undefined {
  if (narrow === undefined || wide === undefined) return narrow ?? wide;
  if (!narrow.merges) return narrow;
  const settings = { ...wide.settings, ...narrow.settings };
  if (Object.keys(narrow.settings).length === 0) return wide;
  if (Object.keys(wide.settings).length === 0) return narrow;
  return { name: `${narrow.name}+${wide.name}`, settings, merges: true };
}

/** `Service/default/carts:80#default/my-policy`: one for all rules to which the same policies apply. */
export function backendIdFor(id: string, policy: RouteBackends | undefined): string {
  return changes(policy) ? `${id}#${policy.name}` : id;
}

export function backendFor(backend: ResolvedBackend, policy: RouteBackends | undefined): ResolvedBackend {
  if (!changes(policy)) return backend;
  return { ...backend, id: backendIdFor(backend.id, policy), settings: policy.settings };
}

function changes(policy: RouteBackends | undefined): policy is RouteBackends {
  return policy !== undefined && Object.keys(policy.settings).length > 0;
}
