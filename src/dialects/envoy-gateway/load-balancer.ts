// `loadBalancer` of a BackendTrafficPolicy: its fields, and the balancer and hash policies that they describe.
import { z } from "zod";
import {
  type CookieAttribute,
  DEFAULT_LOAD_BALANCER,
  type HashKey,
  type HashPolicy,
} from "../../model/index.ts";
import { MAGLEV_TABLE_SIZE } from "../envoy-defaults.ts";
import type { Effect } from "../policies/attachment.ts";
import { cutSeconds, ofUnmadeCookie, refusedCookie } from "../policies/cookie-rules.ts";
import { checked, duration, durationMs, fieldName, ignored, rule } from "../schema/fields.ts";
import { maglevTableSize } from "../schema/table-size.ts";
import { fieldsFitType } from "../schema/union.ts";

const header = z.strictObject({ name: fieldName });

const deprecatedHeader = checked(header, ({ name }) => ({
  code: "deprecated-shape",
  severity: "info",
  message: "the type Header with one header is deprecated in Envoy Gateway",
  expected: "the type Headers",
  hint: `write type: Headers and headers: [{name: ${name}}]`,
}));

const cookie = checked(
  z.strictObject({
    name: fieldName,
    ttl: duration.optional(),
    attributes: z.record(z.string().min(1), z.string()).default({}),
  }),
  ({ name, ttl, attributes }) =>
    ttl === undefined
      ? ofUnmadeCookie({ attributes: Object.keys(attributes).length > 0 })
      : [...refusedCookie(name, undefined, cookieAttributes(attributes)), ...cutSeconds(durationMs(ttl))],
);

/** Type -> the field that goes with it; SourceIP has none. */
const FIELD_OF_HASH = {
  SourceIP: undefined,
  Header: "header",
  Headers: "headers",
  Cookie: "cookie",
  QueryParams: "queryParams",
} as const;

const consistentHash = checked(
  z.strictObject({
    type: z.enum(["SourceIP", "Header", "Headers", "Cookie", "QueryParams"]),
    header: deprecatedHeader.optional(),
    headers: z.array(header).min(1).optional(),
    cookie: cookie.optional(),
    queryParams: z
      .array(z.strictObject({ name: z.string().min(1) }))
      .min(1)
      .optional(),
    tableSize: maglevTableSize.default(MAGLEV_TABLE_SIZE),
  }),
  (value) => fieldsFitType(value, FIELD_OF_HASH, "consistentHash"),
);

/** Type -> the field that goes with it. */
const FIELD_OF_BALANCER = {
  ConsistentHash: "consistentHash",
  LeastRequest: undefined,
  Random: undefined,
  RoundRobin: undefined,
  BackendUtilization: "backendUtilization",
  DynamicModule: "dynamicModule",
} as const;

type BalancerType = keyof typeof FIELD_OF_BALANCER;

const balancerType = checked(
  z.enum(Object.keys(FIELD_OF_BALANCER) as [BalancerType, ...BalancerType[]]),
  (type) => {
    if (type !== "BackendUtilization" && type !== "DynamicModule") return undefined;
    return {
      code: "field-approximated",
      severity: "warning",
      message: `endpoints are not chosen by ${type} but by least request`,
      expected: "ConsistentHash, LeastRequest, Random or RoundRobin",
      hint: "write type: LeastRequest",
    };
  },
);

const NO_SLOW_START = ["Random", "ConsistentHash", "DynamicModule"];

export const loadBalancerSchema = checked(
  z.strictObject({
    type: balancerType,
    consistentHash: consistentHash.optional(),
    backendUtilization: z.looseObject({}).optional(),
    dynamicModule: z.looseObject({}).optional(),
    slowStart: z.strictObject({ window: duration }).optional(),
    zoneAware: ignored(z.looseObject({}), "endpoints are chosen without regard to zones", "remove zoneAware"),
    endpointOverride: ignored(
      z.looseObject({}),
      "the client cannot name its endpoint in a header of its own",
      "use sessionPersistence of type Header on the rule",
    ),
  }),
  (value) => {
    const problems = fieldsFitType(value, FIELD_OF_BALANCER, "a loadBalancer");
    if (value.slowStart === undefined || !NO_SLOW_START.includes(value.type)) return problems;
    const message = `endpoints start slowly under no loadBalancer of type ${value.type}`;
    const hint = "remove slowStart, or write another type";
    return [...problems, rule({ path: ["slowStart"], message, expected: "no slowStart", hint })];
  },
);

export type LoadBalancerValue = z.output<typeof loadBalancerSchema>;

type RouteBalancing = Extract<Effect, { kind: "routeBalancing" }>;

/** What rules get from a policy that says nothing of balancing. */
export const UNSAID: RouteBalancing = {
  kind: "routeBalancing",
  loadBalancer: DEFAULT_LOAD_BALANCER,
  hashPolicies: [],
  splitByHash: false,
};

/**
 * As Envoy Gateway 1.9 configures Envoy: consistent hashing is always Maglev, the policies belong to the rule, and the
 * same hash chooses among weighted backends.
 */
export function routeBalancing({ type, consistentHash }: LoadBalancerValue): RouteBalancing {
  if (type === "Random") return { ...UNSAID, loadBalancer: { kind: "random" } };
  if (type === "RoundRobin") return { ...UNSAID, loadBalancer: { kind: "roundRobin" } };
  if (consistentHash === undefined) return UNSAID;
  return {
    kind: "routeBalancing",
    loadBalancer: { kind: "maglev", tableSize: consistentHash.tableSize, useHostname: false },
    hashPolicies: hashKeys(consistentHash).map((key): HashPolicy => ({ ...key, terminal: false })),
    splitByHash: true,
  };
}

/** One policy for each header or parameter; none is terminal, so all that are there are hashed together. */
function hashKeys(value: z.output<typeof consistentHash>): HashKey[] {
  const { type, header, headers = [], cookie, queryParams = [] } = value;
  switch (type) {
    case "SourceIP":
      return [{ kind: "sourceIp" }];
    case "Header":
    case "Headers":
      return (header === undefined ? headers : [header]).map(({ name }) => ({
        kind: "header",
        name: name.toLowerCase(),
      }));
    case "QueryParams":
      return queryParams.map(({ name }) => ({ kind: "queryParameter", name }));
    case "Cookie":
      return cookie === undefined ? [] : [cookieKey(cookie)];
  }
}

/** Envoy Gateway writes the attributes in the random order of a Go map; here they are sorted, so that they stay. */
function cookieKey({ name, ttl, attributes }: z.output<typeof cookie>): HashKey {
  return {
    kind: "cookie",
    name,
    ...(ttl === undefined ? {} : { ttlSec: Math.floor(durationMs(ttl) / 1000) }),
    attributes: cookieAttributes(attributes),
  };
}

function cookieAttributes(attributes: Readonly<Record<string, string>>): CookieAttribute[] {
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([key, text]) => (text === "" ? { name: key } : { name: key, value: text }));
}
