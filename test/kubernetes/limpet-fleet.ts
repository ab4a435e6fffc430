// Two Limpets as pods that serve one Gateway, with a TCP balancer in front of them that outlives all that happens in the cluster.
import type { KubernetesObject, ListPage } from "../../src/kubernetes/api/client.ts";
import { follow } from "../cluster/api/follow.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Pod } from "../cluster/pods/pod.ts";
import { canConnect } from "../cluster/pods/probe.ts";
import { until } from "../cluster/until.ts";
import { Balancer } from "../rollout/balancer.ts";
import { ADMIN_PORT, deployLimpet } from "./limpet-deployment.ts";

const PODS = "/api/v1/namespaces/limpet-system/pods";
const LEASE = "/apis/coordination.k8s.io/v1/namespaces/limpet-system/leases/limpet-leader";
export const GATEWAY = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways/edge";
const SERVICE = "/api/v1/namespaces/default/services/edge-limpet";
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

const MANIFEST = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: limpet
  listeners: [{name: http, port: 80, protocol: HTTP}]
`;

interface Slice extends KubernetesObject {
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions: { readonly ready?: boolean };
  }[];
}

interface ReportedPod extends Pod {
  readonly status?: NonNullable<Pod["status"]> & {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly containerID?: string }[];
  };
}

interface LimpetPod {
  readonly name: string;
  readonly address: string;
  readonly isReady: boolean;
  /** Of its only container, as this machine knows it. */
  readonly pid: number;
}

export class LimpetFleet {
  readonly #cluster: Cluster;
  readonly #balancer = new Balancer([]);
  readonly #stop = new AbortController();
  readonly #addresses = new Map<string, string>();
  #following: Promise<void> | undefined;
  #bindPort = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Connections that a replica did not take although it was ready. */
  get refused(): number {
    return this.#balancer.refused;
  }

  /** Resolves with the balancer's port on 127.0.0.1, when both replicas are ready and the Gateway has its Service. */
  async start(): Promise<number> {
    await this.#cluster.kubectl(["apply", "-f", "-"], MANIFEST);
    const log = "--access-log-format=%{affinity.outcome} %{status} %{error}";
    const args = ["--gateway-service-type=ClusterIP", log];
    await deployLimpet(this.#cluster, { classes: ["limpet"], args });
    const ports = await until(() => this.#servicePorts(), "the Service of the Gateway");
    this.#bindPort = ports[0]?.targetPort ?? 0;
    this.#following = follow<Pod>(this.#cluster.client, PODS, this.#stop.signal, {
      onObject: (pod) => this.#see(pod.metadata.uid, pod.status?.podIP),
      onGone: (pod) => this.#see(pod.metadata.uid, undefined),
    });
    const port = await this.#balancer.start();
    await until(() => this.#isOpen(), "the Gateway's port, open at both replicas");
    return port;
  }

  async pods(): Promise<readonly LimpetPod[]> {
    const { items } = await this.#cluster.client.request<{ items: ReportedPod[] }>("GET", PODS);
    return items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(
        ({ metadata: { name }, status: { podIP = "", conditions = [], containerStatuses = [] } = {} }) => ({
          name,
          address: podIP,
          isReady: conditions.some(({ type, status }) => type === "Ready" && status === "True"),
          pid: Number(containerStatuses[0]?.containerID?.slice("process://".length)),
        }),
      );
  }

  /** Two are ready, and this one is none of them. */
  async isComplete(without: string): Promise<boolean> {
    const ready = (await this.pods()).filter(({ name, isReady }) => isReady && name !== without);
    return ready.length === 2;
  }

  /** Name of the pod that holds the Lease. */
  async leader(): Promise<string> {
    const lease = await this.#cluster.client.request<KubernetesObject>("GET", LEASE);
    return (lease["spec"] as { holderIdentity: string }).holderIdentity.split("_")[0] as string;
  }

  /** As if it ran out of memory: its container begins anew in place. */
  async kill(pod: string): Promise<void> {
    const pid = (await this.pods()).find(({ name }) => name === pod)?.pid ?? Number.NaN;
    process.kill(pid, "SIGKILL");
  }

  /** What the access logs say of all that came over the balancer, by line. */
  async logged(): Promise<Record<string, number>> {
    const args = ["-n", "limpet-system", "logs", "-l", "app.kubernetes.io/name=limpet", "--tail=-1"];
    const lines = (await this.#cluster.kubectl(args))
      .split("\n")
      .filter((line) => /^\S+ \d{3} \S+$/.test(line));
    const counts = [...Map.groupBy(lines, (line) => line)].map(([line, all]) => [line, all.length] as const);
    return Object.fromEntries(counts);
  }

  /** Where each replica serves the Gateway. */
  async places(): Promise<readonly string[]> {
    return (await this.pods()).map(({ address }) => `http://${address}:${this.#bindPort}`);
  }

  /** The Gateway has an address, and its Service leads to the replicas that are there, and to nobody else. */
  async isPlaced(): Promise<boolean> {
    const query = { labelSelector: "kubernetes.io/service-name=edge-limpet" };
    const { items } = await this.#cluster.client.request<ListPage>("GET", SLICES, { query });
    const endpoints = (items as readonly Slice[]).flatMap((slice) => slice.endpoints ?? []);
    const ready = endpoints.filter(({ conditions }) => conditions.ready).map(({ addresses }) => addresses[0]);
    const pods = (await this.pods()).filter(({ isReady }) => isReady).map(({ address }) => address);
    return pods.length === 2 && ready.sort().join() === pods.sort().join();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#balancer.stop();
    await this.#following;
  }

  async #servicePorts(): Promise<readonly { readonly targetPort: number }[] | undefined> {
    const service = await this.#cluster.client
      .request<KubernetesObject>("GET", SERVICE)
      .catch(() => undefined);
    return (service?.["spec"] as { ports: { targetPort: number }[] } | undefined)?.ports;
  }

  async #isOpen(): Promise<boolean> {
    const hosts = [...this.#addresses.values()];
    const open = await Promise.all(hosts.map((host) => canConnect(host, this.#bindPort, 1_000)));
    return open.length === 2 && open.every((one) => one);
  }

  #see(uid: string, address: string | undefined): void {
    if (address === undefined) this.#addresses.delete(uid);
    else this.#addresses.set(uid, address);
    const hosts = [...this.#addresses.values()];
    this.#balancer.serve(hosts.map((host) => ({ host, port: this.#bindPort, adminPort: ADMIN_PORT })));
  }
}
