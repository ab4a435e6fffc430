// Program: `npm run bench`, Limpet beside HAProxy, nginx, Envoy and Caddy on one machine; `--help` tells its flags.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type Found, measureRow } from "./measure.ts";
import type { Peer } from "./peer.ts";
import { bareServer, bareTlsServer } from "./peers/bare-server.ts";
import { caddy } from "./peers/caddy.ts";
import { envoy } from "./peers/envoy.ts";
import { haproxy } from "./peers/haproxy.ts";
import { locateInstalled } from "./peers/installed.ts";
import { limpet } from "./peers/limpet.ts";
import { nginx } from "./peers/nginx.ts";
import { record } from "./record.ts";
import type { Row } from "./row.ts";
import { download, upload } from "./rows/bodies.ts";
import { reloads, startUps } from "./rows/configuration.ts";
import { constantRate } from "./rows/constant-rate.ts";
import { idle } from "./rows/idle.ts";
import { churn, cookie, hash, sealed } from "./rows/throughput.ts";
import { handshakes, idleTls, tlsKeepAlive } from "./rows/tls.ts";
import { webSocket } from "./rows/websocket.ts";
import { workers } from "./rows/workers.ts";
import { tableOf } from "./table.ts";

const PEERS: readonly Peer[] = [limpet, haproxy, nginx, envoy, caddy];
const ROWS: readonly Row[] = [
  hash,
  cookie,
  sealed,
  churn,
  tlsKeepAlive,
  handshakes,
  download,
  upload,
  constantRate,
  webSocket,
  idle,
  idleTls,
  workers,
  ...startUps,
  ...reloads,
];

const HELP = `npm run bench -- [--rows A,B] [--peers A,B] [--rounds N] [--seconds N] [--json] [--record]

  --rows     ${ROWS.map((row) => row.name).join(", ")}
  --peers    ${PEERS.map((peer) => peer.name.toLowerCase()).join(", ")}
  --rounds   proxies take turns so often; medians count (5)
  --seconds  length of one measurement under load (5)
  --json     all figures on standard output in place of the table
  --record   writes the table into README.md and docs/benchmark.md
`;

class UsageError extends Error {}

function chosen<T extends { readonly name: string }>(
  all: readonly T[],
  text: string | undefined,
): readonly T[] {
  if (text === undefined) return all;
  return text.split(",").map((name) => {
    const found = all.find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (found === undefined) throw new UsageError(`there is no "${name}"`);
    return found;
  });
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`"${text}" is no count`);
  return value;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Those that are here; says how to get the others. */
function find(peers: readonly Peer[]): Found[] {
  return peers.flatMap((peer) => {
    const located = peer.locate();
    if (!("missing" in located)) return [{ peer, ...located }];
    say(`${peer.name} is left out. To get it: ${located.missing}`);
    return [];
  });
}

function requireTools(): void {
  const tools = [
    ["wrk", "wrk"],
    ["nginx", "nginx-light"],
    ["taskset", "util-linux"],
  ] as const;
  const missing = tools.filter(([tool, name]) => "missing" in locateInstalled(tool, ["-v"], name));
  if (missing.length > 0) {
    throw new UsageError(
      `load and origin need: apt-get install ${missing.map(([, name]) => name).join(" ")}`,
    );
  }
  if (availableParallelism() < 2) throw new UsageError("the proxy and its load need a core each");
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rows: { type: "string" },
      peers: { type: "string" },
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "5" },
      json: { type: "boolean", default: false },
      record: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const rows = chosen(ROWS, values.rows);
  const [rounds, seconds] = [count(values.rounds), count(values.seconds)];
  requireTools();
  const peers = find(chosen(PEERS, values.peers));
  const bare = find([bareServer, bareTlsServer]);
  const results = [];
  for (const row of rows) {
    const compared = peers.filter(({ peer }) => row.only?.includes(peer.name) ?? true);
    const beside = bare.filter(
      ({ peer }) => peer.bareServer === row.bareServer && row.bareServer !== undefined,
    );
    results.push({ row, result: await measureRow(row, [...compared, ...beside], rounds, seconds, say) });
  }
  const shown = [
    ...peers,
    ...bare.filter(({ peer }) => rows.some((row) => row.bareServer === peer.bareServer)),
  ];
  const table = tableOf({ peers: shown, rows: results, rounds, seconds, date: new Date() });
  const figures = results.map(({ row, result }) => ({ row: row.name, ...Object.fromEntries(result) }));
  process.stdout.write(values.json ? `${JSON.stringify(figures, null, 2)}\n` : `${table}\n`);
  if (values.record) {
    const written = record(table, "npm run bench", ["README.md", "docs/benchmark.md"]);
    say(`written: ${written.join(", ") || "no document has the markers"}`);
  }
}

try {
  await main();
} catch (error) {
  const isUsage =
    error instanceof UsageError || String((error as { code?: string }).code).startsWith("ERR_PARSE_ARGS");
  say(isUsage ? (error as Error).message : String((error as Error).stack));
  process.exitCode = isUsage ? 2 : 1;
}
