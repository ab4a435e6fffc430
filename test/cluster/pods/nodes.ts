// Scheduler and kubelet in one: gives every pod a node, runs it, and ends it when its object says so.
import { mkdirSync } from "node:fs";
import type { KubernetesClient } from "../../../src/kubernetes/api/client.ts";
import { follow } from "../api/follow.ts";
import type { ServerCertificate } from "../control-plane.ts";
import { KUBERNETES_VERSION } from "../install/programs.ts";
import type { PodNetwork } from "../network/pod-network.ts";
import type { ImageRule } from "./images.ts";
import { LogEndpoint } from "./log-endpoint.ts";
import { type Pod, podPath } from "./pod.ts";
import { RunningPod } from "./running-pod.ts";

export interface NodesOptions {
  readonly client: KubernetesClient;
  readonly network: PodNetwork;
  readonly images: readonly ImageRule[];
  readonly folder: string;
  readonly certificate: ServerCertificate;
  /** A node for each, with this label `topology.kubernetes.io/zone`. */
  readonly zones: readonly string[];
  /** Environment of all containers. */
  readonly env: Readonly<Record<string, string>>;
}

export class Nodes {
  readonly #options: NodesOptions;
  readonly #endpoint: LogEndpoint;
  /** By UID. */
  readonly #pods = new Map<string, RunningPod>();
  readonly #binding = new Set<string>();
  readonly #stop = new AbortController();
  #following: Promise<void> | undefined;
  #turn = 0;

  constructor(options: NodesOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true });
    this.#endpoint = new LogEndpoint(options.certificate, (namespace, name, container) =>
      [...this.#pods.values()]
        .findLast(({ pod: { metadata } }) => metadata.namespace === namespace && metadata.name === name)
        ?.log(container),
    );
  }

  async start(): Promise<void> {
    const { client, network, zones } = this.#options;
    const port = await this.#endpoint.listen(network.nodeAddress);
    for (const zone of zones) await this.#register(zone, port);
    this.#following = follow<Pod>(client, "/api/v1/pods", this.#stop.signal, {
      onObject: (pod) => this.#see(pod),
      onGone: ({ metadata: { uid } }) => {
        const running = this.#pods.get(uid);
        if (running !== undefined) this.#end(uid, running, undefined);
      },
    });
  }

  /** Kills all pods; their objects stay as they are. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#following;
    await Promise.all([...this.#pods.values()].map((pod) => pod.abandon()));
    await this.#endpoint.close();
  }

  async #register(zone: string, port: number): Promise<void> {
    const { client, network } = this.#options;
    const name = nodeName(zone);
    const labels = { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone };
    const at = new Date().toISOString();
    const capacity = { cpu: "64", memory: "256Gi", pods: "4000" };
    const node = { apiVersion: "v1", kind: "Node", metadata: { name, labels } };
    await client.request("POST", "/api/v1/nodes", { body: node });
    const status = {
      addresses: [
        { type: "InternalIP", address: network.nodeAddress },
        { type: "Hostname", address: name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
      capacity,
      allocatable: capacity,
      conditions: [
        {
          type: "Ready",
          status: "True",
          reason: "Ready",
          message: "",
          lastHeartbeatTime: at,
          lastTransitionTime: at,
        },
      ],
      nodeInfo: {
        operatingSystem: "linux",
        architecture: "amd64",
        kubeletVersion: `v${KUBERNETES_VERSION}-processes`,
      },
    };
    await client.request("PATCH", `/api/v1/nodes/${name}/status`, {
      body: { status },
      contentType: "application/merge-patch+json",
    });
    // Admission taints every new node until somebody finds it ready; here that is us.
    await client.request("PATCH", `/api/v1/nodes/${name}`, {
      body: { spec: { taints: null } },
      contentType: "application/merge-patch+json",
    });
  }

  #see(pod: Pod): void {
    const { uid, deletionTimestamp } = pod.metadata;
    const running = this.#pods.get(uid);
    if (running !== undefined) {
      if (deletionTimestamp !== undefined) this.#end(uid, running, pod);
      return;
    }
    if (pod.spec.nodeName === undefined) {
      void this.#bind(pod);
      return;
    }
    if (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") return;
    const begun = new RunningPod(pod, this.#options);
    this.#pods.set(uid, begun);
    void begun.start();
    if (deletionTimestamp !== undefined) this.#end(uid, begun, pod);
  }

  #end(uid: string, running: RunningPod, pod: Pod | undefined): void {
    void running
      .end(pod)
      .catch((error) => process.stderr.write(`${podPath(running.pod)}: ${String(error)}\n`))
      .finally(() => this.#pods.delete(uid));
  }

  async #bind({ metadata: { namespace, name, uid } }: Pod): Promise<void> {
    if (this.#binding.has(uid)) return;
    this.#binding.add(uid);
    const { client, zones } = this.#options;
    const zone = zones[this.#turn++ % zones.length] as string;
    const target = { apiVersion: "v1", kind: "Node", name: nodeName(zone) };
    const body = { apiVersion: "v1", kind: "Binding", metadata: { name, uid }, target };
    try {
      await client.request("POST", `/api/v1/namespaces/${namespace}/pods/${name}/binding`, { body });
    } catch {
      // Bound or gone already, or the API server is away: then the next list shows it again.
    } finally {
      this.#binding.delete(uid);
    }
  }
}

function nodeName(zone: string): string {
  return `node-${zone}`;
}
