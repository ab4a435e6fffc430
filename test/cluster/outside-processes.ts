// Processes beside the cluster, each with an address of its own: a gateway that is no pod, a client.
import { type ChildProcess, spawn } from "node:child_process";
import type { PodNetwork } from "./network/pod-network.ts";

export interface OutsideProcess {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** CIDRs whose addresses it may bind; connections to them come to it, shared with all that announce the same. */
  readonly addressPools?: readonly string[];
}

export interface StartedProcess {
  readonly address: string;
  readonly process: ChildProcess;
  /** Connections to its pools come to it: so from the start, until it is withdrawn. */
  announce(): Promise<void>;
  withdraw(): Promise<void>;
  /** SIGTERM, and SIGKILL after 15 s; its address and routes go too. Answers the exit code. */
  stop(): Promise<number | null>;
}

const STOPPED_WITHIN_MS = 15_000;

export class OutsideProcesses {
  readonly #network: PodNetwork;
  readonly #env: NodeJS.ProcessEnv;
  readonly #started = new Set<StartedProcess>();

  constructor(network: PodNetwork, env: NodeJS.ProcessEnv) {
    this.#network = network;
    this.#env = env;
  }

  /** Its stdout and stderr are pipes, which the caller reads. */
  async start({ program, args, env = {}, addressPools = [] }: OutsideProcess): Promise<StartedProcess> {
    const place = await this.#network.add();
    const { pools } = this.#network;
    for (const cidr of addressPools) await pools.prepare(cidr, place);
    const child = spawn("ip", ["netns", "exec", place.namespace, program, ...args], {
      env: { ...this.#env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = new Promise<number | null>((done) => {
      child.once("error", () => done(null));
      child.once("close", done);
    });
    const withdraw = async () => {
      for (const cidr of addressPools) await pools.withdraw(cidr, place);
    };
    let stopping: Promise<number | null> | undefined;
    const started: StartedProcess = {
      address: place.address,
      process: child,
      announce: async () => {
        for (const cidr of addressPools) await pools.announce(cidr, place);
      },
      withdraw,
      stop: () => {
        stopping ??= (async () => {
          child.kill("SIGTERM");
          const timer = setTimeout(() => child.kill("SIGKILL"), STOPPED_WITHIN_MS);
          const code = await ended;
          clearTimeout(timer);
          await withdraw();
          await this.#network.remove(place);
          this.#started.delete(started);
          return code;
        })();
        return stopping;
      },
    };
    this.#started.add(started);
    await started.announce();
    return started;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#started].map((started) => started.stop()));
  }
}
