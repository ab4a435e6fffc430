// What a replica writes down of each request: one line in logfmt, and the newest entries for whoever asks.

export interface RequestLogEntry {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly replica: string;
  readonly status: number;
  readonly method: string;
  readonly uri: string;
  /** The client as the gateway tells it, else the TCP peer's IP. */
  readonly client: string;
}

/** Receives each line, without its line end. */
export type LogSink = (line: string, entry: RequestLogEntry) => void;

/** `time="..." replica="sample-1" status=200 method="GET" uri="/headers" client="127.0.0.1"`. */
export function logLine(entry: RequestLogEntry): string {
  return Object.entries(entry)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(" ");
}

/** Keeps the newest entries only: a demo may run for days. */
export class RequestLog {
  readonly #sink: LogSink;
  readonly #limit: number;
  #entries: RequestLogEntry[] = [];

  constructor(sink: LogSink, limit = 10_000) {
    this.#sink = sink;
    this.#limit = limit;
  }

  get entries(): readonly RequestLogEntry[] {
    return this.#entries.slice(-this.#limit);
  }

  add(entry: RequestLogEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length >= 2 * this.#limit) this.#entries = this.#entries.slice(-this.#limit);
    this.#sink(logLine(entry), entry);
  }

  clear(): void {
    this.#entries = [];
  }
}
