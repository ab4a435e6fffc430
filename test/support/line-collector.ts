// Collects the lines that a process writes, and lets a test await the one it needs.
import type { Readable } from "node:stream";

interface Waiter {
  readonly matches: (line: string) => boolean;
  readonly resolve: (line: string) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class LineCollector {
  readonly lines: string[] = [];
  readonly #name: string;
  readonly #waiters = new Set<Waiter>();
  #rest = "";

  constructor(name: string, stream: Readable) {
    this.#name = name;
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => this.#take(text));
    stream.on("close", () => this.#end());
  }

  /** The first line, from the beginning or from index `from` on, that matches; waits for it if it is not there yet. */
  waitFor(
    matches: (line: string) => boolean,
    what: string,
    options: { from?: number; timeoutMs?: number } = {},
  ) {
    const present = this.lines.slice(options.from ?? 0).find(matches);
    if (present !== undefined) return Promise.resolve(present);
    return new Promise<string>((resolve, reject) => {
      const fail = () =>
        reject(new Error(`${this.#name}: no line with ${what} came, only:\n${this.lines.join("\n")}`));
      const waiter = {
        matches,
        resolve,
        reject: fail,
        timer: setTimeout(() => this.#settle(waiter, fail), options.timeoutMs ?? 25_000),
      };
      this.#waiters.add(waiter);
    });
  }

  #take(text: string): void {
    const parts = (this.#rest + text).split("\n");
    this.#rest = parts.pop() as string;
    for (const line of parts) {
      this.lines.push(line);
      for (const waiter of this.#waiters) {
        if (waiter.matches(line)) this.#settle(waiter, () => waiter.resolve(line));
      }
    }
  }

  #end(): void {
    if (this.#rest !== "") this.#take("\n");
    for (const waiter of this.#waiters) this.#settle(waiter, () => waiter.reject(new Error()));
  }

  #settle(waiter: Waiter, how: () => void): void {
    clearTimeout(waiter.timer);
    this.#waiters.delete(waiter);
    how();
  }
}
