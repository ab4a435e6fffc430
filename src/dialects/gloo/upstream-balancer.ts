// `loadBalancerConfig` of a Gloo Upstream: its fields, and the balancer that they describe.
import { z } from "zod";
import { DEFAULT_LOAD_BALANCER, type LoadBalancer, type SlowStart } from "../../model/index.ts";
import {
  MAGLEV_TABLE_SIZE,
  RING_MAXIMUM_SIZE,
  RING_MINIMUM_SIZE,
  SLOW_START_AGGRESSION,
  SLOW_START_MIN_WEIGHT_PERCENT,
} from "../envoy-defaults.ts";
import { checked, type FieldProblem, ignored, rule } from "../schema/fields.ts";
import { goDuration, goDurationMs } from "../schema/go-duration.ts";
import { atMostOneOf } from "../schema/one-of.ts";
import { count, wholeNumber } from "./fields.ts";

const slowStartConfig = z
  .strictObject({
    slowStartWindow: goDuration.optional(),
    aggression: z.number().positive().default(SLOW_START_AGGRESSION),
    minWeightPercent: z.number().min(0).max(100).default(SLOW_START_MIN_WEIGHT_PERCENT),
  })
  .optional();

const ringHashConfig = checked(
  z.strictObject({ minimumRingSize: wholeNumber.optional(), maximumRingSize: wholeNumber.optional() }),
  (value) => {
    const { minimum, maximum } = ringSizes(value);
    if (minimum <= maximum && maximum <= RING_MAXIMUM_SIZE) return undefined;
    const message =
      minimum > maximum
        ? `the largest ring (${maximum}) is smaller than the smallest (${minimum})`
        : `a ring has ${RING_MAXIMUM_SIZE} entries at most`;
    const expected = `from ${minimum} to ${RING_MAXIMUM_SIZE}`;
    return rule({ path: ["maximumRingSize"], message, expected, hint: "write another maximumRingSize" });
  },
);

/** 0 counts as not said. */
function ringSizes({
  minimumRingSize,
  maximumRingSize,
}: {
  minimumRingSize?: string | number | undefined;
  maximumRingSize?: string | number | undefined;
}) {
  return {
    minimum: Number(minimumRingSize ?? 0) || RING_MINIMUM_SIZE,
    maximum: Number(maximumRingSize ?? 0) || RING_MAXIMUM_SIZE,
  };
}

const TYPES = ["roundRobin", "leastRequest", "random", "ringHash", "maglev"] as const;

export const loadBalancerSchema = checked(
  z.strictObject({
    healthyPanicThreshold: z.number().min(0).max(100).optional(),
    roundRobin: z.strictObject({ slowStartConfig }).optional(),
    leastRequest: z.strictObject({ choiceCount: count.default(0), slowStartConfig }).optional(),
    random: z.strictObject({}).optional(),
    ringHash: z.strictObject({ ringHashConfig: ringHashConfig.optional() }).optional(),
    maglev: z.strictObject({}).optional(),
    useHostnameForHashing: z.boolean().default(false),
    updateMergeWindow: ignored(
      goDuration,
      "changes of endpoints take effect at once, unmerged",
      "remove updateMergeWindow",
    ),
    localityWeightedLbConfig: ignored(
      z.looseObject({}),
      "endpoints are chosen without regard to localities",
      "remove localityWeightedLbConfig",
    ),
    closeConnectionsOnHostSetChange: ignored(
      z.boolean(),
      "connections stay open when endpoints come and go",
      "remove closeConnectionsOnHostSetChange",
    ),
  }),
  (value) => {
    const problems: (FieldProblem | undefined)[] = [atMostOneOf(value, TYPES)];
    const hashing = (["ringHash", "maglev"] as const).find((name) => value[name] !== undefined);
    return [...problems, hashing === undefined ? undefined : keysElsewhere(hashing)].filter(
      (problem) => problem !== undefined,
    );
  },
);

/** RouteOptions say what is hashed, in lbHash. */
function keysElsewhere(name: string): FieldProblem {
  return {
    path: [name],
    code: "field-approximated",
    severity: "warning",
    message:
      "RouteOptions are not read, so every request gets an endpoint at random unless another policy at its route says what to hash",
    expected: "an AffinityPolicy at the route with hash.keys",
    hint: "write an AffinityPolicy for the HTTPRoute, with hash: {keys: [{header: x-user}]} for what lbHash of its RouteOption hashes",
  };
}

export type LoadBalancerValue = z.output<typeof loadBalancerSchema>;

/** What is hashed is said at routes. */
export function loadBalancer(value: LoadBalancerValue): LoadBalancer {
  const { leastRequest, useHostnameForHashing: useHostname } = value;
  if (value.roundRobin !== undefined) return { kind: "roundRobin" };
  if (value.random !== undefined) return { kind: "random" };
  if (value.maglev !== undefined) return { kind: "maglev", tableSize: MAGLEV_TABLE_SIZE, useHostname };
  if (value.ringHash !== undefined) {
    const { minimum, maximum } = ringSizes(value.ringHash.ringHashConfig ?? {});
    return {
      kind: "ringHash",
      minimumSize: minimum,
      maximumSize: maximum,
      hashFunction: "xxHash",
      useHostname,
    };
  }
  const choiceCount = leastRequest?.choiceCount ?? 0;
  return choiceCount < 2 ? DEFAULT_LOAD_BALANCER : { kind: "leastRequest", choiceCount };
}

/** Without a window there is no slow start. */
export function slowStart({ roundRobin, leastRequest }: LoadBalancerValue): SlowStart | undefined {
  const value = roundRobin?.slowStartConfig ?? leastRequest?.slowStartConfig;
  if (value?.slowStartWindow === undefined) return undefined;
  const { aggression, minWeightPercent } = value;
  return { windowMs: goDurationMs(value.slowStartWindow), aggression, minWeightPercent };
}
