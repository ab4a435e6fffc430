// The request hash: what hash policies read from a request and how they combine, bit for bit as Envoy (hash_policy.cc).
import type { HashKey, HashPolicy, RequestHead } from "../model/index.ts";
import { cookieValues } from "./cookie.ts";
import type { Client, GeneratedCookie } from "./decision.ts";
import { type Hash64, hex64, randomHash } from "./hash64.ts";
import { queryValue } from "./query.ts";
import { hashText } from "./xxhash64.ts";

/** What hash policies look at. */
export type HashedRequest = Pick<RequestHead, "method" | "authority" | "path" | "getAll">;

const policyHash: Hash64 = { high: 0, low: 0 };

/**
 * Leaves the combined hash in `hash` and answers true, or answers false where no policy found its key. Cookies that
 * had to be generated are added to `generated`; one that is there already is used again.
 */
export function hashRequest(
  policies: readonly HashPolicy[],
  request: HashedRequest,
  client: Client,
  random: () => number,
  generated: GeneratedCookie[],
  hash: Hash64,
): boolean {
  let found = false;
  hash.high = 0;
  hash.low = 0;
  for (const policy of policies) {
    if (hashKey(policy, request, client, random, generated, policyHash)) {
      const turnedHigh = (hash.high << 1) | (hash.low >>> 31);
      const turnedLow = (hash.low << 1) | (hash.high >>> 31);
      hash.high = turnedHigh ^ policyHash.high;
      hash.low = turnedLow ^ policyHash.low;
      found = true;
    }
    // Envoy stops on the hash so far, even where this very policy found nothing.
    if (policy.terminal && found) return true;
  }
  return found;
}

/** The hash of one policy alone, with seed 0. */
function hashKey(
  key: HashKey,
  request: HashedRequest,
  client: Client,
  random: () => number,
  generated: GeneratedCookie[],
  hash: Hash64,
): boolean {
  hash.high = 0;
  hash.low = 0;
  switch (key.kind) {
    case "header":
      return hashHeader(key.name, request, hash);
    case "cookie": {
      const value = cookieValues(request, key.name)[0];
      if (value !== undefined && value !== "") hashText(value, hash);
      else if (key.ttlSec === undefined) return false;
      else hashText(generatedValue(key, key.ttlSec, client, random, generated), hash);
      return true;
    }
    case "sourceIp":
      hashText(client.ip, hash);
      return true;
    case "queryParameter": {
      const value = queryValue(request.path, key.name);
      if (value === undefined) return false;
      hashText(value, hash);
      return true;
    }
  }
}

/** All lines of the field, sorted by bytes and chained; pseudo header names are Envoy's. */
function hashHeader(name: string, request: HashedRequest, hash: Hash64): boolean {
  const pseudo = pseudoHeader(name, request);
  if (pseudo !== undefined) {
    hashText(pseudo, hash);
    return true;
  }
  const values = request.getAll(name.toLowerCase());
  if (values.length === 0) return false;
  if (values.length === 1) hashText(values[0]!, hash);
  else for (const value of values.toSorted()) hashText(value, hash);
  return true;
}

function pseudoHeader(name: string, request: HashedRequest): string | undefined {
  switch (name) {
    case ":path":
      return request.path;
    case ":authority":
      return request.authority;
    case ":method":
      return request.method;
    default:
      return undefined;
  }
}

/**
 * The value of a cookie that the client does not have yet: Envoy's hash of both ends of the connection, or random
 * where the peer is a proxy, since one of its connections carries many users.
 */
function generatedValue(
  key: HashKey & { readonly kind: "cookie" },
  ttlSec: number,
  client: Client,
  random: () => number,
  generated: GeneratedCookie[],
): string {
  const earlier = generated.find(({ name }) => name === key.name);
  if (earlier !== undefined) return earlier.value;
  const value: Hash64 = { high: 0, low: 0 };
  if (client.peerIsProxy) randomHash(random, value);
  else hashText(client.peerAddress + client.localAddress, value);
  const cookie = { name: key.name, value: hex64(value), attributes: key.attributes, path: key.path };
  generated.push(ttlSec === 0 ? cookie : { ...cookie, maxAgeSec: ttlSec });
  return cookie.value;
}
