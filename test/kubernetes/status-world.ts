// Watch, translation and status writer of one process against a test cluster, and what its objects' statuses say.
import { pino } from "pino";
import { translate } from "../../src/dialects/translate.ts";
import { ApiClient } from "../../src/kubernetes/api/api-client.ts";
import type { KubernetesObject } from "../../src/kubernetes/api/client.ts";
import { findConnection } from "../../src/kubernetes/api/connection.ts";
import { SYSTEM_CLOCK } from "../../src/kubernetes/clock.ts";
import { StatusWriter } from "../../src/kubernetes/status/status-writer.ts";
import { ClusterWatch } from "../../src/kubernetes/watch/cluster-watch.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { until } from "../cluster/until.ts";

export const CONTROLLER = "limpet.dev/gateway";

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
  readonly lastTransitionTime: string;
}

export interface Entry {
  readonly controllerName: string;
  readonly parentRef: unknown;
  readonly ancestorRef: unknown;
  readonly conditions: readonly Condition[];
}

export interface Status {
  readonly conditions?: readonly Condition[];
  readonly listeners?: readonly {
    readonly name: string;
    readonly port?: number;
    readonly conditions: readonly Condition[];
  }[];
  readonly supportedFeatures?: readonly { readonly name: string }[];
  readonly parents?: readonly Entry[];
  readonly ancestors?: readonly Entry[];
}

export class StatusWorld {
  readonly cluster: Cluster;
  readonly watch: ClusterWatch;
  readonly writer: StatusWriter;
  readonly log: string[] = [];
  #memory: ReturnType<typeof translate>["memory"] | undefined;

  private constructor(cluster: Cluster, client: ApiClient) {
    this.cluster = cluster;
    const logger = pino({ level: "warn" }, { write: (line) => void this.log.push(line) });
    const common = { client, clock: SYSTEM_CLOCK, random: Math.random, logger };
    this.watch = new ClusterWatch({ ...common, onChange: (change) => this.#changed(change) });
    this.writer = new StatusWriter({
      ...common,
      view: this.watch,
      controllerName: CONTROLLER,
      identity: "test",
      mayWrite: () => true,
    });
  }

  static async start(cluster: Cluster): Promise<StatusWorld> {
    const connection = await findConnection({ kubeconfig: cluster.kubeconfig, env: {}, nowMs: Date.now });
    const client = new ApiClient({ connection, userAgent: "limpet/test", clock: SYSTEM_CLOCK });
    const world = new StatusWorld(cluster, client);
    world.writer.setLeader(true);
    world.watch.start();
    await world.watch.synced;
    return world;
  }

  async stop(): Promise<void> {
    this.writer.setLeader(false);
    await this.watch.stop();
  }

  translateAndReport(): void {
    const resources = this.watch.resources();
    const translation = translate(resources, { controllerName: CONTROLLER }, this.#memory);
    this.#memory = translation.memory;
    this.writer.report({ resources, translation });
  }

  async apply(manifests: string): Promise<void> {
    await this.cluster.kubectl(["apply", "-f", "-"], manifests);
  }

  async get(kind: string, name: string): Promise<KubernetesObject & { readonly status: Status }> {
    return JSON.parse(await this.cluster.kubectl(["get", kind, name, "-o", "json"]));
  }

  /** The object, once its status is as `expected`. */
  statusOf(kind: string, name: string, expected: (status: Status) => boolean) {
    const ask = async () => {
      const object = await this.get(kind, name);
      return expected(object.status ?? {}) && object;
    };
    return until(ask, `the status of ${kind} ${name}`);
  }

  #changed(change: "resources" | "objects"): void {
    if (change === "resources") this.translateAndReport();
    else this.writer.viewChanged();
  }
}

export function find(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((one) => one.type === type);
}

export function ours(entries: readonly Entry[] | undefined): readonly Entry[] {
  return (entries ?? []).filter(({ controllerName }) => controllerName === CONTROLLER);
}

export function isAccepted({ conditions }: Pick<Status, "conditions">): boolean {
  return find(conditions, "Accepted")?.status === "True";
}
