// The one shape of choosing an endpoint: preferences one after the other; the caller walks past what it may not use.
import type { EndpointState, PendingTable } from "./decision.ts";
import type { Hash64 } from "./hash64.ts";

/** Ring, Maglev table, bounded load and the plain balancers, over the endpoints that serve. */
export interface EndpointLookup {
  /** A table that must be built before `pick` may be called; undefined: ready. */
  readonly pending: PendingTable | undefined;
  /**
   * The preference number `attempt`, from 0. Tables read the hash and answer the same for the same; plain balancers
   * draw anew each time. An endpoint can come more than once.
   */
  pick(hash: Hash64, attempt: number, random: () => number): EndpointState;
}

/** Preferences that are looked at before any endpoint that is left will do. */
const MAX_ATTEMPTS = 64;

/** The first preference that was not tried yet; where all were tried the last one stands, as in Envoy. */
export function pickUntried(
  lookup: EndpointLookup,
  endpoints: readonly EndpointState[],
  hash: Hash64,
  random: () => number,
  tried: readonly EndpointState[] | undefined,
): EndpointState {
  let choice = lookup.pick(hash, 0, random);
  if (tried === undefined || !tried.includes(choice)) return choice;
  for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++) {
    choice = lookup.pick(hash, attempt, random);
    if (!tried.includes(choice)) return choice;
  }
  return endpoints.find((endpoint) => !tried.includes(endpoint)) ?? choice;
}
