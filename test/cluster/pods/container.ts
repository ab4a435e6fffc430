// One container of a pod: its process, begun anew where the pod's restart policy says so.
import type { ChildProcess } from "node:child_process";
import { constants } from "node:os";
import { until } from "../until.ts";
import type { ContainerLog } from "./container-log.ts";
import type { ContainerSpec, PodSpec } from "./pod.ts";
import { canConnect } from "./probe.ts";
import { groupRuns, type Launch, launch, signalGroup } from "./sandbox.ts";

export type ContainerState =
  | { readonly waiting: { readonly reason: string; readonly message?: string } }
  | { readonly running: { readonly startedAt: string } }
  | {
      readonly terminated: {
        readonly exitCode: number;
        readonly signal?: number;
        readonly reason: string;
        readonly startedAt: string;
        readonly finishedAt: string;
      };
    };

export interface ContainerOptions {
  readonly spec: ContainerSpec;
  readonly restartPolicy: NonNullable<PodSpec["restartPolicy"]>;
  readonly log: ContainerLog;
  /** What to start; `port`: it counts as started once this port is open. */
  readonly prepare: () => Promise<Launch & { readonly port?: number }>;
  readonly onChange: () => void;
}

const OPEN_WITHIN_MS = 30_000;
const LONGEST_BACKOFF_MS = 10_000;
/** What kept a container from being made may pass, as a kubelet finds out. */
const CREATE_AGAIN_MS = 1_000;

export class Container {
  readonly spec: ContainerSpec;
  readonly log: ContainerLog;
  state: ContainerState = { waiting: { reason: "ContainerCreating" } };
  lastState: ContainerState | undefined;
  restarts = 0;
  readonly #options: ContainerOptions;
  #process: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #stopping = false;
  #backoff: NodeJS.Timeout | undefined;

  constructor(options: ContainerOptions) {
    this.spec = options.spec;
    this.log = options.log;
    this.#options = options;
  }

  get running(): boolean {
    return "running" in this.state;
  }

  /** It ended, and will not begin anew. */
  get finished(): boolean {
    return "terminated" in this.state && !this.#restarts(this.state.terminated.exitCode);
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Resolves when it runs, or when it failed to and the state says so. */
  async start(): Promise<void> {
    try {
      const { port, ...what } = await this.#options.prepare();
      if (this.#stopping) return;
      const child = launch(what);
      const startedAt = now();
      this.#follow(child, startedAt);
      if (port !== undefined)
        await until(
          async () => this.#process !== child || (await canConnect(what.place.address, port, 1_000)),
          `${this.spec.name} to listen on ${port}`,
          OPEN_WITHIN_MS,
        );
      if (this.#process !== child) return;
      this.state = { running: { startedAt } };
    } catch (error) {
      this.state = { waiting: { reason: "CreateContainerError", message: String(error) } };
      if (this.#process === undefined && !this.#stopping)
        this.#backoff = setTimeout(() => void this.start(), CREATE_AGAIN_MS);
    }
    this.#options.onChange();
  }

  /** Ends the process so that it begins anew, as after a failed liveness probe. */
  fail(): void {
    this.#process?.kill("SIGTERM");
  }

  /** SIGTERM, and SIGKILL for whatever is left after so long. Resolves when it has ended. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#backoff);
    const child = this.#process;
    if (child === undefined) return;
    if (graceMs > 0) child.kill("SIGTERM");
    const timer = setTimeout(() => signalGroup(child, "SIGKILL"), graceMs);
    await this.#ended;
    clearTimeout(timer);
    // The network may go after this, and must not before all have closed what they had open: as if one kernel ended them.
    await until(() => !groupRuns(child), `${this.spec.name} to end with all that it started`);
  }

  #follow(child: ChildProcess, startedAt: string): void {
    this.#process = child;
    if (child.stdout !== null) this.log.take(child.stdout);
    if (child.stderr !== null) this.log.take(child.stderr);
    this.#ended = new Promise((done) => {
      child.once("error", (error) => this.log.write(String(error)));
      // Not `close`: what the program left behind may hold its pipes open.
      child.once("exit", (code, signal) => {
        signalGroup(child, "SIGKILL");
        this.#process = undefined;
        this.#exited(code, signal, startedAt);
        done();
      });
    });
  }

  #exited(code: number | null, signal: NodeJS.Signals | null, startedAt: string): void {
    const number = signal === null ? undefined : constants.signals[signal];
    const exitCode = code ?? 128 + (number ?? 0);
    this.state = {
      terminated: {
        exitCode,
        ...(number !== undefined && { signal: number }),
        reason: exitCode === 0 ? "Completed" : "Error",
        startedAt,
        finishedAt: now(),
      },
    };
    if (this.#restarts(exitCode)) this.#restartLater();
    this.#options.onChange();
  }

  #restartLater(): void {
    const delayMs = this.restarts === 0 ? 0 : Math.min(LONGEST_BACKOFF_MS, 500 * 2 ** (this.restarts - 1));
    this.lastState = this.state;
    if (delayMs > 0) this.state = { waiting: { reason: "CrashLoopBackOff" } };
    this.#backoff = setTimeout(() => {
      this.restarts++;
      void this.start();
    }, delayMs);
  }

  #restarts(exitCode: number): boolean {
    if (this.#stopping) return false;
    const { restartPolicy } = this.#options;
    return restartPolicy === "Always" || (restartPolicy === "OnFailure" && exitCode !== 0);
  }
}

/** As Kubernetes writes times. */
export function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
