// Stands in for kube-proxy and a cloud's load balancer: TCP to the addresses of Services, forwarded by this process.
import { connect, createServer, type Server, type Socket } from "node:net";
import type { KubernetesClient, KubernetesObject } from "../../../src/kubernetes/api/client.ts";
import { follow } from "../api/follow.ts";
import { ip } from "./ip.ts";

export interface ServiceProxyOptions {
  readonly client: KubernetesClient;
  /** Of ClusterIPs. */
  readonly serviceCidr: string;
  /** First three numbers of the addresses that Services of type LoadBalancer get. */
  readonly balancerPrefix: string;
}

interface Service extends KubernetesObject {
  readonly spec: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol?: string }[];
  };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } };
}

interface Slice extends KubernetesObject {
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: {
      readonly ready?: boolean;
      readonly serving?: boolean;
      readonly terminating?: boolean;
    };
  }[];
}

const SERVICE_LABEL = "kubernetes.io/service-name";

/** Where it forwards, the endpoint sees the node's address, not the client's. */
export class ServiceProxy {
  readonly #options: ServiceProxyOptions;
  readonly #stop = new AbortController();
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, Slice>();
  /** By `address port`. */
  readonly #servers = new Map<string, Server>();
  readonly #sockets = new Set<Socket>();
  /** Balancer address of each Service, by its UID. */
  readonly #balanced = new Map<string, string>();
  #following: Promise<unknown> = Promise.resolve();
  #lastHost = 0;
  #turn = 0;

  constructor(options: ServiceProxyOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { client, serviceCidr, balancerPrefix } = this.#options;
    await ip([`route add local ${serviceCidr} dev lo`, `route add local ${balancerPrefix}.0/24 dev lo`]);
    const { signal } = this.#stop;
    this.#following = Promise.all([
      follow<Service>(client, "/api/v1/services", signal, {
        onObject: (service) => this.#open(service),
        onGone: (service) => this.#close(service),
      }),
      follow<Slice>(client, "/apis/discovery.k8s.io/v1/endpointslices", signal, {
        onObject: (slice) => this.#slices.set(slice.metadata.uid as string, slice),
        onGone: (slice) => this.#slices.delete(slice.metadata.uid as string),
      }),
    ]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#following;
    for (const server of this.#servers.values()) server.close();
    for (const socket of this.#sockets) socket.destroy();
    const { serviceCidr, balancerPrefix } = this.#options;
    await ip([`route del local ${serviceCidr} dev lo`, `route del local ${balancerPrefix}.0/24 dev lo`]);
  }

  #open(service: Service): void {
    const uid = service.metadata.uid as string;
    const places = new Set(this.#places(service));
    for (const place of this.#places(this.#services.get(uid))) if (!places.has(place)) this.#shut(place);
    this.#services.set(uid, service);
    for (const place of places) {
      if (this.#servers.has(place)) continue;
      const [address, port] = place.split(" ");
      const server = createServer((socket) => this.#forward(socket, uid, Number(port)));
      // What listens there already is no Service's.
      server.on("error", (error) => process.stderr.write(`service ${place}: ${error.message}\n`));
      server.listen(Number(port), address);
      this.#servers.set(place, server);
    }
    if (service.spec.type === "LoadBalancer") void this.#tell(service);
  }

  #close(service: Service): void {
    for (const place of this.#places(service)) this.#shut(place);
    this.#services.delete(service.metadata.uid as string);
  }

  #shut(place: string): void {
    this.#servers.get(place)?.close();
    this.#servers.delete(place);
  }

  /** `address port` of all that it is reached at. */
  #places(service: Service | undefined): string[] {
    if (service === undefined) return [];
    const { type, clusterIP = "", ports = [] } = service.spec;
    const addresses = [
      ...(clusterIP === "" || clusterIP === "None" || clusterIP.includes(":") ? [] : [clusterIP]),
      ...(type === "LoadBalancer" ? [this.#balancerAddress(service)] : []),
    ];
    const tcp = ports.filter(({ protocol = "TCP" }) => protocol === "TCP");
    return addresses.flatMap((address) => tcp.map(({ port }) => `${address} ${port}`));
  }

  /** Stays the Service's as long as the Service lives. */
  #balancerAddress({ metadata: { uid = "" } }: Service): string {
    const address = this.#balanced.get(uid) ?? `${this.#options.balancerPrefix}.${++this.#lastHost}`;
    this.#balanced.set(uid, address);
    return address;
  }

  async #tell(service: Service): Promise<void> {
    const { namespace, name } = service.metadata;
    const address = this.#balancerAddress(service);
    if (service.status?.loadBalancer?.ingress?.[0]?.ip === address) return;
    const body = { status: { loadBalancer: { ingress: [{ ip: address }] } } };
    await this.#options.client
      .request("PATCH", `/api/v1/namespaces/${namespace}/services/${name}/status`, {
        body,
        contentType: "application/merge-patch+json",
      })
      .catch((error) => {
        if (!this.#stop.signal.aborted) process.stderr.write(`status of service ${name}: ${String(error)}\n`);
      });
  }

  #forward(client: Socket, uid: string, port: number): void {
    const endpoints = this.#endpoints(this.#services.get(uid), port);
    const chosen = endpoints[this.#turn++ % endpoints.length];
    if (chosen === undefined) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...chosen, noDelay: true });
    client.setNoDelay(true);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => other.resetAndDestroy());
      one.once("close", () => {
        this.#sockets.delete(one);
        other.destroySoon();
      });
      one.pipe(other);
    }
  }

  /** Those that are ready; where none is, those that still serve while they end, as kube-proxy has it. */
  #endpoints(service: Service | undefined, port: number): { host: string; port: number }[] {
    const { namespace, name } = service?.metadata ?? {};
    const portName = service?.spec.ports?.find((candidate) => candidate.port === port)?.name;
    const all = [...this.#slices.values()]
      .filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.[SERVICE_LABEL] === name)
      .flatMap(({ ports = [], endpoints = [] }) => {
        const target = ports.find((candidate) => (candidate.name ?? "") === (portName ?? ""))?.port;
        return target === undefined
          ? []
          : endpoints.map(({ addresses, conditions = {} }) => ({
              host: addresses[0] as string,
              port: target,
              conditions,
            }));
      });
    const ready = all.filter(({ conditions }) => conditions.ready !== false);
    const leaving = all.filter(
      ({ conditions }) => conditions.serving === true && conditions.terminating === true,
    );
    return ready.length > 0 ? ready : leaving;
  }
}
