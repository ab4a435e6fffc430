// What the API has on record of where Gateways are: bind ports in Services, addresses in the statuses of Gateways.
import { objectKey } from "../../model/index.ts";
import type { KubernetesObject } from "../api/client.ts";
import { listAt, textAt } from "../json.ts";
import type { BindPorts } from "./bind-ports.ts";
import { gatewayRef } from "./infrastructure-plan.ts";
import { readMadeService } from "./made-service.ts";

/** By object key of the Gateway. Of all Services that were made for one, served or not. */
export function recordedPorts(services: readonly KubernetesObject[]): Map<string, BindPorts> {
  return new Map(
    services.flatMap((service): [string, BindPorts][] => {
      const made = readMadeService(service);
      if (made === undefined) return [];
      return [[objectKey(gatewayRef(made.namespace, made.gateway.name)), made.bindPorts]];
    }),
  );
}

/** By object key: what stands in the statuses of Gateways, whoever wrote it. */
export function recordedAddresses(gateways: readonly KubernetesObject[]): Map<string, readonly string[]> {
  return new Map(
    gateways.map(({ metadata: { namespace = "", name }, status }): [string, readonly string[]] => {
      const addresses = listAt(status, "addresses").flatMap((one) => textAt(one, "value") ?? []);
      return [objectKey(gatewayRef(namespace, name)), addresses];
    }),
  );
}
