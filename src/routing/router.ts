// Answers which rule takes a request: the listener by hostname, the route by hostname, the rule by its matches.
import type { Listener, RequestHead, Route } from "../model/index.ts";
import type { CandidateList } from "./candidates.ts";
import { type HostTable, hostEnd } from "./host.ts";
import type { RouteMiss, RouteResult } from "./match-result.ts";
import type { PathTable } from "./path-table.ts";

/** A route on a listener: what a compiled hostname is made of. */
export interface Attached {
  readonly listener: Listener;
  readonly route: Route;
}

/** One hostname of a listener. */
export interface CompiledHost {
  /** In order of precedence; compared to tell whether the tables can be used again. */
  readonly attached: Attached[];
  paths: PathTable;
}

/** Listeners of one hostname; those of several Gateways on one port are one to the client. */
export interface CompiledListener {
  readonly hosts: HostTable<CompiledHost>;
  readonly miss: RouteMiss;
}

const NO_LISTENER: RouteMiss = {
  listener: undefined,
  route: undefined,
  rule: undefined,
  reason: "no-listener",
};

/** Immutable once built; see `RouterBuild`. */
export class Router {
  readonly listeners: HostTable<CompiledListener>;
  // Room for what a lookup finds on its way; a lookup is synchronous, so one of each is enough.
  readonly #listenersFound: CompiledListener[] = [];
  readonly #hostsFound: CompiledHost[] = [];
  readonly #prefixesFound: CandidateList[] = [];

  constructor(listeners: HostTable<CompiledListener>) {
    this.listeners = listeners;
  }

  /**
   * `path` is the normalised path with its query. The most specific listener takes the request for good; inside it
   * a hostname that has no matching rule leaves the request to the next less specific one.
   */
  match(request: RequestHead, path: string): RouteResult | RouteMiss {
    const { authority } = request;
    const end = hostEnd(authority);
    const listenerCount = this.listeners.find(authority, end, this.#listenersFound);
    if (listenerCount === 0) return NO_LISTENER;
    const listener = this.#listenersFound[listenerCount - 1] as CompiledListener;
    const question = path.indexOf("?");
    const pathEnd = question === -1 ? path.length : question;
    const hosts = this.#hostsFound;
    for (let index = listener.hosts.find(authority, end, hosts) - 1; index >= 0; index--) {
      const { paths } = hosts[index] as CompiledHost;
      const result = paths.find(request, path, pathEnd, this.#prefixesFound);
      if (result !== undefined) return result;
    }
    return listener.miss;
  }
}
