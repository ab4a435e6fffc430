// The objects that are made for a Gateway, as they are wanted: a Service, and EndpointSlices that lead to who serves it.
import type { GatewayNeeds } from "../../dialects/gateway-api/placement.ts";
import type { KubernetesObject } from "../api/client.ts";
import { marked } from "./applied.ts";
import type { BindPorts } from "./bind-ports.ts";
import {
  GATEWAY_NAME_LABEL,
  labelValue,
  MANAGED_BY,
  MANAGED_BY_LABEL,
  portName,
  serviceName,
} from "./names.ts";
import type { ServiceParameters } from "./service-parameters.ts";
import { requestedAddress } from "./service-placement.ts";

const SLICE_MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by";
const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** How clients reach a Gateway: by its Service, or by addresses of its own, which the Service gives a name alone. */
export type ServiceShape =
  | { readonly kind: "served"; readonly parameters: ServiceParameters }
  | { readonly kind: "named" };

export type AddressType = "IPv4" | "IPv6";

/** An endpoint as an EndpointSlice has it, with whatever more is to be said of it. */
export interface SliceEndpoint {
  readonly addresses: readonly [string];
}

/** `gateway`: as it is in the cluster. */
export function wantedService(
  gateway: KubernetesObject,
  needs: GatewayNeeds,
  bindPorts: BindPorts,
  shape: ServiceShape,
): KubernetesObject {
  const { namespace = "", name } = gateway.metadata;
  const { annotations } = needs.infrastructure;
  return marked({
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: serviceName(name),
      namespace,
      labels: labelsOf(name, needs),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ownerReferences: [owner(gateway)],
    },
    spec: {
      ...specOf(needs, shape),
      ports: [...bindPorts].map(([port, targetPort]) => {
        return { name: portName(port), port, protocol: "TCP", targetPort };
      }),
    },
  });
}

/** `service`: as it is in the cluster; when it goes, so do its slices. */
export function wantedSlice(
  service: KubernetesObject,
  needs: GatewayNeeds,
  bindPorts: BindPorts,
  addressType: AddressType,
  endpoints: readonly SliceEndpoint[],
): KubernetesObject {
  const { namespace = "", name } = service.metadata;
  return marked({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: sliceName(name, addressType),
      namespace,
      labels: {
        ...labelsOf(needs.gateway.name, needs),
        [SERVICE_NAME_LABEL]: name,
        [SLICE_MANAGED_BY_LABEL]: "limpet.dev",
      },
      ownerReferences: [owner(service)],
    },
    addressType,
    endpoints,
    ports: [...bindPorts].map(([port, bindPort]) => ({
      name: portName(port),
      port: bindPort,
      protocol: "TCP",
    })),
  });
}

export function sliceName(service: string, addressType: AddressType): string {
  return `${service}-${addressType.toLowerCase()}`;
}

export function addressTypeOf(address: string): AddressType {
  return address.includes(":") ? "IPv6" : "IPv4";
}

/** What users ask for goes first, but what is ours is known by its labels. */
function labelsOf(gateway: string, { infrastructure }: GatewayNeeds): Readonly<Record<string, string>> {
  return {
    ...infrastructure.labels,
    [GATEWAY_NAME_LABEL]: labelValue(gateway),
    [MANAGED_BY_LABEL]: MANAGED_BY,
  };
}

function specOf(needs: GatewayNeeds, shape: ServiceShape): Readonly<Record<string, unknown>> {
  if (shape.kind === "named") return { type: "ClusterIP", clusterIP: "None" };
  const { type, externalTrafficPolicy, loadBalancerClass } = shape.parameters;
  const dualStack = { type, ipFamilyPolicy: "PreferDualStack" };
  if (type === "ClusterIP") return dualStack;
  const loadBalancerIP = requestedAddress(needs);
  return {
    ...dualStack,
    externalTrafficPolicy,
    ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
    ...(loadBalancerIP === undefined ? {} : { loadBalancerIP }),
  };
}

function owner({ apiVersion, kind, metadata }: KubernetesObject): object {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true };
}
