// One worker as the primary sees it: a child process that is sent requests and answers them.
import { type ChildProcess, fork } from "node:child_process";
import type { Server } from "node:net";
import type { MetricSample } from "../../telemetry/index.ts";
import { BUNDLED_VERSION, WORKER_ARGUMENT } from "../bundle.ts";
import type { WorkerCommand, WorkerMessage, WorkerNotice, WorkerReply, WorkerRequest } from "./messages.ts";

interface Program {
  readonly file: URL;
  readonly args: readonly string[];
}

/** The worker's entry beside this file: `.ts` from the sources, `.js` from a build. A bundle starts itself. */
const PROGRAM: Program =
  BUNDLED_VERSION === undefined
    ? {
        file: new URL(`./worker-entry.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url),
        args: [],
      }
    : { file: new URL(import.meta.url), args: [WORKER_ARGUMENT] };

export interface WorkerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The worker ended before it answered. */
export class WorkerGone extends Error {
  constructor(worker: number) {
    super(`worker ${worker} is gone`);
    this.name = "WorkerGone";
  }
}

/** The worker answered that it could not. `code` is the system's, where it has one. */
export class WorkerRefusal extends Error {
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.name = "WorkerRefusal";
    this.code = code;
  }
}

interface Pending {
  resolve(samples: readonly MetricSample[]): void;
  reject(error: Error): void;
}

export class WorkerProcess {
  readonly worker: number;
  readonly exited: Promise<WorkerExit>;
  readonly startedMs = performance.now();
  /** Version that it serves. */
  version = 0;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #onNotice: (notice: WorkerNotice) => void;
  #lastId = 0;
  #gone = false;

  constructor(worker: number, onNotice: (notice: WorkerNotice) => void) {
    this.worker = worker;
    this.#onNotice = onNotice;
    // Standard output is the access log, shared by all workers; the log goes to standard error. Of both ways to
    // serialise, "advanced" carries the long texts of deltas in half the time.
    this.#child = fork(PROGRAM.file, PROGRAM.args, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    this.#child.on("message", (message) => this.#onMessage(message as WorkerMessage));
    this.exited = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null) => {
        this.#gone = true;
        for (const pending of this.#pending.values()) pending.reject(new WorkerGone(worker));
        this.#pending.clear();
        resolve({ code, signal });
      };
      this.#child.once("exit", end);
      this.#child.once("error", () => end(null, null));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves once the worker has done it. Rejects with WorkerGone or WorkerRefusal. */
  request(command: WorkerCommand, handle?: object): Promise<readonly MetricSample[]> {
    if (this.#gone) return Promise.reject(new WorkerGone(this.worker));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      const request: WorkerRequest = { id, command };
      // A failed send means a dying worker, whose exit settles the request.
      this.#child.send(request, handle as Server | undefined, {}, () => {});
    });
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #onMessage(message: WorkerMessage): void {
    if ("notice" in message) this.#onNotice(message);
    else this.#onReply(message);
  }

  #onReply(reply: WorkerReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ("error" in reply) pending?.reject(new WorkerRefusal(reply.error, reply.code));
    else pending?.resolve(reply.samples ?? []);
  }
}
