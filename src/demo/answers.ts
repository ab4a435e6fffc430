// The pages of the sample backend, after httpbin: what each path answers.
import type { OutgoingHttpHeaders } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { clientOf, description, type Exchange, headerLists, sendHead, sendJson } from "./exchange.ts";

const MAX_DELAY_SEC = 10;
const MAX_STREAM_LINES = 1000;
const MAX_INTERVAL_MS = 10_000;
/** Of a request body this much is shown; all of it is read and counted. */
const MAX_ECHO_BYTES = 64 * 1024;

type Answer = (exchange: Exchange, argument: string) => unknown;

interface Page {
  readonly path: RegExp;
  readonly usage: string;
  readonly answer: Answer;
  readonly methods?: readonly string[];
}

const PAGES: readonly Page[] = [
  { path: /^\/$/, usage: "/", answer: index },
  { path: /^\/get$/, usage: "/get", answer: get, methods: ["GET", "HEAD"] },
  { path: /^\/headers$/, usage: "/headers", answer: headers },
  { path: /^\/ip$/, usage: "/ip", answer: ip },
  { path: /^\/cookies$/, usage: "/cookies", answer: cookies },
  { path: /^\/status\/(\d+)$/, usage: "/status/N", answer: status },
  { path: /^\/delay\/(\d+(?:\.\d+)?)$/, usage: "/delay/SECONDS", answer: delay },
  { path: /^\/anything(?:\/.*)?$/, usage: "/anything", answer: anything },
  { path: /^\/stream(?:\/(\d+))?$/, usage: "/stream/N?interval_ms=N", answer: stream },
];

/** Answers one request; rejects only if the connection breaks meanwhile. */
export async function answer(exchange: Exchange): Promise<void> {
  for (const { path, answer: respond, methods } of PAGES) {
    const match = path.exec(exchange.path);
    if (match === null) continue;
    if (methods?.includes(exchange.request.method ?? "") === false) {
      refuse(exchange, 405, "method not allowed", { allow: methods.join(", ") });
    } else await respond(exchange, match[1] ?? "");
    return;
  }
  refuse(exchange, 404, "no such page");
}

function refuse(exchange: Exchange, status: number, error: string, headers: OutgoingHttpHeaders = {}): void {
  sendJson(exchange, status, { error, pages: usages(), pod: exchange.pod }, headers);
}

function usages(): string[] {
  return [...PAGES.map((page) => page.usage), "/ws"];
}

function index(exchange: Exchange): void {
  sendJson(exchange, 200, { pages: usages(), pod: exchange.pod });
}

function get(exchange: Exchange): void {
  sendJson(exchange, 200, { args: Object.fromEntries(exchange.query), ...description(exchange) });
}

function headers(exchange: Exchange): void {
  sendJson(exchange, 200, { headers: headerLists(exchange.request), pod: exchange.pod });
}

function ip(exchange: Exchange): void {
  sendJson(exchange, 200, { origin: clientOf(exchange.request), pod: exchange.pod });
}

function cookies(exchange: Exchange): void {
  const pairs = (exchange.request.headers.cookie ?? "").split(";").flatMap((pair) => {
    const [name = "", ...value] = pair.trim().split("=");
    return name === "" ? [] : [[name, value.join("=")] as const];
  });
  sendJson(exchange, 200, { cookies: Object.fromEntries(pairs), pod: exchange.pod });
}

function status(exchange: Exchange, argument: string): void {
  const code = Number(argument);
  if (code < 200 || code > 599) refuse(exchange, 400, "status is 200 to 599");
  else if (code === 204 || code === 304) sendHead(exchange, code, {}).end();
  else sendJson(exchange, code, { status: code, pod: exchange.pod });
}

async function delay(exchange: Exchange, argument: string): Promise<void> {
  const delaySec = Number(argument);
  if (delaySec > MAX_DELAY_SEC) {
    return refuse(exchange, 400, `delay is at most ${MAX_DELAY_SEC} seconds`);
  }
  await pauseWhileConnected(exchange, delaySec * 1000);
  sendJson(exchange, 200, description(exchange));
}

async function anything(exchange: Exchange): Promise<void> {
  const shown: Buffer[] = [];
  let bodyBytes = 0;
  for await (const chunk of exchange.request as AsyncIterable<Buffer>) {
    if (bodyBytes < MAX_ECHO_BYTES) shown.push(chunk.subarray(0, MAX_ECHO_BYTES - bodyBytes));
    bodyBytes += chunk.length;
  }
  const data = Buffer.concat(shown).toString("utf8");
  sendJson(exchange, 200, {
    ...description(exchange),
    data,
    body_bytes: bodyBytes,
    truncated: bodyBytes > MAX_ECHO_BYTES,
  });
}

async function stream(exchange: Exchange, argument: string): Promise<void> {
  const lines = argument === "" ? 10 : Number(argument);
  const intervalMs = Number(exchange.query.get("interval_ms") ?? 0);
  if (lines > MAX_STREAM_LINES || !(intervalMs >= 0 && intervalMs <= MAX_INTERVAL_MS)) {
    const limits = `at most ${MAX_STREAM_LINES} lines, interval_ms at most ${MAX_INTERVAL_MS}`;
    return refuse(exchange, 400, limits);
  }
  const response = sendHead(exchange, 200, { "content-type": "application/x-ndjson" });
  for (let id = 0; id < lines; id++) {
    if (id > 0) await pauseWhileConnected(exchange, intervalMs);
    response.write(`${JSON.stringify({ id, pod: exchange.pod })}\n`);
  }
  response.end();
}

/** Rejects as soon as the client is gone, so that nothing waits for nobody. */
async function pauseWhileConnected({ response }: Exchange, pauseMs: number): Promise<void> {
  const gone = new AbortController();
  const onClose = () => gone.abort();
  response.once("close", onClose);
  try {
    await pause(pauseMs, undefined, { signal: gone.signal });
  } finally {
    response.off("close", onClose);
  }
}
