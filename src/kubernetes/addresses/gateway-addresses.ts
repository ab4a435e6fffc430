// Where the Gateways of a cluster are: places them by what the API has on record, and has the leader keep the records.
import type { GatewayNeeds, PlaceGateways } from "../../dialects/gateway-api/placement.ts";
import type { Translation } from "../../dialects/translation.ts";
import { isLocalAddress, type ObjectRef, objectKey, parseIp } from "../../model/index.ts";
import type { Logger } from "../../telemetry/index.ts";
import type { KubernetesClient } from "../api/client.ts";
import { Backoff, pause } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import { objectAt } from "../json.ts";
import type { ClusterView } from "../watch/cluster-view.ts";
import { SERVICES } from "../watch/watched-kinds.ts";
import type { AddressPool } from "./address-pool.ts";
import {
  allocateBindPorts,
  BIND_PORTS,
  type BindPorts,
  highestBindPort,
  holdersOf,
  type PortHolders,
} from "./bind-ports.ts";
import {
  abandonedServices,
  gatewayRef,
  type PlannedGateway,
  planInfrastructure,
  serviceRef,
  type Write,
} from "./infrastructure-plan.ts";
import { InfrastructureWriter } from "./infrastructure-writer.ts";
import { type MadeService, readMadeService } from "./made-service.ts";
import { MANAGED_BY, MANAGED_BY_LABEL } from "./names.ts";
import { placeInPool } from "./pool-placement.ts";
import { askAddresses, askPorts, recordedAddresses, recordedPorts } from "./records.ts";
import { replicaEndpoints } from "./replicas.ts";
import { isProblem, type ServiceType, serviceParameters } from "./service-parameters.ts";
import { placeBehindServices, unsupported } from "./service-placement.ts";

/** `services`: a Service for each Gateway leads to ports of the pods. `pool`: each Gateway has addresses of its own. */
export type AddressSource =
  | { readonly kind: "services"; readonly type: ServiceType }
  | { readonly kind: "pool"; readonly pool: AddressPool };

export interface GatewayAddressesOptions {
  readonly source: AddressSource;
  readonly client: KubernetesClient;
  readonly view: ClusterView;
  readonly controllerName: string;
  /** Of this process, with the name of its pod. */
  readonly namespace: string;
  readonly pod: string;
  /** Asked before anything is given away or written. */
  readonly mayWrite: () => boolean;
  /** `place` is another function by now, though no resource changed. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Pick<Logger, "info" | "warn">;
}

const GATEWAY = gatewayRef("", "");

export class GatewayAddresses {
  readonly #options: GatewayAddressesOptions;
  readonly #writer: InfrastructureWriter;
  /** Those that are served, as the last translation has them. */
  #gateways: readonly GatewayNeeds[] = [];
  #holders: PortHolders = new Map();
  /** What this leader gave away, by Gateway: the view learns of it later. Empty where it does not lead. */
  #ports = new Map<string, BindPorts>();
  #given = new Map<string, readonly string[]>();
  /** The highest that was ever seen, for they are given in turn. */
  #lastPort: number = BIND_PORTS.first - 1;
  #reign: AbortController | undefined;
  /** It knows what leaders before it gave away. */
  #isInformed = false;
  #placeText: string | undefined;
  #place: PlaceGateways = () => [];
  #toldOutside = false;

  constructor(options: GatewayAddressesOptions) {
    this.#options = options;
    const { client, clock, random, logger, onChange } = options;
    this.#writer = new InfrastructureWriter({
      client,
      clock,
      random,
      logger,
      plan: () => this.#plan(),
      mayWrite: () => this.#leads(),
      onFailures: onChange,
    });
  }

  /** By what the view says now: the same function as before while its answers would be the same. */
  place(): PlaceGateways {
    const text = this.#recordText();
    if (text !== this.#placeText) {
      this.#placeText = text;
      // Another function each time, for whoever asks whether it is another.
      this.#place = (gateways) => this.#placements(gateways);
    }
    return this.#place;
  }

  /** What was translated last: the leader writes what its Gateways need. */
  report({ gateways, statuses, snapshot }: Pick<Translation, "gateways" | "statuses" | "snapshot">): void {
    this.#holders = holdersOf(snapshot.listeners);
    const served = new Set(gateways.map(({ gateway }) => objectKey(gateway)));
    // What others gave to Gateways that were not seen yet stays theirs.
    for (const key of this.#gateways.map(({ gateway }) => objectKey(gateway))) {
      if (served.has(key)) continue;
      this.#ports.delete(key);
      this.#given.delete(key);
    }
    this.#gateways = gateways;
    if (!this.#leads()) return;
    for (const { object, addresses = [] } of statuses) {
      if (object.kind !== "Gateway") continue;
      const key = objectKey(object);
      const values = addresses.map(({ value }) => value);
      if (served.has(key)) this.#given.set(key, values);
    }
    void this.#writer.run();
  }

  setLeader(leads: boolean): void {
    this.#reign?.abort();
    this.#reign = undefined;
    this.#isInformed = false;
    this.#ports.clear();
    this.#given.clear();
    this.#writer.forget();
    if (!leads) return;
    this.#reign = new AbortController();
    void this.#learn(this.#reign.signal);
  }

  /** Resolves when nothing is being written any more. */
  async stop(): Promise<void> {
    this.setLeader(false);
    await this.#writer.stop();
  }

  #leads(): boolean {
    return this.#isInformed && this.#options.mayWrite();
  }

  /** Asks the API server itself what was given away before it gives anything away: what is watched comes later. */
  async #learn(signal: AbortSignal): Promise<void> {
    const { source, client, view, clock, random, logger, onChange } = this.#options;
    const backoff = new Backoff(random);
    while (!signal.aborted) {
      try {
        const given = source.kind === "pool" ? await askAddresses(client, view, signal) : new Map();
        const ports = source.kind === "services" ? await askPorts(client, signal) : new Map();
        if (signal.aborted) return;
        this.#given = given;
        this.#ports = ports;
        this.#isInformed = true;
        onChange();
        void this.#writer.run();
        return;
      } catch (error) {
        if (signal.aborted) return;
        const reason = (error as Error).message;
        logger.warn({ reason }, "could not ask which addresses Gateways have");
        await pause(clock, backoff.nextMs(), signal);
      }
    }
  }

  #placements(gateways: readonly GatewayNeeds[]): ReturnType<PlaceGateways> {
    const { source, view } = this.#options;
    if (source.kind === "services") {
      return placeBehindServices(gateways, {
        serviceOf: (gateway) => this.#serviceOf(gateway),
        parametersOf: (needs) => this.#parametersOf(needs, source.type),
        holders: this.#holders,
        failureOf: (gateway) => this.#writer.failureOf(gateway),
      });
    }
    return placeInPool(gateways, {
      pool: source.pool,
      recorded: new Map([...recordedAddresses(view.objects(GATEWAY.group, GATEWAY.kind)), ...this.#given]),
      assigns: this.#leads(),
      objection: (needs) => {
        const parameters = this.#parametersOf(needs, "ClusterIP");
        return isProblem(parameters) ? parameters : undefined;
      },
    });
  }

  /** All that decides where Gateways are and is no resource of a translation. */
  #recordText(): string {
    const { source, view } = this.#options;
    if (source.kind === "pool") {
      return JSON.stringify([
        this.#leads(),
        ...recordedAddresses(view.objects(GATEWAY.group, GATEWAY.kind)),
        ...this.#given,
      ]);
    }
    const all = view.objects(SERVICES.group, SERVICES.kind);
    // Whoever leads later knows which ports were in use while he did not.
    this.#lastPort = highestBindPort(recordedPorts(all), this.#lastPort);
    const services = all.flatMap((service) => {
      const { bindPorts = [], ...made } = readMadeService(service) ?? {};
      return "name" in made ? [[made, ...bindPorts]] : [];
    });
    const failures = this.#gateways.map(({ gateway }) => this.#writer.failureOf(gateway) ?? null);
    return JSON.stringify([services, failures]);
  }

  #serviceOf(gateway: ObjectRef): MadeService | "foreign" | undefined {
    const { view } = this.#options;
    const service = view.object(serviceRef(gateway));
    if (service === undefined) return undefined;
    const made = readMadeService(service);
    if (made === undefined) return "foreign";
    // That of an earlier Gateway with this name goes by itself.
    return made.gateway.uid === view.object(gateway)?.metadata.uid ? made : undefined;
  }

  #parametersOf(needs: GatewayNeeds, type: ServiceType) {
    return serviceParameters(needs, type, (namespace, name) => {
      const found = this.#options.view.object({ group: "", kind: "ConfigMap", namespace, name });
      return found === undefined ? undefined : objectAt(found, "data");
    });
  }

  #plan(): readonly Write[] {
    const { source, view, controllerName } = this.#options;
    const planned = source.kind === "pool" ? this.#named() : this.#served(source.type);
    const services = view
      .objects(SERVICES.group, SERVICES.kind)
      .filter(({ metadata }) => metadata.labels?.[MANAGED_BY_LABEL] === MANAGED_BY);
    return [...planInfrastructure(planned, view), ...abandonedServices(services, controllerName, view)];
  }

  #served(type: ServiceType): PlannedGateway[] {
    const { view, namespace, pod } = this.#options;
    const requests = this.#gateways.map(({ gateway, ports }) => ({ key: objectKey(gateway), ports }));
    const known = recordedPorts(view.objects(SERVICES.group, SERVICES.kind));
    for (const [key, ports] of this.#ports) known.set(key, new Map([...(known.get(key) ?? []), ...ports]));
    this.#lastPort = highestBindPort(known, this.#lastPort);
    const bindPorts = allocateBindPorts(requests, known, this.#lastPort, this.#holders);
    this.#lastPort = highestBindPort(bindPorts, this.#lastPort);
    for (const [key, ports] of bindPorts) this.#ports.set(key, ports);
    const endpoints = replicaEndpoints(namespace, pod, view.objects("", "Pod"));
    this.#tellOutside(endpoints.length === 0);
    return this.#gateways.map((needs): PlannedGateway => {
      const parameters = this.#parametersOf(needs, type);
      const isClear = !isProblem(parameters) && unsupported(needs, parameters.type) === undefined;
      return {
        needs,
        shape: isClear ? { kind: "served", parameters } : undefined,
        bindPorts: bindPorts.get(objectKey(needs.gateway)) ?? new Map(),
        endpoints,
      };
    });
  }

  #named(): PlannedGateway[] {
    return this.#gateways.map((needs): PlannedGateway => {
      const isClear = !isProblem(this.#parametersOf(needs, "ClusterIP"));
      // EndpointSlices may hold no addresses of the machine itself, such as somebody tries out at home.
      const addresses = (this.#given.get(objectKey(needs.gateway)) ?? []).filter((address) => {
        return !isLocalAddress(parseIp(address) ?? []);
      });
      return {
        needs,
        shape: isClear ? { kind: "named" } : undefined,
        bindPorts: new Map(needs.ports.map((port) => [port, port])),
        endpoints: addresses.map((address) => ({
          addresses: [address],
          conditions: { ready: true, serving: true, terminating: false },
        })),
      };
    });
  }

  #tellOutside(isOutside: boolean): void {
    if (isOutside && !this.#toldOutside) {
      const { namespace, pod, logger } = this.#options;
      logger.warn(
        { namespace, pod },
        "this process is no pod that is known: Services of Gateways lead nowhere",
      );
    }
    this.#toldOutside = isOutside;
  }
}
