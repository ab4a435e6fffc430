// Places Gateways behind the Services that were made for them; pure: the Services are the record of who is bound where.
import {
  type GatewayNeeds,
  type GatewayPlacement,
  NOWHERE,
  type PlacementProblem,
} from "../../dialects/gateway-api/placement.ts";
import { canonicalIp, type ObjectRef, objectKey } from "../../model/index.ts";
import { keptBindPorts, type PortHolders } from "./bind-ports.ts";
import type { MadeService } from "./made-service.ts";
import { isProblem, type ServiceParameters, type ServiceType } from "./service-parameters.ts";

export interface ServiceRecords {
  /** `foreign`: its name is taken by a Service that was not made for this Gateway. */
  readonly serviceOf: (gateway: ObjectRef) => MadeService | "foreign" | undefined;
  readonly parametersOf: (gateway: GatewayNeeds) => ServiceParameters | PlacementProblem;
  readonly holders: PortHolders;
  /** Why the leader could not write the Service, if it could not. */
  readonly failureOf: (gateway: ObjectRef) => string | undefined;
}

/**
 * One placement for each of the Gateways, oldest first. What was once opened stays open, whatever is wrong with what the
 * Gateway says by now.
 */
export function placeBehindServices(
  gateways: readonly GatewayNeeds[],
  records: ServiceRecords,
): readonly GatewayPlacement[] {
  const services = new Map(
    gateways.map(({ gateway }) => [objectKey(gateway), records.serviceOf(gateway)] as const),
  );
  const recorded = new Map(
    [...services].flatMap(([key, service]) => (isMade(service) ? [[key, service.bindPorts] as const] : [])),
  );
  const requests = gateways.map(({ gateway, ports }) => ({ key: objectKey(gateway), ports }));
  const kept = keptBindPorts(requests, recorded, records.holders);
  return gateways.map((needs): GatewayPlacement => {
    const key = objectKey(needs.gateway);
    const service = services.get(key);
    const parameters = records.parametersOf(needs);
    const problem =
      (isProblem(parameters) ? parameters : unsupported(needs, parameters.type)) ??
      unaddressed(needs, service, records.failureOf(needs.gateway));
    return {
      ...NOWHERE,
      bindPorts: kept.get(key) ?? new Map(),
      addresses: isMade(service) ? service.addresses : [],
      ...(problem === undefined ? {} : { problem }),
    };
  });
}

/** The address that a load balancer is asked for; undefined: any. */
export function requestedAddress({ addresses }: Pick<GatewayNeeds, "addresses">): string | undefined {
  return addresses.find(({ type, value }) => type === "IPAddress" && value !== "")?.value;
}

/** Load balancers can be asked for one IP address, and clusters for none. */
export function unsupported(
  needs: Pick<GatewayNeeds, "addresses">,
  serviceType: ServiceType,
): PlacementProblem | undefined {
  const requested = requestedAddress(needs);
  const index = needs.addresses.findIndex(({ type, value }) => {
    if (value === "") return type !== "IPAddress" && type !== "Hostname";
    return serviceType !== "LoadBalancer" || type !== "IPAddress" || value !== requested;
  });
  if (index < 0) return undefined;
  const { type, value } = needs.addresses[index] ?? { type: "", value: "" };
  return {
    condition: "Accepted",
    reason: "UnsupportedAddress",
    message: `the address ${value} of type ${type} cannot be asked of a Service of type ${serviceType}`,
    remedy: {
      path: ["spec", "addresses", index],
      expected: "one address of type IPAddress, with a load balancer to give it",
      hint: "remove the address, or leave its value out to get any",
    },
  };
}

function isMade(service: MadeService | "foreign" | undefined): service is MadeService {
  return typeof service === "object";
}

function unaddressed(
  needs: GatewayNeeds,
  service: MadeService | "foreign" | undefined,
  failure: string | undefined,
): PlacementProblem | undefined {
  // No port, no Service: its listeners say why there is none.
  if (needs.ports.length === 0) return undefined;
  if (failure !== undefined) return notAssigned(`its Service cannot be written: ${failure}`);
  if (service === "foreign") {
    return notAssigned("its Service has to have a name that another Service has: delete or rename that");
  }
  if (service === undefined) return { ...notAssigned("its Service is being made"), reason: "Pending" };
  if (service.addresses.length === 0) {
    return notAssigned(`Service ${service.namespace}/${service.name} has no address yet`);
  }
  const requested = requestedAddress(needs);
  const given = service.addresses.map(({ value }) => canonicalIp(value));
  if (requested === undefined || given.includes(canonicalIp(requested))) return undefined;
  return {
    condition: "Programmed",
    reason: "AddressNotUsable",
    message: `the load balancer gave ${given.join(", ")} and not ${requested}`,
    remedy: {
      path: ["spec", "addresses"],
      expected: "an address that the load balancer can give",
      hint: "name another address, or leave the value out to get any",
    },
  };
}

function notAssigned(message: string): PlacementProblem {
  return { condition: "Programmed", reason: "AddressNotAssigned", message };
}
