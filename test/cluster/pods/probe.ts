// A probe of a container: asks at its period, and says when it holds and when it does not any more.
import type { ChildProcess } from "node:child_process";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { ContainerSpec, ProbeSpec } from "./pod.ts";

/** Of eager probes: tests wait for pods that come, and no test is about a period of 10 s. */
const HASTY_PERIOD_SEC = 0.2;

export interface ProbeOptions {
  readonly spec: ProbeSpec;
  readonly container: ContainerSpec;
  readonly address: string;
  /** For `exec`: starts a command inside of the pod. */
  readonly run: (command: readonly string[]) => ChildProcess;
  /** Asks more often than its period until it first succeeds, and fails no sooner for that. */
  readonly eager: boolean;
  readonly onResult: (succeeds: boolean) => void;
}

export class Probe {
  readonly #options: ProbeOptions;
  readonly #stop = new AbortController();

  constructor(options: ProbeOptions) {
    this.#options = options;
    void this.#watch();
  }

  stop(): void {
    this.#stop.abort();
  }

  async #watch(): Promise<void> {
    const { spec, eager, onResult } = this.#options;
    const { initialDelaySeconds = 0, periodSeconds = 10, successThreshold = 1, failureThreshold = 3 } = spec;
    let reported: boolean | undefined;
    let last: boolean | undefined;
    let streak = 0;
    await this.#pause(initialDelaySeconds * 1000);
    while (!this.#stop.signal.aborted) {
      const answer = await this.#ask();
      if (this.#stop.signal.aborted) return;
      streak = answer === last ? streak + 1 : 1;
      last = answer;
      const hasty = eager && reported !== true;
      const needed = answer
        ? successThreshold
        : failureThreshold * (hasty ? periodSeconds / HASTY_PERIOD_SEC : 1);
      if (answer !== reported && streak >= needed) {
        reported = answer;
        onResult(answer);
      }
      await this.#pause((hasty && reported !== true ? HASTY_PERIOD_SEC : periodSeconds) * 1000);
    }
  }

  #ask(): Promise<boolean> {
    const { spec, address, run } = this.#options;
    const timeoutMs = (spec.timeoutSeconds ?? 1) * 1000;
    if (spec.httpGet !== undefined) return this.#get(spec.httpGet, timeoutMs);
    if (spec.tcpSocket !== undefined)
      return canConnect(address, this.#portNumber(spec.tcpSocket.port), timeoutMs);
    const { exec } = spec;
    if (exec === undefined) throw new Error("this type of probe is not known here");
    return new Promise((resolve) => {
      const child = run(exec.command);
      child.once("exit", (code) => resolve(code === 0));
      child.once("error", () => resolve(false));
    });
  }

  #get(
    { path = "/", port, scheme = "HTTP", httpHeaders = [] }: NonNullable<ProbeSpec["httpGet"]>,
    timeoutMs: number,
  ): Promise<boolean> {
    const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]));
    const where = { host: this.#options.address, port: this.#portNumber(port), path, headers };
    // A kubelet does not verify certificates either.
    const options = { ...where, agent: false, rejectUnauthorized: false, timeout: timeoutMs };
    return new Promise((resolve) => {
      const outgoing = (scheme === "HTTPS" ? httpsRequest : httpRequest)(options, (response) => {
        response.resume();
        const status = response.statusCode ?? 0;
        resolve(status >= 200 && status < 400);
      });
      outgoing.once("timeout", () => outgoing.destroy(new Error("timeout")));
      outgoing.once("error", () => resolve(false));
      outgoing.end();
    });
  }

  #portNumber(port: number | string): number {
    if (typeof port === "number") return port;
    const named = this.#options.container.ports?.find(({ name }) => name === port);
    return named?.containerPort ?? Number(port);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#stop.signal.addEventListener(
        "abort",
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true },
      );
    });
  }
}

export function canConnect(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const answer = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => answer(true));
    socket.once("error", () => answer(false));
    socket.setTimeout(timeoutMs, () => answer(false));
  });
}
