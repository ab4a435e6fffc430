// What every scene of the benchmark works with: a cluster filled with a world, and Limpet before it.
import type { KubernetesObject } from "../../src/kubernetes/api/client.ts";
import { type Cluster, startCluster } from "../../test/cluster/cluster.ts";
import { until } from "../../test/cluster/until.ts";
import { usageOfProcess } from "../usage.ts";
import { type Answer, GatewayClient } from "./gateway-client.ts";
import { accountKubeconfig, RunningLimpet } from "./limpet.ts";
import { Objects } from "./objects.ts";
import { ORIGINS } from "./origins.ts";
import { GATEWAY_CLASS, hostnameOf, World, type WorldSize } from "./world.ts";

const GATEWAY_API = "1.7.0";
const ADDRESS_WITHIN_MS = 60_000;
const WRITTEN_WITHIN_MS = 600_000;
/** Reading all metrics is work for the gateway too. */
const LOOK_EVERY_MS = 500;

export class Stage {
  readonly cluster: Cluster;
  readonly world: World;
  readonly objects: Objects;
  readonly client = new GatewayClient();
  readonly say: (line: string) => void;
  readonly #kubeconfig: string;
  readonly #program: readonly string[];
  readonly #addresses = new Map<string, string>();
  #limpet: RunningLimpet | undefined;

  private constructor(cluster: Cluster, kubeconfig: string, options: StageOptions) {
    this.cluster = cluster;
    this.#kubeconfig = kubeconfig;
    this.#program = options.program;
    this.world = new World(options.size, ORIGINS[0]);
    this.objects = new Objects(cluster.client);
    this.say = options.say;
  }

  /** A cluster with namespaces and Gateways. */
  static async start(options: StageOptions): Promise<Stage> {
    const cluster = await startCluster({ gatewayApi: GATEWAY_API, progress: options.say });
    const stage = new Stage(cluster, await accountKubeconfig(cluster), options);
    const { world, objects } = stage;
    await objects.create([GATEWAY_CLASS, ...world.namespaces]);
    await objects.create(world.gateways);
    return stage;
  }

  /** Services with their slices first, so that no route ever leads nowhere. */
  async fill(): Promise<void> {
    const { services, slices, routes } = this.world;
    this.say(`creating ${services.length} Services and ${routes.length} HTTPRoutes`);
    for (const some of [services, slices, routes]) await this.objects.create(some);
  }

  get limpet(): RunningLimpet {
    if (this.#limpet === undefined) throw new Error("Limpet does not run");
    return this.#limpet;
  }

  /** Answers after how many milliseconds it said that it is ready. */
  async startLimpet(): Promise<number> {
    const { limpet, readyMs } = await RunningLimpet.start(this.cluster, this.#kubeconfig, this.#program);
    this.#limpet = limpet;
    return readyMs;
  }

  async stopLimpet(): Promise<void> {
    for (const problem of this.#limpet?.problems.slice(-5) ?? []) this.say(`Limpet complained: ${problem}`);
    await this.#limpet?.stop();
    this.#limpet = undefined;
  }

  /** Of a Gateway, as its status has it. */
  async addressOf(gateway: KubernetesObject): Promise<string> {
    const { name } = gateway.metadata;
    const known = this.#addresses.get(name);
    if (known !== undefined) return known;
    const ask = async () => {
      const { status } = await this.objects.read<KubernetesObject & { status?: GatewayStatus }>(gateway);
      return status?.addresses?.[0]?.value;
    };
    const address = await until(ask, `the address of ${name}`, ADDRESS_WITHIN_MS);
    this.#addresses.set(name, address);
    return address;
  }

  /** Of the Gateway that serves the route. */
  addressFor(route: KubernetesObject): Promise<string> {
    const { parentRefs } = route["spec"] as { parentRefs: readonly [{ readonly name: string }] };
    const gateway = this.world.gateways.find(({ metadata }) => metadata.name === parentRefs[0].name);
    return this.addressOf(gateway as KubernetesObject);
  }

  /** Asks for the route until the answer is right; when that was, and what came before. */
  async served(route: KubernetesObject, isRight: (answer: Answer) => boolean = isOk, path = "/") {
    const address = await this.addressFor(route);
    const host = hostnameOf(route.metadata.name);
    return this.client.until(() => this.client.ask(address, host, path), isRight);
  }

  /** How many statuses were written since its start, once there were `atLeast`, and none is waiting any more. */
  async statusesWritten(atLeast: number): Promise<number> {
    const limpet = this.limpet;
    const ask = async () => {
      await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
      const written = await limpet.metric("limpet_kubernetes_status_writes_total", { result: "written" });
      const waiting = await limpet.metric("limpet_kubernetes_status_writes_waiting");
      return written >= atLeast && waiting === 0 ? written : undefined;
    };
    return until(ask, `${atLeast} statuses to be written`, WRITTEN_WITHIN_MS);
  }

  /** How many of the routes are accepted in the form that they have now. */
  async acceptedRoutes(): Promise<number> {
    const routes = (await this.objects.list("HTTPRoute")) as readonly (KubernetesObject & RouteStatus)[];
    return routes.filter(({ metadata, status }) =>
      status?.parents?.some(({ conditions }) =>
        conditions.some(
          ({ type, status, observedGeneration }) =>
            type === "Accepted" && status === "True" && observedGeneration === metadata.generation,
        ),
      ),
    ).length;
  }

  get apiServerUsage() {
    return usageOfProcess(this.cluster.controlPlane.apiServer.pid as number);
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.stopLimpet();
    await this.cluster.stop();
  }
}

export interface StageOptions {
  readonly size: WorldSize;
  /** The program under test, and what Node.js is told before it. */
  readonly program: readonly string[];
  readonly say: (line: string) => void;
}

interface GatewayStatus {
  readonly addresses?: readonly { readonly value: string }[];
}

interface RouteStatus {
  readonly status?: {
    readonly parents?: readonly {
      readonly conditions: readonly {
        readonly type: string;
        readonly status: string;
        readonly observedGeneration: number;
      }[];
    }[];
  };
}

function isOk({ status }: Answer): boolean {
  return status === 200;
}
