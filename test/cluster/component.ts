// One process of the control plane, and what can happen to it: an end, a sudden death, a pause.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { until } from "./until.ts";

export interface ComponentOptions {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** What it writes to stdout and stderr is appended here. */
  readonly logFile: string;
  readonly isReady: () => Promise<boolean>;
}

const READY_WITHIN_MS = 60_000;
const STOPPED_WITHIN_MS = 15_000;

export class Component {
  readonly name: string;
  readonly logFile: string;
  readonly #options: ComponentOptions;
  #process: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: ComponentOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Resolves once it is ready; rejects with the end of its log if it ends before. */
  async start(): Promise<void> {
    const { program, args, isReady } = this.#options;
    const log = openSync(this.logFile, "a");
    const child = spawn(program, args, { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#process = child;
    this.#ended = new Promise((done) => {
      const end = () => {
        if (this.#process === child) this.#process = undefined;
        done();
      };
      child.once("error", end);
      child.once("close", end);
    });
    try {
      await until(
        async () => {
          if (this.#process !== child) throw new Error("it has ended");
          return await isReady();
        },
        `${this.name} to be ready`,
        READY_WITHIN_MS,
      );
    } catch (error) {
      throw new Error(`${this.name} does not start; its log ends with:\n${this.logTail()}`, { cause: error });
    }
  }

  /** Asks it to end, and kills it where it does not. */
  async stop(): Promise<void> {
    this.resume();
    this.#process?.kill("SIGTERM");
    const timer = setTimeout(() => this.#process?.kill("SIGKILL"), STOPPED_WITHIN_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  /** As if its machine lost power. */
  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#ended;
  }

  /** It neither answers nor ends, until `resume`. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  logTail(): string {
    return readFileSync(this.logFile, "utf8").split("\n").slice(-15).join("\n");
  }
}
