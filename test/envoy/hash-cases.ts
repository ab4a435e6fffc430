// The hash configurations that are run on Envoy and on Limpet: example manifests beside the Envoy configuration that says the same.

import type { EnvoyCase } from "./envoy-process.ts";
import { randomKeys } from "./keys.ts";

/** One request: what the hash may depend on. */
export interface HashRequest {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  /** Loopback address that the client binds. */
  readonly localAddress?: string;
}

export interface HashCase {
  readonly name: string;
  readonly example: string;
  readonly files: readonly string[];
  /** Applied to the example's text, for values that its files do not show. */
  readonly change?: (text: string) => string;
  readonly replicas: number;
  readonly envoy: Pick<EnvoyCase, "cluster" | "route">;
  readonly requests: readonly HashRequest[];
}

const KEYS = randomKeys(200);

const byHeader = (name: string): HashRequest[] => KEYS.map((key) => ({ headers: { [name]: key } }));
const byCookie = (name: string): HashRequest[] => [
  ...KEYS.map((key) => ({ headers: { cookie: `${name}=${key}` } })),
  { headers: { cookie: `other=1; ${name}="quoted"; last=2` } },
  { headers: { cookie: `${name}=first; ${name}=second` } },
];
const byQuery = (name: string): HashRequest[] => [
  ...KEYS.map((key) => ({ path: `/get?${name}=${key}` })),
  { path: `/get?a=1&${name}=two&${name}=three` },
  { path: `/get?${name}=a%20b+c` },
  { path: `/get?${name}` },
];
const byAddress = (): HashRequest[] =>
  KEYS.map((_, index) => ({ localAddress: `127.0.${index >> 4}.${(index & 15) + 2}` }));

type Algorithm = "ring_hash" | "maglev";

/** An LB-level policy, where kgateway puts it. */
function lbLevel(
  algorithm: Algorithm,
  policies: unknown[],
  fields: Record<string, unknown> = {},
): EnvoyCase["cluster"] {
  const type = algorithm === "maglev" ? "maglev.v3.Maglev" : "ring_hash.v3.RingHash";
  return {
    load_balancing_policy: {
      policies: [
        {
          typed_extension_config: {
            name: `envoy.load_balancing_policies.${algorithm}`,
            typed_config: {
              "@type": `type.googleapis.com/envoy.extensions.load_balancing_policies.${type}`,
              ...fields,
              consistent_hashing_lb_config: { hash_policy: policies },
            },
          },
        },
      ],
    },
  };
}

const header = (name: string, terminal = false) => ({ header: { header_name: name }, terminal });
const cookie = (name: string, rest: Record<string, unknown> = {}, terminal = false) => ({
  cookie: { name, ...rest },
  terminal,
});
const sourceIp = { connection_properties: { source_ip: true } };
const query = (name: string) => ({ query_parameter: { name } });

const KGATEWAY_RING = { minimum_ring_size: 1024, maximum_ring_size: 2048 };

function kgateway(
  file: string,
  algorithm: Algorithm,
  policies: unknown[],
  requests: HashRequest[],
): HashCase {
  return {
    name: `kgateway ${file}`,
    example: "kgateway-consistent-hashing",
    files: ["backend.yaml", "gateway.yaml", file],
    replicas: 4,
    envoy: { cluster: lbLevel(algorithm, policies, algorithm === "ring_hash" ? KGATEWAY_RING : {}) },
    requests,
  };
}

/** All combinations of the keys of the fallback policy: header, else cookie, else address. */
const FALLBACK: HashRequest[] = KEYS.flatMap((key, index) => [
  { headers: { "x-user-id": key, cookie: `session_id=${key}-c` } },
  { headers: { cookie: `session_id=${key}` } },
  { localAddress: `127.0.0.${(index % 200) + 2}` },
]);

function istio(
  name: string,
  file: string,
  envoy: HashCase["envoy"],
  requests: HashRequest[],
  change?: (text: string) => string,
): HashCase {
  return {
    name: `istio ${name}`,
    example: "istio-consistent-hash",
    files: ["backend.yaml", "gateway.yaml", file],
    ...(change === undefined ? {} : { change }),
    replicas: 3,
    envoy,
    requests,
  };
}

const ring = { lb_policy: "RING_HASH" };

function envoyGateway(
  name: string,
  policies: unknown[],
  requests: HashRequest[],
  change?: (text: string) => string,
): HashCase {
  return {
    name: `envoy gateway ${name}`,
    example: "envoy-gateway-session-persistence",
    files: ["backend.yaml", "gateway.yaml", "consistent-hash.yaml"],
    ...(change === undefined ? {} : { change }),
    replicas: 4,
    envoy: {
      cluster: {
        lb_policy: "MAGLEV",
        ...(name.includes("1021") ? { maglev_lb_config: { table_size: 1021 } } : {}),
      },
      route: { hash_policy: policies },
    },
    requests,
  };
}

/** Replaces the example's key by another, and fails if the example has changed under it. */
function replacing(from: string, to: string): (text: string) => string {
  return (text) => text.replace(from, to);
}

const HEADERS = "type: Headers\n      headers:\n        - name: x-user";

export const HASH_CASES: readonly HashCase[] = [
  kgateway("ringhash-header.yaml", "ring_hash", [header("x-user-id")], byHeader("x-user-id")),
  kgateway(
    "ringhash-cookie.yaml",
    "ring_hash",
    [cookie("session_id", { path: "/", ttl: "1800s" })],
    byCookie("session_id"),
  ),
  kgateway("ringhash-source-ip.yaml", "ring_hash", [sourceIp], byAddress()),
  kgateway(
    "ringhash-fallback.yaml",
    "ring_hash",
    [header("x-user-id", true), cookie("session_id", {}, true), sourceIp],
    FALLBACK,
  ),
  kgateway("maglev-header.yaml", "maglev", [header("x-user-id")], byHeader("x-user-id")),
  kgateway(
    "maglev-cookie.yaml",
    "maglev",
    [cookie("session_id", { path: "/", ttl: "1800s" })],
    byCookie("session_id"),
  ),
  kgateway("maglev-source-ip.yaml", "maglev", [sourceIp], byAddress()),
  kgateway(
    "maglev-fallback.yaml",
    "maglev",
    [header("x-user-id", true), cookie("session_id", {}, true), sourceIp],
    FALLBACK,
  ),
  istio(
    "cookie",
    "cookie.yaml",
    { cluster: ring, route: { hash_policy: [cookie("sticky-session-key", { ttl: "0s" })] } },
    byCookie("sticky-session-key"),
  ),
  istio(
    "header",
    "header.yaml",
    { cluster: ring, route: { hash_policy: [header("x-user")] } },
    byHeader("x-user"),
  ),
  istio(
    "source address",
    "source-ip.yaml",
    { cluster: ring, route: { hash_policy: [sourceIp] } },
    byAddress(),
  ),
  istio(
    "query parameter",
    "query.yaml",
    { cluster: ring, route: { hash_policy: [query("room")] } },
    byQuery("room"),
  ),
  istio(
    "small ring",
    "header.yaml",
    {
      cluster: { ...ring, ring_hash_lb_config: { minimum_ring_size: 7 } },
      route: { hash_policy: [header("x-user")] },
    },
    byHeader("x-user"),
    replacing(
      "httpHeaderName: x-user",
      "httpHeaderName: x-user\n        ringHash:\n          minimumRingSize: 7",
    ),
  ),
  istio(
    "maglev",
    "maglev-cookie.yaml",
    {
      cluster: { lb_policy: "MAGLEV" },
      route: { hash_policy: [cookie("sticky-session-key", { ttl: "0s" })] },
    },
    byCookie("sticky-session-key"),
  ),
  envoyGateway("header", [header("x-user")], byHeader("x-user")),
  envoyGateway(
    "header, table of 1021",
    [header("x-user")],
    byHeader("x-user"),
    replacing("type: Headers", "tableSize: 1021\n      type: Headers"),
  ),
  envoyGateway(
    "two headers",
    [header("x-user"), header("x-tenant")],
    KEYS.flatMap((key) => [
      { headers: { "x-user": key, "x-tenant": `${key}-t` } },
      { headers: { "x-tenant": key } },
    ]),
    replacing("- name: x-user", "- name: x-user\n        - name: x-tenant"),
  ),
  envoyGateway(
    "cookie",
    [cookie("home", { ttl: "60s" })],
    byCookie("home"),
    replacing(HEADERS, "type: Cookie\n      cookie:\n        name: home\n        ttl: 60s"),
  ),
  envoyGateway("source address", [sourceIp], byAddress(), replacing(HEADERS, "type: SourceIP")),
  envoyGateway(
    "query parameter",
    [query("room")],
    byQuery("room"),
    replacing(HEADERS, "type: QueryParams\n      queryParams:\n        - name: room"),
  ),
];
