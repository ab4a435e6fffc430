// Starts the open-loop load and reads what it says.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { LOAD_CORE, start, stderrOf } from "../children.ts";

export interface ConstantRate {
  readonly port: number;
  readonly requestsPerSec: number;
  readonly connections: number;
  readonly hostname?: string;
  /** 0: until `end`. */
  readonly seconds: number;
}

export interface ConstantRateResult {
  readonly sent: number;
  readonly answered: number;
  /** Sent, and the connection ended or the run was over before a whole answer. */
  readonly lost: number;
  /** Answered with something else than 200. */
  readonly refused: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export class ConstantLoad {
  readonly #child: ChildProcess;
  #output = "";

  constructor({ port, requestsPerSec, connections, hostname, seconds }: ConstantRate) {
    const program = join(import.meta.dirname, "open-loop.ts");
    const args = [port, requestsPerSec, connections, hostname ?? "127.0.0.1", seconds].map(String);
    this.#child = start(LOAD_CORE, "nice", ["-n", "19", process.execPath, program, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
    });
  }

  /** Stops sending, if it still does, and tells how it went. */
  async end(): Promise<ConstantRateResult> {
    this.#child.kill("SIGTERM");
    return this.finished();
  }

  async finished(): Promise<ConstantRateResult> {
    if (this.#child.exitCode === null) await once(this.#child, "close");
    if (this.#output === "") throw new Error(`the load ended without a word: ${stderrOf(this.#child)}`);
    return JSON.parse(this.#output) as ConstantRateResult;
  }
}
