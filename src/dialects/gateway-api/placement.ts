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
  /** Set where it is for whoever wrote the Gateway to mend: a finding at this field. */
  readonly remedy?: {
    readonly path: readonly (string | number)[];
    readonly expected: string;
    readonly hint: string;
  };
}

/** Where a Gateway's listeners are; what is opened does not depend on whether there is a problem to tell beside. */
export interface GatewayPlacement {
  /** IP addresses to bind; empty: the default address of the process. */
  readonly bindAddresses: readonly string[];
  /** By the listener's port the one to bind; a port that is not here is not opened yet. Undefined: each as it is written. */
  readonly bindPorts?: ReadonlyMap<number, number>;
  /** For `status.addresses`. */
  readonly addresses: readonly GatewayAddress[];
  readonly problem?: PlacementProblem;
}

/** One placement for each of the Gateways, which come oldest first: all that are served, so that no two share a place. */
export type PlaceGateways = (gateways: readonly GatewayNeeds[]) => readonly GatewayPlacement[];

/** Nothing is opened. */
export const NOWHERE: GatewayPlacement = { bindAddresses: [], bindPorts: new Map(), addresses: [] };

/** Equal texts for equal placements. */
export function placementText({ bindAddresses, bindPorts, addresses, problem }: GatewayPlacement): string {
  return JSON.stringify([bindAddresses, bindPorts && [...bindPorts], addresses, problem]);
}
