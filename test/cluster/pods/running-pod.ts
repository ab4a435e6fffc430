// The life of one pod on the node: its place in the network, volumes, containers and probes, until it is gone.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { KubernetesClient } from "../../../src/kubernetes/api/client.ts";
import { ApiError } from "../../../src/kubernetes/api/client.ts";
import type { PodInterface, PodNetwork } from "../network/pod-network.ts";
import { until } from "../until.ts";
import { Container, now } from "./container.ts";
import { ContainerLog } from "./container-log.ts";
import { ContainerProbes } from "./container-probes.ts";
import { containerEnv, expand } from "./environment.ts";
import { podField } from "./fields.ts";
import { type ImageRule, programFor } from "./images.ts";
import { PodObjects } from "./objects.ts";
import { type ContainerSpec, type Pod, podPath } from "./pod.ts";
import { type Condition, type PodStatus, podStatus } from "./pod-status.ts";
import { type Launch, launch, type Mount, signalGroup, userOf } from "./sandbox.ts";
import { StatusReport } from "./status-report.ts";
import { makeVolumes } from "./volumes.ts";

export interface PodContext {
  readonly client: KubernetesClient;
  readonly network: PodNetwork;
  readonly images: readonly ImageRule[];
  /** Of the node; each pod gets a folder in it. */
  readonly folder: string;
  /** What every container's environment has. */
  readonly env: Readonly<Record<string, string>>;
}

/** A pod with this annotation, a CIDR, binds addresses of that pool, and gets the connections to them while it is ready. */
export const POOL_ANNOTATION = "cluster.limpet.dev/address-pool";

/** Nobody says how long a pod may go on for whose object is gone already. */
const ORPHAN_GRACE_SEC = 1;

export class RunningPod {
  readonly containers: readonly Container[];
  #pod: Pod;
  readonly #context: PodContext;
  readonly #folder: string;
  readonly #initContainers: readonly Container[];
  readonly #startTime = now();
  readonly #probes = new Map<Container, ContainerProbes>();
  readonly #ending = new AbortController();
  readonly #objects: PodObjects;
  readonly #report: StatusReport;
  #place: PodInterface | undefined;
  #initialized = false;
  #conditions: readonly Condition[] = [];
  #begun: Promise<void> | undefined;
  #ended: Promise<void> | undefined;

  constructor(pod: Pod, context: PodContext) {
    const { namespace, name, uid } = pod.metadata;
    this.#pod = pod;
    this.#context = context;
    this.#folder = join(context.folder, `${namespace}_${name}_${uid}`);
    mkdirSync(join(this.#folder, "layers"), { recursive: true });
    this.#objects = new PodObjects(context.client, namespace, this.#ending.signal);
    this.#report = new StatusReport(pod, this.#objects, () => this.#status());
    const volumes = { made: undefined as Promise<Map<string, string>> | undefined };
    const make = (spec: ContainerSpec, restartPolicy: "Always" | "OnFailure" | "Never") =>
      new Container({
        spec,
        restartPolicy,
        log: new ContainerLog(join(this.#folder, `${spec.name}.log`)),
        prepare: async () => {
          volumes.made ??= makeVolumes(pod, this.#folder, this.#objects, (path) => this.#field(path));
          volumes.made.catch(() => {
            volumes.made = undefined;
          });
          return await this.#prepare(spec, await volumes.made);
        },
        onChange: () => this.#changed(),
      });
    const { restartPolicy = "Always", initContainers = [], containers } = pod.spec;
    const once = restartPolicy === "Never" ? "Never" : "OnFailure";
    this.#initContainers = initContainers.map((spec) => make(spec, once));
    this.containers = containers.map((spec) => make(spec, restartPolicy));
  }

  get pod(): Pod {
    return this.#pod;
  }

  log(container: string): ContainerLog | undefined {
    return [...this.#initContainers, ...this.containers].find(({ spec }) => spec.name === container)?.log;
  }

  /** Never rejects: what goes wrong is in the pod's status, or on stderr where it is this machine's fault. */
  start(): Promise<void> {
    this.#begun ??= this.#start().catch((error) => {
      if (!this.#ending.signal.aborted) process.stderr.write(`${podPath(this.#pod)}: ${String(error)}\n`);
    });
    return this.#begun;
  }

  /** The pod is asked to go: its containers end within the grace period, then its object is deleted. Once. */
  end(pod: Pod | undefined): Promise<void> {
    if (pod !== undefined) this.#pod = pod;
    this.#ended ??= this.#end(pod?.metadata.deletionGracePeriodSeconds ?? ORPHAN_GRACE_SEC);
    return this.#ended;
  }

  /** Kills what runs and says nothing about it. */
  async abandon(): Promise<void> {
    this.#ending.abort(new Error("the node goes away"));
    this.#stopProbes();
    await Promise.all([...this.#initContainers, ...this.containers].map((container) => container.stop(0)));
  }

  async #start(): Promise<void> {
    const place = await this.#context.network.add();
    this.#place = place;
    const pool = this.#pool;
    if (pool !== undefined) await this.#context.network.pools.prepare(pool, place);
    for (const container of this.#initContainers) {
      await container.start();
      await until(() => container.finished || this.#ending.signal.aborted, "init container", 600_000);
      if ("terminated" in container.state && container.state.terminated.exitCode !== 0) return;
    }
    this.#initialized = true;
    this.#changed();
    if (!this.#ending.signal.aborted)
      await Promise.all(this.containers.map((container) => container.start()));
  }

  async #end(graceSec: number): Promise<void> {
    const graceMs = graceSec * 1000;
    await Promise.all(this.containers.map((container) => this.#endContainer(container, graceMs)));
    this.#ending.abort(new Error("the pod goes away"));
    this.#stopProbes();
    await Promise.all(this.#initContainers.map((container) => container.stop(0)));
    for (const container of this.containers) container.log.end();
    await this.#begun;
    if (this.#place !== undefined) {
      const pool = this.#pool;
      if (pool !== undefined) await this.#context.network.pools.withdraw(pool, this.#place);
      await this.#context.network.remove(this.#place);
    }
    await this.#delete();
  }

  /** Its preStop hook counts toward the grace period. */
  async #endContainer(container: Container, graceMs: number): Promise<void> {
    const from = Date.now();
    const { preStop } = container.spec.lifecycle ?? {};
    if (preStop !== undefined && container.running && graceMs > 0) {
      const { exec, sleep } = preStop;
      const command = exec?.command ?? ["sleep", String(sleep?.seconds ?? 0)];
      const hook = this.#runIn(command);
      const timer = setTimeout(() => signalGroup(hook, "SIGKILL"), graceMs);
      await ended(hook);
      clearTimeout(timer);
    }
    await container.stop(Math.max(0, graceMs - (Date.now() - from)));
  }

  async #prepare(
    spec: ContainerSpec,
    volumes: ReadonlyMap<string, string>,
  ): Promise<Launch & { port?: number }> {
    const place = this.#place as PodInterface;
    const env = await containerEnv(
      spec,
      { ...this.#context.env, HOSTNAME: this.#pod.spec.hostname ?? this.#pod.metadata.name },
      this.#objects,
      (path) => this.#field(path),
    );
    const words = (texts: readonly string[] | undefined) => texts?.map((text) => expand(text, env));
    const [command, args] = [words(spec.command), words(spec.args)];
    const expanded = {
      ...spec,
      ...(command !== undefined && { command }),
      ...(args !== undefined && { args }),
    };
    const program = programFor(this.#context.images, expanded, env);
    const user = userOf(this.#pod.spec, spec);
    return {
      place,
      ...program,
      env: { ...program.env, ...env },
      mounts: (spec.volumeMounts ?? []).map(({ name, mountPath, subPath = "", readOnly = false }): Mount => {
        const source = volumes.get(name);
        if (source === undefined) throw new Error(`there is no volume ${name}`);
        return { source: join(source, subPath), target: mountPath, readOnly };
      }),
      ...(user !== undefined && { user }),
      readOnlyRoot: spec.securityContext?.readOnlyRootFilesystem ?? false,
      layers: join(this.#folder, "layers"),
    };
  }

  #field(path: string): string {
    return podField(this.#pod, this.#place as PodInterface, this.#context.network.nodeAddress, path);
  }

  get #pool(): string | undefined {
    return this.#pod.metadata.annotations?.[POOL_ANNOTATION];
  }

  #runIn(command: readonly string[]) {
    const [program = "", ...args] = command;
    const { env } = this.#context;
    const place = this.#place as PodInterface;
    return launch({ place, program, args, env, mounts: [], layers: join(this.#folder, "layers") });
  }

  /** Probes follow the containers: they begin and end with each of their processes. */
  #changed(): void {
    for (const container of this.containers) {
      const probes = this.#probes.get(container);
      if (container.running && probes === undefined) {
        const { address } = this.#place as PodInterface;
        const run = (command: readonly string[]) => this.#runIn(command);
        const onChange = () => this.#changed();
        this.#probes.set(container, new ContainerProbes({ container, address, run, onChange }));
      } else if (!container.running && probes !== undefined) {
        probes.stop();
        this.#probes.delete(container);
      }
    }
    this.#announce();
    this.#report.update();
  }

  #status(): PodStatus {
    const status = podStatus({
      pod: this.#pod,
      hostAddress: this.#context.network.nodeAddress,
      address: this.#place?.address,
      startTime: this.#startTime,
      initialized: this.#initialized,
      initContainers: this.#initContainers,
      containers: this.containers,
      isReady: (container) => this.#isReady(container),
      before: this.#conditions,
    });
    this.#conditions = status.conditions;
    return status;
  }

  #isReady(container: Container): boolean {
    return this.#probes.get(container)?.ready === true;
  }

  #announce(): void {
    const pool = this.#pool;
    if (pool === undefined || this.#place === undefined) return;
    const { pools } = this.#context.network;
    const ready = this.containers.every((container) => this.#isReady(container));
    const done = ready ? pools.announce(pool, this.#place) : pools.withdraw(pool, this.#place);
    done.catch((error) => process.stderr.write(`${podPath(this.#pod)}: ${String(error)}\n`));
  }

  #stopProbes(): void {
    for (const probes of this.#probes.values()) probes.stop();
  }

  async #delete(): Promise<void> {
    const { uid } = this.#pod.metadata;
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      gracePeriodSeconds: 0,
      preconditions: { uid },
    };
    const done = (error: unknown) =>
      error instanceof ApiError && (error.status === 404 || error.status === 409);
    await until(
      () =>
        this.#context.client.request("DELETE", podPath(this.#pod), { body }).then(
          () => true,
          (error) => done(error),
        ),
      `the deletion of ${podPath(this.#pod)}`,
      600_000,
    );
  }
}

function ended(child: ReturnType<typeof launch>): Promise<void> {
  return new Promise((done) => {
    child.once("exit", () => done());
    child.once("error", () => done());
  });
}
