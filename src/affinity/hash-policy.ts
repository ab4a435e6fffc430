// The request hash: what hash policies read from a request and how they combine, bit for bit as Envoy (hash_policy.cc).
import type { HashKey, HashPolicy, RequestHead } from "../model/index.ts";
import { clientNetwork } from "./client-network.ts";
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
  const input = hashInput(key, request, client, random, generated);
  if (input === undefined) return false;
  hash.high = 0;
  hash.low = 0;
  if (typeof input === "string") hashText(input, hash);
  else for (const text of input) hashText(text, hash);
  return true;
}

/**
 * What a policy reads of a request, latin1; several texts are hashed one after the other, each with the hash so far as
 * its seed. Undefined: the request does not have it.
 */
export function hashInput(
  key: HashKey,
  request: HashedRequest,
  client: Client,
  random: () => number,
  generated: GeneratedCookie[],
): string | readonly string[] | undefined {
  switch (key.kind) {
    case "header":
      return headerInput(key.name, request);
    case "cookie": {
      const value = cookieValues(request, key.name)[0];
      if (value !== undefined && value !== "") return value;
      if (key.ttlSec === undefined) return undefined;
      return generatedValue(key, key.ttlSec, client, random, generated);
    }
    case "sourceIp":
      return clientNetwork(client.ip, key.v4PrefixBits, key.v6PrefixBits);
    case "queryParameter":
      return queryValue(request.path, key.name);
  }
}

/** All lines of the field, sorted by bytes; pseudo header names are Envoy's. */
function headerInput(name: string, request: HashedRequest): string | readonly string[] | undefined {
  const pseudo = pseudoHeader(name, request);
  if (pseudo !== undefined) return pseudo;
  const values = request.getAll(name.toLowerCase());
  if (values.length <= 1) return values[0];
  return values.toSorted();
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
