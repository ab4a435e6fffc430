// `limpet drain`: has a gateway that runs send no new sessions to an endpoint, calls that off, or lists who drains.
import { setTimeout as delay } from "node:timers/promises";
import type { DrainingEndpoint } from "../../runtime/drain-desk.ts";
import { askGateway } from "../admin-call.ts";
import { EXIT_DONE } from "../exit-codes.ts";
import type { FlagValues } from "../flag.ts";
import type { DRAIN_FLAGS } from "../flags.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";

export type DrainFlags = FlagValues<typeof DRAIN_FLAGS> & {
  /** Undefined: only to list. */
  readonly endpoint: string | undefined;
  readonly output: "text" | "json";
};

const PATH = "/api/drains";
/** How often `--wait` asks. */
const ASK_AGAIN_MS = 500;

export async function drainCommand(flags: DrainFlags, terminal: Terminal): Promise<number> {
  const { endpoint, admin, undo, list, wait } = flags;
  if (list && (endpoint !== undefined || undo || wait)) throw new UsageError("--list stands alone");
  if (undo && wait) throw new UsageError("--undo ends a drain: there is nothing to wait for");
  if (!list && endpoint === undefined) throw new UsageError("name an endpoint, or give --list");
  if (endpoint === undefined) {
    print(await ask(admin, "GET"), "nothing drains", flags, terminal);
    return EXIT_DONE;
  }
  const query = new URLSearchParams({ endpoint });
  if (undo) {
    const ended = await ask(admin, "DELETE", query);
    if (flags.output === "json") print(ended, "", flags, terminal);
    else for (const one of ended) terminal.out(`${nameOf(one)}: no operator has it drain any more\n`);
    return EXIT_DONE;
  }
  const begun = await ask(admin, "POST", query);
  print(wait ? await finished(admin, begun) : begun, "", flags, terminal);
  return EXIT_DONE;
}

/** Resolves once nothing is in flight on any of them. Sessions may still come back meanwhile: they keep their endpoint. */
async function finished(
  admin: URL,
  begun: readonly DrainingEndpoint[],
): Promise<readonly DrainingEndpoint[]> {
  const addresses = new Set(begun.map(({ endpoint }) => endpoint));
  for (;;) {
    const draining = (await ask(admin, "GET")).filter(({ endpoint }) => addresses.has(endpoint));
    if (draining.every(({ requestsInFlight }) => requestsInFlight === 0)) return draining;
    await delay(ASK_AGAIN_MS);
  }
}

async function ask(
  admin: URL,
  method: "GET" | "POST" | "DELETE",
  query?: URLSearchParams,
): Promise<readonly DrainingEndpoint[]> {
  const { drains } = (await askGateway(admin, method, PATH, query)) as {
    readonly drains: readonly DrainingEndpoint[];
  };
  return drains;
}

function print(
  drains: readonly DrainingEndpoint[],
  none: string,
  { output }: DrainFlags,
  terminal: Terminal,
): void {
  if (output === "json") terminal.out(`${JSON.stringify({ drains }, null, 2)}\n`);
  else if (drains.length === 0) terminal.out(`${none}\n`);
  else for (const one of drains) terminal.out(`${drainLine(one)}\n`);
}

function drainLine(one: DrainingEndpoint): string {
  const { backends, since, by, requestsInFlight, sessionRequests } = one;
  const place = backends.length === 0 ? "no backend has it any more" : backends.join(", ");
  const left = `${requestsInFlight} in flight, ${Math.round(sessionRequests)} session requests lately`;
  return `${nameOf(one)}: drains since ${since}, says ${by === "operator" ? "an operator" : "discovery"}; ${left}; ${place}`;
}

function nameOf({ endpoint, hostname }: DrainingEndpoint): string {
  return hostname === null ? endpoint : `${endpoint} (${hostname})`;
}
