// Program: sends requests at a constant rate whether or not answers come back, and counts latency from the intended time.
import { connect, type Socket } from "node:net";
import { HASH_HEADER } from "../peer.ts";

/**
 * Arguments: port, requests per second, connections, hostname, seconds (0: until SIGTERM). Prints one line of JSON.
 * It spins instead of sleeping, since a timer is a millisecond late; started with the lowest priority, so that the
 * origin on the same core goes first.
 */
const [port = 0, rate = 0, connections = 0] = process.argv.slice(2, 5).map(Number);
const hostname = process.argv[5] ?? "127.0.0.1";
const seconds = Number(process.argv[6] ?? 0);

const USERS = 64;
/** Answers that are still awaited at the end get so long. */
const GRACE_MS = 1_000;

const latencies: number[] = [];
/** Intended times of requests for which no connection is free yet. */
const backlog: number[] = [];
const free: Connection[] = [];
let sent = 0;
let lost = 0;
let refused = 0;
let busy = 0;

class Connection {
  #socket: Socket;
  #intendedMs = 0;
  #waiting = false;
  #received = "";

  constructor() {
    this.#socket = this.#open();
  }

  send(intendedMs: number): void {
    this.#intendedMs = intendedMs;
    this.#waiting = true;
    busy += 1;
    sent += 1;
    this.#socket.write(
      `GET / HTTP/1.1\r\nhost: ${hostname}\r\n${HASH_HEADER}: user-${sent % USERS}\r\n\r\n`,
      "latin1",
    );
  }

  #open(): Socket {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.on("connect", () => free.push(this));
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", () => {});
    socket.on("close", () => this.#closed());
    return socket;
  }

  /** Every answer of the origin has a Content-Length. */
  #receive(chunk: Buffer): void {
    this.#received += chunk.toString("latin1");
    const end = this.#received.indexOf("\r\n\r\n");
    if (end === -1) return;
    const length = Number(/content-length: *(\d+)/i.exec(this.#received)?.[1] ?? 0);
    if (this.#received.length < end + 4 + length) return;
    if (!this.#received.startsWith("HTTP/1.1 200")) refused += 1;
    const closes = /connection: *close/i.test(this.#received.slice(0, end));
    this.#received = "";
    this.#waiting = false;
    busy -= 1;
    latencies.push(performance.now() - this.#intendedMs);
    if (!closes) free.push(this);
  }

  /** A connection that ends before its answer has lost a request. */
  #closed(): void {
    if (this.#waiting) {
      lost += 1;
      busy -= 1;
    }
    this.#waiting = false;
    this.#received = "";
    const at = free.indexOf(this);
    if (at !== -1) free.splice(at, 1);
    if (!ended) this.#socket = this.#open();
  }
}

let ended = false;
for (let count = 0; count < connections; count++) new Connection();

const startMs = performance.now() + 100;
const endMs = seconds === 0 ? Number.POSITIVE_INFINITY : startMs + seconds * 1000;
let due = 0;
let graceEndMs = Number.POSITIVE_INFINITY;

function turn(): void {
  const nowMs = performance.now();
  if (nowMs >= endMs) end();
  if (!ended) {
    for (; startMs + (due * 1000) / rate <= nowMs; due++) backlog.push(startMs + (due * 1000) / rate);
  }
  while (backlog.length > 0 && free.length > 0) (free.pop() as Connection).send(backlog.shift() as number);
  if ((ended && busy === 0 && backlog.length === 0) || nowMs > graceEndMs) report();
  else setImmediate(turn);
}

function end(): void {
  if (ended) return;
  ended = true;
  graceEndMs = performance.now() + GRACE_MS;
}

function report(): void {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? 0;
  lost += busy + backlog.length;
  const figures = {
    sent,
    answered: latencies.length,
    lost,
    refused,
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
}

process.once("SIGTERM", end);
turn();
