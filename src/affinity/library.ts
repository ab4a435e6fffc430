// The library's surface: the same hashes, tables and tokens as the gateway, with bigint and plain objects.
import type { HashFunction, HashPolicy } from "../model/index.ts";
import type { Client } from "./decision.ts";
import { hashRequest } from "./hash-policy.ts";
import { buildThrough, type TableBuilder, type TableHost } from "./hash-table.ts";
import { fromBigInt, type Hash64, toBigInt } from "./hash64.ts";
import { DEFAULT_MAGLEV, MaglevBuilder } from "./maglev.ts";
import { DEFAULT_RING, RingBuilder } from "./ring.ts";
import { envoyCookieFormat } from "./token/envoy-cookie.ts";
import { backendMark, decodeSealedLayout, encodeSealedLayout } from "./token/sealed-layout.ts";
import type { SessionKeys } from "./token/session-keys.ts";
import type { TokenIdentity } from "./token/token.ts";
import { hashText } from "./xxhash64.ts";

/**
 * xxHash64 (XXH64).
 *
 * @param data bytes, or text that counts one byte a character (latin1): encode other text as UTF-8 yourself.
 * @param seed unsigned 64 bits; a hash as the seed of the next one is how Envoy hashes lists.
 */
export function xxh64(data: string | Uint8Array, seed = 0n): bigint {
  const hash = fromBigInt(seed);
  const text =
    typeof data === "string"
      ? data
      : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");
  hashText(text, hash);
  return toBigInt(hash);
}

/** A table of hosts. */
export interface Table {
  /**
   * Index into the hosts that the table was built of.
   *
   * @param hash unsigned 64 bits.
   * @param attempt 0, or the number of hosts tried before; a host can come again.
   */
  pick(hash: bigint, attempt?: number): number;
}

/**
 * Envoy's ring hash (`ring_hash_lb.cc`), in the order of `hosts` as given.
 *
 * @param options sizes in entries: default 1024 to 8388608, each 1 to 8388608; `hashFunction` default xxHash.
 * @throws RangeError for sizes out of range, no hosts, or weights that are no whole numbers of at least 1.
 */
export function buildRing(
  hosts: readonly TableHost[],
  options: { minimumSize?: number; maximumSize?: number; hashFunction?: HashFunction } = {},
): Table {
  return surface(new RingBuilder(hosts, { ...DEFAULT_RING, ...options }));
}

/**
 * Envoy's Maglev table (`maglev_lb.cc`); the order of `hosts` does not matter.
 *
 * @param options `tableSize`: a prime of at most 5000011, default 65537.
 * @throws RangeError for another table size, no hosts, or weights that are no whole numbers of at least 1.
 */
export function buildMaglev(hosts: readonly TableHost[], options: { tableSize?: number } = {}): Table {
  return surface(new MaglevBuilder(hosts, { ...DEFAULT_MAGLEV, ...options }));
}

function surface(builder: TableBuilder): Table {
  const table = buildThrough(builder);
  return {
    pick(hash, attempt = 0) {
      return table.pick(fromBigInt(hash), attempt);
    },
  };
}

/** What hash policies read of a request. Texts are latin1. */
export interface HashRequest {
  /** Path and query; default `/`. */
  readonly path?: string;
  readonly method?: string;
  readonly authority?: string;
  /** Header lines in order; names compare without case. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** The client's IP without port, for `sourceIp`. */
  readonly sourceIp?: string;
  /** Both ends of the connection, `ip:port`: what a cookie is generated from that the client does not have. */
  readonly peerAddress?: string;
  readonly localAddress?: string;
}

/**
 * Envoy's request hash (`hash_policy.cc`): the policies' hashes by rotate and xor, `terminal` stops once there is one.
 *
 * @returns undefined where no policy found its key.
 */
export function requestHash(policies: readonly HashPolicy[], request: HashRequest): bigint | undefined {
  const headers = (request.headers ?? []).map(([name, value]) => [name.toLowerCase(), value] as const);
  const client: Client = {
    peerAddress: request.peerAddress ?? "",
    localAddress: request.localAddress ?? "",
    ip: request.sourceIp ?? "",
    peerIsProxy: false,
  };
  const head = {
    method: request.method ?? "GET",
    authority: request.authority ?? "",
    path: request.path ?? "/",
    getAll: (name: string) => headers.filter(([other]) => other === name).map(([, value]) => value),
  };
  const hash: Hash64 = { high: 0, low: 0 };
  return hashRequest(policies, head, client, () => 0, [], hash) ? toBigInt(hash) : undefined;
}

/** What Envoy's session cookie says. */
export interface EnvoyCookie {
  /** `ip:port`, IPv6 in brackets. */
  readonly address: string;
  /** The last second in which the cookie is accepted, unix seconds; undefined: it does not expire. */
  readonly expiresSec?: number;
  /** Limpet's own: when the session was last seen and when it began, unix seconds. */
  readonly lastSeenSec?: number;
  readonly begunSec?: number;
}

/** The value of Envoy 1.40's session cookie: base64 of the protobuf `envoy.Cookie`. */
export function encodeEnvoyCookie(cookie: EnvoyCookie): string {
  const { address, expiresSec = 0, lastSeenSec = 0, begunSec = 0 } = cookie;
  return envoyCookieFormat.encode({ address, expiresSec, lastSeenSec, begunSec });
}

/** Reads a cookie value without quotes. Undefined: not one of Envoy's. Never throws, and checks no expiry. */
export function decodeEnvoyCookie(text: string): EnvoyCookie | undefined {
  const token = envoyCookieFormat.decode(text);
  if (token === undefined) return undefined;
  const { address, expiresSec, lastSeenSec, begunSec } = token;
  return {
    address,
    ...(expiresSec !== 0 && { expiresSec }),
    ...(lastSeenSec !== 0 && { lastSeenSec }),
    ...(begunSec !== 0 && { begunSec }),
  };
}

/** What a sealed token says. Times are unix seconds. */
export interface SealedToken {
  /** `ip:port`, IPv6 in brackets. */
  readonly address: string;
  readonly begunSec: number;
  readonly lastSeenSec?: number;
  readonly expiresSec?: number;
  /** Who had the address. */
  readonly identity?: TokenIdentity;
  /** Id of the backend, `Service/default/carts:80`. A token has room for 32 bits of its hash only. */
  readonly backend?: string;
  /** The application's own session value, latin1, where the token wraps it. */
  readonly original?: string;
}

/** What became of `SealedToken.backend`: to be compared with `backendMark` of the backends there are. */
export type OpenedToken = Omit<SealedToken, "backend"> & {
  readonly backendMark: number;
  /** First 4 bytes of the SHA-256 of the key that sealed it, in hex. */
  readonly keyId: string;
};

/**
 * A token as the gateway seals it.
 *
 * @param keys a `KeyRing`
 * @param scope of the session, `HTTPRoute/default/shop/carts/home`: it has to be given again to open the token.
 * @throws RangeError for a token of more than 5 KiB.
 */
export function sealToken(keys: SessionKeys, scope: string, token: SealedToken): string {
  const { backend, lastSeenSec = 0, expiresSec = 0, ...said } = token;
  const mark = backend === undefined ? undefined : backendMark(backend);
  return keys.seal(encodeSealedLayout({ ...said, lastSeenSec, expiresSec, backendMark: mark }), scope);
}

/**
 * Undefined: not sealed with one of the keys, not for this scope, changed, or not canonical. Never throws, and checks
 * neither times nor who has the address now.
 */
export function openToken(keys: SessionKeys, scope: string, text: string): OpenedToken | undefined {
  const opened = keys.open(text, scope);
  const token = opened && decodeSealedLayout(opened.plain, opened.keyId);
  if (opened === undefined || token === undefined) return undefined;
  const { address, begunSec, lastSeenSec, expiresSec, identity, backendMark: mark = 0, original } = token;
  return {
    address,
    begunSec,
    ...(lastSeenSec !== 0 && { lastSeenSec }),
    ...(expiresSec !== 0 && { expiresSec }),
    ...(identity !== undefined && { identity }),
    backendMark: mark,
    ...(original !== undefined && { original }),
    keyId: opened.keyId,
  };
}
