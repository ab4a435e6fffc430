// Measures rows: proxies take turns round by round, every measurement has a fresh proxy and origin, medians count.
import type { ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { freePorts } from "../test/support/free-port.ts";
import { makeCertificate } from "./certificate.ts";
import { LOAD_CORE, removeFolder, start, stop, temporaryFolder } from "./children.ts";
import { startPlainOrigin } from "./origins/plain.ts";
import type { Peer } from "./peer.ts";
import type { Figures, Origin, Row } from "./row.ts";
import { RunningPeer } from "./running-peer.ts";

const ENDPOINTS = 5;

export interface Found {
  readonly peer: Peer;
  readonly command: string;
  readonly version: string;
}

/** A row's figures by name of the peer, or why there are none. */
export type RowResult = ReadonlyMap<string, Figures | { readonly failed: string }>;

export async function measureRow(
  row: Row,
  peers: readonly Found[],
  rounds: number,
  seconds: number,
  say: (line: string) => void,
): Promise<RowResult> {
  const figures = new Map<string, Figures[]>();
  const failures = new Map<string, string>();
  for (let round = 1; round <= rounds; round++) {
    for (const found of peers) {
      const { name } = found.peer;
      try {
        const measured = await measureOnce(row, found, seconds);
        figures.set(name, [...(figures.get(name) ?? []), measured]);
        say(`${row.name} ${round}/${rounds} ${name}: ${describe(measured)}`);
      } catch (error) {
        failures.set(name, (error as Error).message);
        say(`${row.name} ${round}/${rounds} ${name} failed: ${(error as Error).message}`);
      }
    }
  }
  return new Map(
    peers.map(({ peer }) => {
      const measured = figures.get(peer.name);
      return [
        peer.name,
        measured === undefined ? { failed: failures.get(peer.name) ?? "" } : mediansOf(measured),
      ];
    }),
  );
}

async function measureOnce(row: Row, { peer, command }: Found, seconds: number): Promise<Figures> {
  const [port = 0, adminPort = 0, ...endpoints] = await freePorts(2 + ENDPOINTS);
  const folder = temporaryFolder();
  const origin = startOrigin(row.origin, folder, endpoints);
  const started: RunningPeer[] = [];
  try {
    await Promise.all(endpoints.map((endpoint) => listening(endpoint, origin)));
    return await row.measure({
      seconds,
      async start({ affinity = "hash", hostnames = [], tls: kind, workers = 1 } = {}) {
        const tls = kind === undefined ? undefined : makeCertificate(kind, folder);
        const setup = { port, adminPort, endpoints, affinity, hostnames, tls, workers };
        const running = await RunningPeer.start(peer, command, setup);
        started.push(running);
        return running;
      },
    });
  } finally {
    for (const running of started) await running.stop();
    await stop(origin);
    removeFolder(folder);
  }
}

function startOrigin(origin: Origin, folder: string, ports: readonly number[]): ChildProcess {
  if (origin === "plain") return startPlainOrigin(folder, ports);
  const program = join(import.meta.dirname, "origins", `${origin}-program.ts`);
  return start(LOAD_CORE, process.execPath, [program, ...ports.map(String)]);
}

const LISTENING_MS = 10_000;

async function listening(port: number, origin: ChildProcess): Promise<void> {
  const deadline = performance.now() + LISTENING_MS;
  while (!(await accepts(port))) {
    if (origin.exitCode !== null || performance.now() > deadline)
      throw new Error("the origin does not start");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function mediansOf(all: readonly Figures[]): Figures {
  const names = Object.keys(all[0] as Figures);
  return Object.fromEntries(names.map((name) => [name, median(all.map((one) => one[name] as number))]));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

function describe(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${Math.round(value * 100) / 100}`)
    .join(", ");
}
