// The statuses of policies, and of XBackends: a verdict for each Gateway through which the target is reached (GEP-713).
import { type Condition, type ObjectRef, type ObjectStatus, objectKey } from "../../model/index.ts";
import type { CompiledGateway } from "../gateway-api/compile-gateway.ts";
import type { CompiledRoute } from "../gateway-api/compile-route.ts";
import type { Recall } from "../memory.ts";
import type { PolicyVerdicts } from "../policies/effects.ts";

/** Policies of which nothing reaches a Gateway have none: whoever serves their targets is somebody else. */
export function reportPolicies(
  policies: readonly PolicyVerdicts[],
  gateways: readonly CompiledGateway[],
  routes: readonly CompiledRoute[],
  recall: Recall,
): readonly ObjectStatus[] {
  // Most clusters have none, and routes that come and go by the thousand.
  if (policies.length === 0) return NONE;
  const reach = recall.result("reach of gateways", "", [gateways, routes], () => reachOf(gateways, routes));
  return recall.result("policy statuses", "", [policies, reach], () => {
    return policies
      .map((policy) => policyStatus(policy, reach))
      .filter(({ parents }) => parents?.length !== 0);
  });
}

const NONE: readonly ObjectStatus[] = [];

/** By object key of whatever a policy may target, the Gateways that lead there, oldest first. */
type Reach = ReadonlyMap<string, readonly ObjectRef[]>;

function reachOf(gateways: readonly CompiledGateway[], routes: readonly CompiledRoute[]): Reach {
  const ages = new Map(gateways.map(({ reading }, age) => [objectKey(reading.object), age]));
  const found = new Map<string, Set<number>>();
  const add = (object: ObjectRef, gateway: ObjectRef) => {
    const key = objectKey(object);
    const age = ages.get(objectKey(gateway));
    if (age === undefined) return;
    const known = found.get(key);
    if (known === undefined) found.set(key, new Set([age]));
    else known.add(age);
  };
  for (const { reading, sets } of gateways) {
    add(reading.object, reading.object);
    for (const set of sets) add(set.reading.object, reading.object);
  }
  for (const route of routes) {
    for (const gateway of route.gateways) {
      add(route.object, gateway);
      for (const backend of route.backends) add(backend.object, gateway);
    }
  }
  return new Map(
    [...found].map(([key, known]) => {
      const oldestFirst = [...known].sort((a, b) => a - b);
      return [key, oldestFirst.map((age) => (gateways[age] as CompiledGateway).reading.object)];
    }),
  );
}

/** Under one Gateway a policy may have several targets: it is in force there if it is at any of them. */
function policyStatus({ object, targets }: PolicyVerdicts, reach: Reach): ObjectStatus {
  const ancestors = new Map<ObjectRef, readonly Condition[]>();
  for (const { target, conditions } of targets) {
    for (const gateway of reach.get(objectKey(target.object)) ?? []) {
      const known = ancestors.get(gateway);
      if (known === undefined || !isInForce(known)) ancestors.set(gateway, conditions);
    }
  }
  const parents = [...ancestors].map(([parent, conditions]) => ({ parent, conditions }));
  return { object, conditions: [], parents };
}

function isInForce(conditions: readonly Condition[]): boolean {
  return conditions.some(({ type, status }) => type === "Accepted" && status === "True");
}
