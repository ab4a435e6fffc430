// `hash` of an AffinityPolicy: its fields, and the balancer and hash policies that they describe.
import { z } from "zod";
import type { HashKey, HashPolicy, LoadBalancer } from "../../model/index.ts";
import { MAGLEV_TABLE_SIZE, RING_MAXIMUM_SIZE, RING_MINIMUM_SIZE } from "../envoy-defaults.ts";
import { cookieRefusals } from "../policies/cookie-rules.ts";
import { checked, duration, durationMs, type FieldProblem, fieldName, rule } from "../schema/fields.ts";
import { exactlyOneOf } from "../schema/one-of.ts";
import { maglevTableSize } from "../schema/table-size.ts";
import { cookieAttributes, cookieDomain, cookiePath, sameSite } from "./cookie-fields.ts";
import { validation } from "./validation.ts";

/** In hundredths, as a balancer counts it; a bound of a hundred times the mean is none. */
const boundedLoad = checked(z.number().min(1).max(100), (bound) => {
  if (Math.abs(bound * 100 - Math.round(bound * 100)) < 1e-6) return undefined;
  return {
    message: `${bound} has more than two decimals`,
    expected: "a number with two decimals at most",
    hint: `write boundedLoad: ${Math.round(bound * 100) / 100}`,
  };
});

const ringSize = z.int().min(1).max(RING_MAXIMUM_SIZE);

const ring = checked(
  z.strictObject({
    minimumSize: ringSize.default(RING_MINIMUM_SIZE).describe("Entries that the ring has at least."),
    maximumSize: ringSize.default(RING_MAXIMUM_SIZE).describe("Entries that the ring has at most."),
  }),
  ({ minimumSize, maximumSize }) => {
    if (minimumSize <= maximumSize) return undefined;
    return rule({
      path: ["maximumSize"],
      message: `the largest ring (${maximumSize}) is smaller than the smallest (${minimumSize})`,
      expected: `at least ${minimumSize}`,
      hint: `write maximumSize: ${minimumSize}, or a smaller minimumSize`,
    });
  },
).meta({
  description: "Size of the ring; only beside `algorithm: ring`.",
  ...validation(["self.minimumSize <= self.maximumSize", "minimumSize is at most maximumSize"]),
});

const maglev = z
  .strictObject({
    tableSize: maglevTableSize
      .default(MAGLEV_TABLE_SIZE)
      .describe("Entries of the table, a prime number: a hundred for each endpoint, or more."),
  })
  .describe("Size of the table; only beside `algorithm: maglev`.");

const cookie = checked(
  z.strictObject({
    name: fieldName.describe("Name of the cookie whose value is hashed."),
    ttl: duration
      .optional()
      .describe(
        "Whoever has no such cookie is given one, for so long; `0s`: until the browser ends. Left out: the cookie is the application's, and none is made.",
      ),
    path: cookiePath.default("/").describe("`Path` of a cookie that is made."),
    domain: cookieDomain.optional().describe("`Domain` of a cookie that is made."),
    sameSite: sameSite
      .default("Lax")
      .describe("`SameSite` of a cookie that is made; `None` needs `secure: true`."),
    secure: z.boolean().default(false).describe("Whether a cookie that is made is `Secure`."),
    partitioned: z
      .boolean()
      .default(false)
      .describe("Whether a cookie that is made is `Partitioned`; needs `secure: true`."),
  }),
  (value) =>
    value.ttl === undefined
      ? ofMadeCookies(value)
      : [...cookieRefusals(value).map(rule), ...wholeSeconds(value.ttl)],
).meta({
  description: "A cookie.",
  ...validation(
    ["!has(self.ttl) || self.sameSite != 'None' || self.secure", "sameSite None needs secure: true"],
    ["!has(self.ttl) || !self.partitioned || self.secure", "partitioned needs secure: true"],
  ),
});

function wholeSeconds(ttl: string): FieldProblem[] {
  const ms = durationMs(ttl);
  if (ms % 1000 === 0) return [];
  const seconds = `${Math.ceil(ms / 1000)}s`;
  const message = `ttl is rounded up to whole seconds: ${seconds}`;
  const text = { message, expected: "a whole number of seconds", hint: `write ttl: ${seconds}` };
  return [{ path: ["ttl"], code: "field-approximated", severity: "warning", ...text }];
}

/** What differs from its default, and is said of a cookie that is never made. */
function ofMadeCookies(value: Readonly<Record<string, unknown>>): FieldProblem[] {
  const defaults = { path: "/", domain: undefined, sameSite: "Lax", secure: false, partitioned: false };
  return Object.entries(defaults)
    .filter(([field, byDefault]) => value[field] !== byDefault)
    .map(([field]) => ({
      path: [field],
      code: "field-ignored" as const,
      message: `no cookie is made without a ttl, so ${field} has no effect`,
      expected: "ttl beside it",
      hint: `add ttl: 0s if the gateway is to make the cookie, or remove ${field}`,
    }));
}

const EXAMPLES = {
  header: "x-user",
  cookie: "{name: user, ttl: 0s}",
  sourceIP: "{}",
  query: "room",
} as const;

const key = checked(
  z.strictObject({
    header: fieldName.optional().describe("A header of the request."),
    cookie: cookie.optional(),
    sourceIP: z
      .strictObject({
        v4Prefix: z.int().min(0).max(32).default(32).describe("Leading bits of an IPv4 address that count."),
        v6Prefix: z
          .int()
          .min(0)
          .max(128)
          .default(128)
          .describe("Leading bits of an IPv6 address that count."),
      })
      .optional()
      .describe("The client's address, as far as the gateway trusts those who tell it."),
    query: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe("A parameter of the query, by its name as it is written there."),
    terminal: z
      .boolean()
      .default(false)
      .describe("If there is a hash by now, the keys behind this one do not count."),
  }),
  (value) => exactlyOneOf(value, EXAMPLES),
).meta({
  description: "One source of the hash.",
  ...validation([
    "[has(self.header), has(self.cookie), has(self.sourceIP), has(self.query)].exists_one(x, x)",
    "exactly one of header, cookie, sourceIP and query",
  ]),
});

export const hashSchema = checked(
  z.strictObject({
    algorithm: z
      .enum(["maglev", "ring"])
      .default("maglev")
      .describe(
        "Which table finds the endpoint: both move few clients when endpoints come and go, a ring fewer still.",
      ),
    ring: ring.optional(),
    maglev: maglev.optional(),
    keys: z.array(key).min(1).max(16).meta({
      description:
        "What is hashed. All keys that a request has are hashed together, in this order, up to one that is `terminal`. A request that has none gets an endpoint by plain balancing.",
      "x-kubernetes-list-type": "atomic",
    }),
    boundedLoad: boundedLoad
      .optional()
      .describe(
        "An endpoint that has this many times the mean of requests under way is passed over for the next in the table: 1.25 lets it have a quarter more. Two decimals at most. Left out: no bound.",
      ),
  }),
  ({ algorithm, ...value }) => {
    const problems: FieldProblem[] = [];
    for (const field of ["ring", "maglev"] as const) {
      if (value[field] === undefined || algorithm === field) continue;
      const message = `${field} may not stand beside algorithm ${algorithm}`;
      const hint = `write algorithm: ${field}, or remove ${field}`;
      problems.push(rule({ path: [field], message, expected: `algorithm: ${field}`, hint }));
    }
    return problems;
  },
).meta({
  description:
    "Session affinity: consistent hashing of what the request brings along. A session that the request has goes before.",
  ...validation(
    ["!has(self.ring) || self.algorithm == 'ring'", "ring needs algorithm: ring"],
    ["!has(self.maglev) || self.algorithm == 'maglev'", "maglev needs algorithm: maglev"],
  ),
});

export type HashValue = z.output<typeof hashSchema>;

/** Without policies of its own. */
export function hashBalancer({
  algorithm,
  ring,
  maglev,
  boundedLoad,
}: HashValue): Extract<LoadBalancer, { kind: "ringHash" | "maglev" }> {
  const shared = {
    useHostname: false,
    ...(boundedLoad === undefined ? {} : { balanceFactorPercent: Math.round(boundedLoad * 100) }),
  };
  if (algorithm === "maglev") {
    return { kind: "maglev", tableSize: maglev?.tableSize ?? MAGLEV_TABLE_SIZE, ...shared };
  }
  return {
    kind: "ringHash",
    minimumSize: ring?.minimumSize ?? RING_MINIMUM_SIZE,
    maximumSize: ring?.maximumSize ?? RING_MAXIMUM_SIZE,
    hashFunction: "xxHash",
    ...shared,
  };
}

export function hashPolicies({ keys }: HashValue): readonly HashPolicy[] {
  return keys.map((one) => ({ ...hashKey(one), terminal: one.terminal }));
}

function hashKey({ header, cookie, sourceIP, query }: HashValue["keys"][number]): HashKey {
  if (header !== undefined) return { kind: "header", name: header.toLowerCase() };
  if (query !== undefined) return { kind: "queryParameter", name: query };
  if (cookie === undefined) {
    const { v4Prefix = 32, v6Prefix = 128 } = sourceIP ?? {};
    return {
      kind: "sourceIp",
      ...(v4Prefix === 32 ? {} : { v4PrefixBits: v4Prefix }),
      ...(v6Prefix === 128 ? {} : { v6PrefixBits: v6Prefix }),
    };
  }
  const { name, ttl, path } = cookie;
  if (ttl === undefined) return { kind: "cookie", name, attributes: [] };
  // Rounded up: a cookie that was to be kept for a moment must not become one for as long as the browser runs.
  return {
    kind: "cookie",
    name,
    ttlSec: Math.ceil(durationMs(ttl) / 1000),
    path,
    attributes: cookieAttributes(cookie),
  };
}
