// Load by wrk: as many requests as 64 connections carry, from a list that is rendered before the run.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOAD_CORE, removeFolder, run, temporaryFolder } from "../children.ts";
import type { RunningPeer } from "../running-peer.ts";

export const CONNECTIONS = 64;

/** Requests differ in one header: its values are gone through again and again. */
export interface WrkLoad {
  readonly path: string;
  readonly header: string;
  readonly values: readonly string[];
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** POST with a body of so many bytes; 0: GET. */
  readonly bodyBytes?: number;
}

export interface WrkResult {
  readonly requests: number;
  /** Connections that failed, answers other than 200, and requests without an answer. */
  readonly errors: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the proxy during the run. */
  readonly cpuMs: number;
  readonly residentBytes: number;
}

function script(load: WrkLoad): string {
  const headers = Object.entries(load.headers ?? {}).map(
    ([name, value]) => `    headers[${lua(name)}] = ${lua(value)}\n`,
  );
  const bodyBytes = load.bodyBytes ?? 0;
  return `local values = {${load.values.map(lua).join(",")}}
local requests = {}
local at = 0
local body = ${bodyBytes > 0 ? `string.rep("x", ${bodyBytes})` : "nil"}
function init(args)
  for index, value in ipairs(values) do
    local headers = {}
    headers[${lua(load.header)}] = value
${headers.join("")}    requests[index] = wrk.format(${lua(bodyBytes > 0 ? "POST" : "GET")}, ${lua(load.path)}, headers, body)
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('\\n{"requests":%d,"bytes":%d,"microseconds":%d,"errors":%d,"p50":%f,"p99":%f}\\n',
    summary.requests, summary.bytes, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
`;
}

function lua(text: string): string {
  return JSON.stringify(text);
}

/** Loads the proxy for so many seconds and says what that cost it. */
export async function wrk(running: RunningPeer, load: WrkLoad, seconds: number): Promise<WrkResult> {
  const folder = temporaryFolder();
  const file = join(folder, "load.lua");
  writeFileSync(file, script(load));
  const { port, tls } = running.setup;
  const args = ["-t", "1", "-c", String(CONNECTIONS), "-d", String(seconds), "-s", file];
  const before = running.usage;
  const output = await run(
    LOAD_CORE,
    "wrk",
    [...args, `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`],
    seconds * 1000 + 15_000,
  );
  const after = running.usage;
  removeFolder(folder);
  const line = output.split("\n").find((text) => text.startsWith("{"));
  if (line === undefined) throw new Error(`wrk says nothing about its run: ${output}`);
  const said = JSON.parse(line) as Record<string, number>;
  const figure = (name: string) => said[name] as number;
  return {
    requests: figure("requests"),
    errors: figure("errors"),
    bytes: figure("bytes"),
    seconds: figure("microseconds") / 1e6,
    p50Ms: figure("p50") / 1000,
    p99Ms: figure("p99") / 1000,
    cpuMs: after.cpuMs - before.cpuMs,
    residentBytes: after.residentBytes,
  };
}
