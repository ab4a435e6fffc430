// Asks DNS for all addresses of a host name, with the time for which they may be kept.
import { ADDRCONFIG, NODATA, NOTFOUND, promises, type RecordWithTtl } from "node:dns";

/** What a name resolves to. Addresses are IP addresses as text, without repetition. */
export interface Resolution {
  readonly addresses: readonly string[];
  /** Undefined: whoever answered did not say (a hosts file). */
  readonly ttlSec: number | undefined;
  /** The family about which the question failed, so that nobody knows whether the name has addresses of it. */
  readonly unknownFamily?: 4 | 6;
}

/** Rejects where there is no address: with the system's error, whose `code` tells why. */
export type ResolveName = (host: string) => Promise<Resolution>;

/** One question to one server, before the next server is asked. */
const QUERY_TIMEOUT_MS = 2_000;
const TRIES = 2;

/** How the system itself finds addresses: by its hosts file, and whatever else it is set up to ask. */
export type SystemLookup = (host: string) => Promise<readonly { readonly address: string }[]>;

const lookupBySystem: SystemLookup = (host) => promises.lookup(host, { all: true, hints: ADDRCONFIG });

/**
 * @param servers `ip:port`, asked in their order; empty: those of the system
 * @param fallback for names that no server knows; with servers of one's own there is none
 */
export function dnsResolver(
  servers: readonly string[],
  fallback: SystemLookup | undefined = servers.length === 0 ? lookupBySystem : undefined,
): ResolveName {
  const resolver = new promises.Resolver({ timeout: QUERY_TIMEOUT_MS, tries: TRIES });
  if (servers.length > 0) resolver.setServers([...servers]);
  return async (host) => {
    // RFC 6761 section 6.3: never a question for a server.
    if (host === "localhost" || host.endsWith(".localhost"))
      return { addresses: ["127.0.0.1"], ttlSec: undefined };
    const [v4, v6] = await Promise.allSettled([
      resolver.resolve4(host, { ttl: true }),
      resolver.resolve6(host, { ttl: true }),
    ]);
    // One family is enough: there are servers that never answer for the other.
    const records = [...recordsOf(v4), ...recordsOf(v6)];
    if (records.length > 0) {
      return {
        addresses: [...new Set(records.map(({ address }) => address))],
        ttlSec: Math.min(...records.map(({ ttl }) => ttl)),
        ...(failureOf(v4) === undefined ? {} : { unknownFamily: 4 }),
        ...(failureOf(v6) === undefined ? {} : { unknownFamily: 6 }),
      };
    }
    if (fallback !== undefined) {
      const found = await fallback(host);
      return { addresses: [...new Set(found.map(({ address }) => address))], ttlSec: undefined };
    }
    throw failureOf(v4) ?? failureOf(v6) ?? (v4 as PromiseRejectedResult).reason;
  };
}

function recordsOf(answer: PromiseSettledResult<RecordWithTtl[]>): readonly RecordWithTtl[] {
  return answer.status === "fulfilled" ? answer.value : [];
}

/** That a name has no addresses of one family is an answer. */
function failureOf(answer: PromiseSettledResult<unknown>): NodeJS.ErrnoException | undefined {
  if (answer.status === "fulfilled") return undefined;
  const error = answer.reason as NodeJS.ErrnoException;
  return error.code === NODATA || error.code === NOTFOUND ? undefined : error;
}
