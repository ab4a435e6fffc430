// Where a Gateway's listeners are: what it needs, and what whoever runs the gateway can give it.
import type { ObjectRef } from "../../model/index.ts";

/** What a Gateway asks of the place that it is to be served at; ListenerSets included. */
export interface GatewayNeeds {
  readonly gateway: ObjectRef;
  /** Each once, in order of number. */
  readonly ports: readonly number[];
  /** `spec.addresses`; a value "" asks for any address of the type. */
  readonly addresses: readonly GatewayAddress[];
  /** `spec.infrastructure`. */
  readonly infrastructure: GatewayInfrastructure;
}

/** `IPAddress`, `Hostname`, or a type of somebody's own with a domain prefix. */
export interface GatewayAddress {
  readonly type: string;
  readonly value: string;
}

export interface GatewayInfrastructure {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly parametersRef?: { readonly group: string; readonly kind: string; readonly name: string };
}

/** Why a Gateway is not where it wants to be, as the condition says it. */
export interface PlacementProblem {
  /** `Accepted`: what it asks for can never be; `Programmed`: it cannot be now. */
  readonly condition: "Accepted" | "Programmed";
  /** Such as `UnsupportedAddress`, `InvalidParameters`; `AddressNotAssigned`, `AddressNotUsable`, `Pending`. */
  readonly reason: string;
  readonly message: string;
}

export interface GatewayPlacement {
  /** IP addresses to bind; empty: the default address of the process. */
  readonly bindAddresses: readonly string[];
  /** By the listener's port the one to bind; a port that is not here is not opened yet. Undefined: each as it is written. */
  readonly bindPorts?: ReadonlyMap<number, number>;
  /** For `status.addresses`. */
  readonly addresses: readonly GatewayAddress[];
  /** Set: no listener is opened. */
  readonly problem?: PlacementProblem;
}

/** Pure; whoever made it makes another one where its answers would be others. */
export type PlaceGateway = (needs: GatewayNeeds) => GatewayPlacement;
