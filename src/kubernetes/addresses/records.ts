// What the API has on record of where Gateways are: bind ports in Services, addresses in the statuses of Gateways.
import { objectKey } from "../../model/index.ts";
import type { KubernetesClient, KubernetesObject, ListPage } from "../api/client.ts";
import { listAt, textAt } from "../json.ts";
import { apiPath, type ClusterView } from "../watch/cluster-view.ts";
import { SERVICES } from "../watch/watched-kinds.ts";
import type { BindPorts } from "./bind-ports.ts";
import { gatewayRef } from "./infrastructure-plan.ts";
import { readMadeService } from "./made-service.ts";
import { MANAGED_BY, MANAGED_BY_LABEL } from "./names.ts";

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

/** Those that the API server has now: whoever watches hears of them later. */
export async function askPorts(
  client: KubernetesClient,
  signal: AbortSignal,
): Promise<Map<string, BindPorts>> {
  const query = { labelSelector: `${MANAGED_BY_LABEL}=${MANAGED_BY}` };
  const page = await client.request<ListPage>("GET", apiPath(SERVICES), { query, signal });
  return recordedPorts(page.items);
}

/** As `askPorts`; none where the API server does not know Gateways yet. */
export async function askAddresses(
  client: KubernetesClient,
  view: ClusterView,
  signal: AbortSignal,
): Promise<Map<string, readonly string[]>> {
  const { group, kind } = gatewayRef("", "");
  const resource = view.apiResource(group, kind);
  if (resource === undefined) return new Map();
  const page = await client.request<ListPage>("GET", apiPath(resource), { signal });
  return recordedAddresses(page.items);
}
