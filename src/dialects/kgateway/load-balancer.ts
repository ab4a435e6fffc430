// The `loadBalancer` of a BackendConfigPolicy: its fields, and the balancer that they describe.
import { z } from "zod";
import {
  type CookieAttribute,
  DEFAULT_LOAD_BALANCER,
  type HashKey,
  type HashPolicy,
  type LoadBalancer,
  type SlowStart,
} from "../../model/index.ts";
import {
  MAGLEV_TABLE_SIZE,
  RING_MAXIMUM_SIZE,
  RING_MINIMUM_SIZE,
  SLOW_START_AGGRESSION,
  SLOW_START_MIN_WEIGHT_PERCENT,
} from "../envoy-defaults.ts";
import { cutSeconds, ofUnmadeCookie, refusedCookie } from "../policies/cookie-rules.ts";
import { checked, duration, durationMs, fieldName, ignored, rule, text } from "../schema/fields.ts";
import { atMostOneOf, exactlyOneOf } from "../schema/one-of.ts";

const cookie = checked(
  z.strictObject({
    name: fieldName,
    path: z.string().optional(),
    ttl: duration.optional(),
    secure: z.boolean().optional(),
    httpOnly: z.boolean().optional(),
    sameSite: z.enum(["Strict", "Lax", "None"]).optional(),
  }),
  (value) => {
    const { name, path = "", ttl, secure = false, httpOnly = false, sameSite } = value;
    if (ttl === undefined) {
      return ofUnmadeCookie({ path: path !== "", secure, httpOnly, sameSite: sameSite !== undefined });
    }
    return [...refusedCookie(name, value.path, cookieAttributes(value)), ...cutSeconds(durationMs(ttl))];
  },
);

const hashPolicy = checked(
  z.strictObject({
    header: z.strictObject({ name: fieldName }).optional(),
    cookie: cookie.optional(),
    sourceIP: z.strictObject({}).optional(),
    terminal: z.boolean().default(false),
  }),
  (value) => exactlyOneOf(value, { header: "{name: x-user}", cookie: "{name: session}", sourceIP: "{}" }),
);

/** kgateway lets it through for clusters that are resolved by DNS alone, which a Service never is. */
const useHostnameForHashing = checked(z.boolean(), (value) => {
  if (!value) return undefined;
  return {
    code: "field-ignored",
    severity: "warning",
    message: "kgateway hashes addresses of a Service whatever this field says, and so does Limpet",
    expected: "false",
    hint: "remove useHostnameForHashing",
  };
}).optional();

const hashing = {
  useHostnameForHashing,
  hashPolicies: z.array(hashPolicy).min(1).max(16).optional(),
};

const ringSize = z.int().min(1).max(RING_MAXIMUM_SIZE);

const ringHash = checked(
  z.strictObject({ minimumRingSize: ringSize.optional(), maximumRingSize: ringSize.optional(), ...hashing }),
  ({ minimumRingSize = RING_MINIMUM_SIZE, maximumRingSize = RING_MAXIMUM_SIZE }) => {
    if (minimumRingSize <= maximumRingSize) return undefined;
    return rule({
      path: ["maximumRingSize"],
      message: `the largest ring (${maximumRingSize}) is smaller than the smallest (${minimumRingSize})`,
      expected: `at least ${minimumRingSize}`,
      hint: `write maximumRingSize: ${minimumRingSize}, or a smaller minimumRingSize`,
    });
  },
);

const slowStartSchema = z
  .strictObject({
    window: duration.optional(),
    aggression: text(
      /^(?=.*[1-9])([0-9]+(\.[0-9]*)?|\.[0-9]+)$/,
      "a number above 0, as a text",
      '"1.5"',
    ).optional(),
    minWeightPercent: z.int().min(0).max(100).default(SLOW_START_MIN_WEIGHT_PERCENT),
  })
  .optional();

const zoneAware = ignored(
  z.looseObject({}),
  "endpoints are chosen without regard to zones",
  "remove zoneAware",
);

export const loadBalancerSchema = checked(
  z.strictObject({
    healthyPanicThreshold: z.int().min(0).max(100).optional(),
    updateMergeWindow: ignored(
      duration,
      "changes of endpoints take effect at once, unmerged",
      "remove updateMergeWindow",
    ),
    // The CRD takes any number; Envoy refuses fewer than two choices, and a ring without entries has no answer.
    leastRequest: z
      .strictObject({ choiceCount: z.int().min(2).default(2), slowStart: slowStartSchema })
      .optional(),
    roundRobin: z.strictObject({ slowStart: slowStartSchema }).optional(),
    ringHash: ringHash.optional(),
    maglev: z.strictObject(hashing).optional(),
    random: z.strictObject({}).optional(),
    localityType: ignored(
      z.enum(["WeightedLb"]),
      "endpoints are chosen without regard to localities",
      "remove localityType",
    ),
    zoneAware,
    closeConnectionsOnHostSetChange: ignored(
      z.boolean(),
      "connections stay open when endpoints come and go",
      "remove closeConnectionsOnHostSetChange",
    ),
  }),
  (value) => [
    ...[exactlyOneOf(value, ALTERNATIVES)].filter((problem) => problem !== undefined),
    ...[atMostOneOf(value, ["localityType", "zoneAware"])].filter((problem) => problem !== undefined),
    ...(["ringHash", "maglev"] as const)
      .filter((name) => value[name] !== undefined && value[name].hashPolicies === undefined)
      .map(keyless),
  ],
);

function keyless(name: string) {
  return rule({
    severity: "warning",
    path: [name],
    absent: ["hashPolicies"],
    message: `${name} has nothing to hash, so every request gets an endpoint at random unless a policy at its route says what`,
    expected: "hashPolicies",
    hint: "add hashPolicies: [{header: {name: x-user}}]",
  });
}

const ALTERNATIVES = {
  maglev: "{hashPolicies: [{header: {name: x-user}}]}",
  ringHash: "{hashPolicies: [{header: {name: x-user}}]}",
  leastRequest: "{}",
  roundRobin: "{}",
  random: "{}",
};

export type LoadBalancerValue = z.output<typeof loadBalancerSchema>;

export function loadBalancer(value: LoadBalancerValue): LoadBalancer {
  const { leastRequest, roundRobin, ringHash, maglev, random } = value;
  if (leastRequest !== undefined) {
    return { kind: "leastRequest", choiceCount: leastRequest.choiceCount };
  }
  if (roundRobin !== undefined) return { kind: "roundRobin" };
  if (ringHash !== undefined) {
    return {
      kind: "ringHash",
      minimumSize: ringHash.minimumRingSize ?? RING_MINIMUM_SIZE,
      maximumSize: ringHash.maximumRingSize ?? RING_MAXIMUM_SIZE,
      hashFunction: "xxHash",
      ...hashingPart(ringHash.hashPolicies),
    };
  }
  if (maglev !== undefined) {
    return { kind: "maglev", tableSize: MAGLEV_TABLE_SIZE, ...hashingPart(maglev.hashPolicies) };
  }
  return random === undefined ? DEFAULT_LOAD_BALANCER : { kind: "random" };
}

/** Without a window there is no slow start. */
export function slowStart({ leastRequest, roundRobin }: LoadBalancerValue): SlowStart | undefined {
  const value = leastRequest?.slowStart ?? roundRobin?.slowStart;
  if (value?.window === undefined) return undefined;
  return {
    windowMs: durationMs(value.window),
    aggression: value.aggression === undefined ? SLOW_START_AGGRESSION : Number(value.aggression),
    minWeightPercent: value.minWeightPercent,
  };
}

type HashPolicyValue = z.output<typeof hashPolicy>;

/** Policies sit on the balancer, so they hold on every route to the backend. */
function hashingPart(policies: readonly HashPolicyValue[] | undefined) {
  const hashPolicies = policies?.map(
    (policy): HashPolicy => ({ ...hashKey(policy), terminal: policy.terminal }),
  );
  return { useHostname: false, ...(hashPolicies === undefined ? {} : { hashPolicies }) };
}

function hashKey({ header, cookie }: HashPolicyValue): HashKey {
  if (header !== undefined) return { kind: "header", name: header.name.toLowerCase() };
  if (cookie === undefined) return { kind: "sourceIp" };
  const { name, path, ttl } = cookie;
  return {
    kind: "cookie",
    name,
    ...(ttl === undefined ? {} : { ttlSec: Math.floor(durationMs(ttl) / 1000) }),
    ...(path === undefined || path === "" ? {} : { path }),
    attributes: cookieAttributes(cookie),
  };
}

interface CookieParts {
  readonly secure?: boolean | undefined;
  readonly httpOnly?: boolean | undefined;
  readonly sameSite?: string | undefined;
}

/** kgateway writes flags as `Secure=true` and `HttpOnly=true`; Envoy adds its own `HttpOnly` at the end. */
function cookieAttributes({ secure, httpOnly, sameSite }: CookieParts): CookieAttribute[] {
  return [
    ...(secure ? [{ name: "Secure", value: "true" }] : []),
    ...(httpOnly ? [{ name: "HttpOnly", value: "true" }] : []),
    ...(sameSite === undefined ? [] : [{ name: "SameSite", value: sameSite }]),
  ];
}
