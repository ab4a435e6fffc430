// What is to be said about a Gateway's Service beside what the Gateway says: `parametersRef`, a ConfigMap of its namespace.
import type { GatewayNeeds, PlacementProblem } from "../../dialects/gateway-api/placement.ts";

export const SERVICE_TYPES = ["LoadBalancer", "ClusterIP"] as const;
export type ServiceType = (typeof SERVICE_TYPES)[number];

const TRAFFIC_POLICIES = ["Local", "Cluster"] as const;

export interface ServiceParameters {
  readonly type: ServiceType;
  /** `Local` keeps the client's address, and no node sends a client to another node. */
  readonly externalTrafficPolicy: (typeof TRAFFIC_POLICIES)[number];
  readonly loadBalancerClass?: string;
}

/** `data` of the ConfigMap of that name; undefined: there is none. */
export type FindConfigMap = (
  namespace: string,
  name: string,
) => Readonly<Record<string, unknown>> | undefined;

const REFERENCE = ["spec", "infrastructure", "parametersRef"] as const;
const KEYS = ["serviceType", "externalTrafficPolicy", "loadBalancerClass"] as const;

/** Keys of the ConfigMap that are not there are as the process has them by default. */
export function serviceParameters(
  { gateway, infrastructure: { parametersRef } }: GatewayNeeds,
  defaultType: ServiceType,
  findConfigMap: FindConfigMap,
): ServiceParameters | PlacementProblem {
  const defaults = { type: defaultType, externalTrafficPolicy: "Local" } as const;
  if (parametersRef === undefined) return defaults;
  const { group, kind, name } = parametersRef;
  if (group !== "" || kind !== "ConfigMap") {
    return invalid(`parameters of kind ${kind} are not read`, "a ConfigMap", "name a ConfigMap");
  }
  const data = findConfigMap(gateway.namespace, name);
  if (data === undefined) {
    const where = `ConfigMap ${gateway.namespace}/${name}`;
    return invalid(`${where} is not there`, "a ConfigMap of the Gateway's namespace", `create ${where}`);
  }
  const unknown = Object.keys(data).find((key) => !(KEYS as readonly string[]).includes(key));
  if (unknown !== undefined) {
    return invalid(`the ConfigMap ${name} has the key ${unknown}`, KEYS.join(", "), "remove the key");
  }
  const { serviceType, externalTrafficPolicy, loadBalancerClass } = data;
  if (serviceType !== undefined && !isOneOf(SERVICE_TYPES, serviceType)) {
    return wrongValue(name, "serviceType", SERVICE_TYPES);
  }
  if (externalTrafficPolicy !== undefined && !isOneOf(TRAFFIC_POLICIES, externalTrafficPolicy)) {
    return wrongValue(name, "externalTrafficPolicy", TRAFFIC_POLICIES);
  }
  return {
    type: serviceType ?? defaults.type,
    externalTrafficPolicy: externalTrafficPolicy ?? defaults.externalTrafficPolicy,
    ...(typeof loadBalancerClass === "string" ? { loadBalancerClass } : {}),
  };
}

export function isProblem(found: ServiceParameters | PlacementProblem): found is PlacementProblem {
  return "condition" in found;
}

function isOneOf<T extends string>(values: readonly T[], value: unknown): value is T {
  return (values as readonly unknown[]).includes(value);
}

function wrongValue(name: string, key: string, values: readonly string[]): PlacementProblem {
  const expected = values.join(" or ");
  return invalid(
    `${key} in the ConfigMap ${name} has another value than ${expected}`,
    expected,
    "correct it",
  );
}

function invalid(message: string, expected: string, hint: string): PlacementProblem {
  return {
    condition: "Accepted",
    reason: "InvalidParameters",
    message,
    remedy: { path: REFERENCE, expected, hint: `${hint}, or remove parametersRef` },
  };
}
