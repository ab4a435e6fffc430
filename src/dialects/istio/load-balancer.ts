// `loadBalancer` of a DestinationRule: its fields, and the balancer that they describe.
import { z } from "zod";
import {
  DEFAULT_LOAD_BALANCER,
  type HashPolicy,
  type LoadBalancer,
  type SlowStart,
} from "../../model/index.ts";
import {
  RING_MAXIMUM_SIZE,
  RING_MINIMUM_SIZE,
  SLOW_START_AGGRESSION,
  SLOW_START_MIN_WEIGHT_PERCENT,
} from "../envoy-defaults.ts";
import { cutSeconds, ofUnmadeCookie, refusedCookie } from "../policies/cookie-rules.ts";
import { checked, type FieldProblem, fieldName, ignored, rule } from "../schema/fields.ts";
import { goDuration, goDurationMs, goDurationSec } from "../schema/go-duration.ts";
import { atMostOneOf } from "../schema/one-of.ts";
import { maglevTableSize } from "../schema/table-size.ts";

const attribute = z.strictObject({ name: z.string().min(1), value: z.string().default("") });

const httpCookie = checked(
  z.strictObject({
    name: fieldName,
    path: z.string().optional(),
    ttl: goDuration.optional(),
    attributes: checked(z.array(attribute).default([]), (attributes) => {
      const names = attributes.map(({ name }) => name);
      const twice = names.findIndex((name, index) => names.indexOf(name) < index);
      if (twice < 0) return undefined;
      return rule({
        path: [twice, "name"],
        message: `the attribute ${names[twice]} stands there twice`,
        expected: "attributes with names of their own",
        hint: "remove one of the two",
      });
    }),
  }),
  ({ name, path, ttl, attributes }) =>
    ttl === undefined
      ? ofUnmadeCookie({ path: path !== undefined && path !== "", attributes: attributes.length > 0 })
      : [...refusedCookie(name, path, attributes), ...cutSeconds(goDurationMs(ttl))],
);

/** Written by a tutorial of Alibaba Cloud ASM; no release of Istio has it. */
const hashAlgorithm = checked(z.unknown(), (value) => {
  if (value === undefined) return undefined;
  const isMaglev = String(value).toLowerCase().includes("maglev");
  return {
    code: "unknown-field",
    severity: "warning",
    message: "hashAlgorithm is no field of consistentHash and has no effect",
    expected: "ringHash or maglev",
    hint: isMaglev ? "write maglev: {tableSize: 65537}" : "write ringHash: {}, or maglev: {tableSize: 65537}",
  };
}).optional();

const ringSize = z.int().min(0).max(RING_MAXIMUM_SIZE);

const minimumRingSize = checked(ringSize, (size) => ({
  code: "deprecated-shape",
  severity: "info",
  message: "minimumRingSize of consistentHash is deprecated",
  expected: "minimumRingSize inside ringHash",
  hint: `write ringHash: {minimumRingSize: ${size}}`,
})).optional();

const KEYS = ["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"] as const;

const consistentHash = checked(
  z.strictObject({
    httpHeaderName: fieldName.optional(),
    httpCookie: httpCookie.optional(),
    useSourceIp: z.boolean().optional(),
    httpQueryParameterName: z.string().min(1).optional(),
    ringHash: z.strictObject({ minimumRingSize: ringSize.optional() }).optional(),
    maglev: z.strictObject({ tableSize: maglevTableSize }).optional(),
    minimumRingSize,
    hashAlgorithm,
  }),
  (value) => {
    const problems: (FieldProblem | undefined)[] = [
      atMostOneOf(value, KEYS),
      atMostOneOf(value, ["ringHash", "maglev"]),
      KEYS.some((key) => value[key] !== undefined) ? undefined : NO_KEY,
      value.minimumRingSize === undefined ? undefined : ringSizeBeside(value),
    ];
    return problems.filter((problem) => problem !== undefined);
  },
);

const NO_KEY = rule({
  severity: "warning",
  absent: KEYS,
  message: "there is nothing to hash, so every request gets an endpoint at random",
  expected: `one of ${KEYS.join(", ")}`,
  hint: "add httpHeaderName: x-user",
});

function ringSizeBeside(value: { ringHash?: unknown; maglev?: unknown }): FieldProblem | undefined {
  const algorithm = ["ringHash", "maglev"].find((name) => value[name as "ringHash" | "maglev"] !== undefined);
  if (algorithm === undefined) return undefined;
  return rule({
    path: ["minimumRingSize"],
    message: `the deprecated minimumRingSize may not stand beside ${algorithm}`,
    expected: "minimumRingSize inside ringHash",
    hint: "remove minimumRingSize",
  });
}

const simple = checked(
  z.enum(["UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"]),
  (value) => {
    if (value === "LEAST_CONN") {
      return {
        code: "deprecated-shape",
        severity: "info",
        message: "LEAST_CONN is the old name of LEAST_REQUEST",
        expected: "LEAST_REQUEST",
        hint: "write simple: LEAST_REQUEST",
      };
    }
    if (value !== "PASSTHROUGH") return undefined;
    return {
      code: "field-ignored",
      severity: "warning",
      message: "PASSTHROUGH needs the client's original destination, which a gateway does not have",
      expected: "LEAST_REQUEST, ROUND_ROBIN or RANDOM",
      hint: "remove simple: PASSTHROUGH; least request is used",
    };
  },
);

const localities = "endpoints are chosen without regard to localities";

const warmup = z.strictObject({
  duration: goDuration,
  minimumPercent: z.number().min(0).max(100).default(SLOW_START_MIN_WEIGHT_PERCENT),
  aggression: z.number().positive().default(SLOW_START_AGGRESSION),
});

export const loadBalancerSchema = checked(
  z.strictObject({
    simple: simple.optional(),
    consistentHash: consistentHash.optional(),
    localityLbSetting: ignored(z.looseObject({}), localities, "remove localityLbSetting"),
    zoneAwareLbSetting: ignored(z.looseObject({}), localities, "remove zoneAwareLbSetting"),
    warmupDurationSecs: checked(goDuration, (duration) => ({
      code: "deprecated-shape",
      severity: "info",
      message: "warmupDurationSecs is deprecated",
      expected: "warmup",
      hint: `write warmup: {duration: ${duration}}`,
    })).optional(),
    warmup: warmup.optional(),
  }),
  (value) =>
    [
      atMostOneOf(value, ["simple", "consistentHash"]),
      atMostOneOf(value, ["localityLbSetting", "zoneAwareLbSetting"]),
      atMostOneOf(value, ["warmupDurationSecs", "warmup"]),
      warmupBeside(value),
    ].filter((problem) => problem !== undefined),
);

/** Only Envoy's round robin and least request know of warming up. */
function warmupBeside(value: {
  simple?: string | undefined;
  consistentHash?: unknown;
  warmup?: unknown;
  warmupDurationSecs?: unknown;
}): FieldProblem | undefined {
  const field = (["warmup", "warmupDurationSecs"] as const).find((one) => value[one] !== undefined);
  if (field === undefined) return undefined;
  if (value.consistentHash === undefined && value.simple !== "RANDOM") return undefined;
  return {
    path: [field],
    code: "field-ignored",
    severity: "warning",
    message: "endpoints warm up under ROUND_ROBIN and LEAST_REQUEST alone",
    expected: "simple: LEAST_REQUEST or ROUND_ROBIN",
    hint: `remove ${field}, or write simple: LEAST_REQUEST`,
  };
}

export type LoadBalancerValue = z.output<typeof loadBalancerSchema>;
type ConsistentHashValue = z.output<typeof consistentHash>;

/** Where nothing is said Istio balances by least request, as Limpet does. */
export function loadBalancer({ simple, consistentHash }: LoadBalancerValue): LoadBalancer {
  if (consistentHash !== undefined) return hashingBalancer(consistentHash);
  if (simple === "RANDOM") return { kind: "random" };
  if (simple === "ROUND_ROBIN") return { kind: "roundRobin" };
  return DEFAULT_LOAD_BALANCER;
}

export function slowStart({ warmup, warmupDurationSecs }: LoadBalancerValue): SlowStart | undefined {
  const duration = warmup?.duration ?? warmupDurationSecs;
  if (duration === undefined) return undefined;
  return {
    windowMs: goDurationMs(duration),
    aggression: warmup?.aggression ?? SLOW_START_AGGRESSION,
    minWeightPercent: warmup?.minimumPercent ?? SLOW_START_MIN_WEIGHT_PERCENT,
  };
}

function hashingBalancer(value: ConsistentHashValue): LoadBalancer {
  const hashPolicies = hashPolicy(value);
  const hashing = {
    useHostname: false,
    ...(hashPolicies === undefined ? {} : { hashPolicies: [hashPolicies] }),
  };
  if (value.maglev !== undefined) return { kind: "maglev", tableSize: value.maglev.tableSize, ...hashing };
  // In Istio's protobuf 0 means that nothing was said.
  const minimumSize = value.ringHash?.minimumRingSize || value.minimumRingSize || RING_MINIMUM_SIZE;
  return {
    kind: "ringHash",
    minimumSize,
    maximumSize: RING_MAXIMUM_SIZE,
    hashFunction: "xxHash",
    ...hashing,
  };
}

/** One key at most, and nothing to fall back on. */
function hashPolicy(value: ConsistentHashValue): HashPolicy | undefined {
  const terminal = false;
  const { httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName } = value;
  if (httpHeaderName !== undefined) return { kind: "header", name: httpHeaderName.toLowerCase(), terminal };
  if (httpQueryParameterName !== undefined) {
    return { kind: "queryParameter", name: httpQueryParameterName, terminal };
  }
  if (httpCookie === undefined) return useSourceIp ? { kind: "sourceIp", terminal } : undefined;
  const { name, path = "", ttl, attributes } = httpCookie;
  return {
    kind: "cookie",
    name,
    // Without ttl the cookie is read and never made; 0s makes a session cookie.
    ...(ttl === undefined ? {} : { ttlSec: goDurationSec(ttl) }),
    ...(path === "" ? {} : { path }),
    attributes: attributes.map(({ name: key, value: text }) =>
      text === "" ? { name: key } : { name: key, value: text },
    ),
    terminal,
  };
}
