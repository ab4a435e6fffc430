// The configuration in a cluster: the controller's view of it, translated for the Gateways that are this controller's.
import { randomBytes } from "node:crypto";
import type { Translation } from "../dialects/translation.ts";
import { AddressPool } from "../kubernetes/addresses/address-pool.ts";
import type { AddressSource } from "../kubernetes/addresses/gateway-addresses.ts";
import { ApiClient } from "../kubernetes/api/api-client.ts";
import { findConnection } from "../kubernetes/api/connection.ts";
import { SYSTEM_CLOCK } from "../kubernetes/clock.ts";
import { type ClusterState, CONTROLLER_NAME, Controller } from "../kubernetes/controller.ts";
import type { Logger, MetricSample } from "../telemetry/index.ts";
import type { ConfigurationInput, ConfigurationSource } from "./configuration-source.ts";
import type { KubernetesOptions } from "./run-options.ts";
import type { SessionKeySource } from "./session-key-store.ts";

export class KubernetesConfiguration implements ConfigurationSource {
  readonly description: Readonly<Record<string, unknown>>;
  readonly isExacting = false;
  readonly sessionKeys: SessionKeySource;
  readonly #options: KubernetesOptions;
  readonly #controller: Controller;
  readonly #client: ApiClient;
  readonly #states = new WeakMap<ConfigurationInput, ClusterState>();

  /** Rejects with a CredentialError where nothing says how to reach an API server. */
  static async connect(
    options: KubernetesOptions,
    version: string,
    logger: Logger,
  ): Promise<KubernetesConfiguration> {
    const { kubeconfig, context } = options;
    const connection = await findConnection({
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      ...(context === undefined ? {} : { context }),
      env: process.env,
      nowMs: Date.now,
    });
    const client = new ApiClient({ connection, userAgent: `limpet/${version}`, clock: SYSTEM_CLOCK });
    const { addressPools, serviceType, identity } = options;
    const namespace = options.namespace ?? connection.namespace;
    const addressSource: AddressSource =
      addressPools.length === 0
        ? { kind: "services", type: serviceType }
        : { kind: "pool", pool: new AddressPool(addressPools) };
    const controller = new Controller({
      client,
      namespace,
      identity,
      addressSource,
      sessionKeysSecret: options.sessionKeysSecret,
      randomBytes,
      clock: SYSTEM_CLOCK,
      random: Math.random,
      logger,
    });
    controller.start();
    return new KubernetesConfiguration(options, controller, client, connection.origin);
  }

  private constructor(options: KubernetesOptions, controller: Controller, client: ApiClient, origin: string) {
    this.#options = options;
    this.#controller = controller;
    this.#client = client;
    this.description = { cluster: origin };
    this.sessionKeys = { kind: "kept", keys: controller.sessionKeys };
  }

  async read(): Promise<ConfigurationInput> {
    const state = await this.#controller.state();
    const { gatewayClass, allowExternalName } = this.#options;
    const input: ConfigurationInput = {
      resources: state.resources,
      options: {
        controllerName: CONTROLLER_NAME,
        ...(gatewayClass === undefined ? {} : { gatewayClass }),
        allowExternalName,
        // With the keys of the Secret, or others that the options name.
        sealTokens: true,
        place: state.place,
      },
      findings: [],
      refusals: [],
    };
    this.#states.set(input, state);
    return input;
  }

  accepted(input: ConfigurationInput, translation: Translation, unbound: ReadonlyMap<string, string>): void {
    const state = this.#states.get(input);
    if (state !== undefined) this.#controller.report(state, translation, unbound);
  }

  follow(onChange: () => Promise<void>): void {
    this.#controller.follow(onChange);
  }

  resign(): void {
    void this.#controller.resign();
  }

  async stop(): Promise<void> {
    await this.#controller.stop();
    this.#client.close();
  }

  samples(): MetricSample[] {
    return this.#controller.samples();
  }
}
