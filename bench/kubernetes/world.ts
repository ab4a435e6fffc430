// The objects of a large cluster: Gateways, routes over many namespaces, Services with slices of endpoints.
import type { KubernetesObject } from "../../src/kubernetes/api/client.ts";

export interface WorldSize {
  readonly gateways: number;
  readonly routes: number;
  readonly services: number;
  /** Of each Service; those that requests go to have one. */
  readonly endpoints: number;
}

/** Namespaces as of teams, which the objects are spread over. */
const NAMESPACES = 50;
/** Services whose only endpoint answers, so that requests tell where they lead. */
export const LIVE_SERVICES = 100;

export const GATEWAY_CLASS = object("gateway.networking.k8s.io/v1", "GatewayClass", "", "limpet", {
  spec: { controllerName: "limpet.dev/gateway" },
});

export class World {
  readonly size: WorldSize;
  readonly namespaces: readonly KubernetesObject[];
  readonly gateways: readonly KubernetesObject[];
  readonly services: readonly KubernetesObject[];
  readonly slices: readonly KubernetesObject[];
  readonly routes: readonly KubernetesObject[];

  /** @param origin address and port of the endpoint of live Services */
  constructor(size: WorldSize, origin: string) {
    this.size = size;
    this.namespaces = numbers(NAMESPACES).map((index) => object("v1", "Namespace", "", namespaceOf(index)));
    this.gateways = numbers(size.gateways).map((index) => gatewayObject(`edge-${index}`));
    this.services = numbers(size.services).map((index) =>
      object("v1", "Service", namespaceOf(index), serviceName(index), { spec: { ports: [{ port: 80 }] } }),
    );
    this.slices = numbers(size.services).map((index) =>
      object("discovery.k8s.io/v1", "EndpointSlice", namespaceOf(index), serviceName(index), {
        metadata: { labels: { "kubernetes.io/service-name": serviceName(index) } },
        addressType: "IPv4",
        ...(index < LIVE_SERVICES ? endpointsAt(origin) : silentEndpoints(index, size.endpoints)),
      }),
    );
    this.routes = numbers(size.routes).map((index) => this.route(`route-${index}`, index));
  }

  /** A route with two rules to one Service, which is live for a low `index`. */
  route(name: string, index: number, gateway = `edge-${index % this.size.gateways}`): KubernetesObject {
    const service = index % this.size.services;
    const backendRefs = [{ name: serviceName(service), port: 80 }];
    return object("gateway.networking.k8s.io/v1", "HTTPRoute", namespaceOf(service), name, {
      spec: {
        parentRefs: [{ name: gateway, namespace: "default" }],
        hostnames: [hostnameOf(name)],
        rules: [
          { matches: [{ path: { type: "PathPrefix", value: "/" } }], backendRefs },
          { matches: [{ path: { type: "PathPrefix", value: "/api" } }], backendRefs },
        ],
      },
    });
  }
}

/** All namespaces may attach routes to it. */
export function gatewayObject(name: string): KubernetesObject {
  return object("gateway.networking.k8s.io/v1", "Gateway", "default", name, {
    spec: {
      gatewayClassName: "limpet",
      listeners: [
        { name: "http", port: 80, protocol: "HTTP", allowedRoutes: { namespaces: { from: "All" } } },
      ],
    },
  });
}

/** @param origin `address:port`, of an EndpointSlice's only endpoint */
export function endpointsAt(origin: string): { readonly ports: unknown; readonly endpoints: unknown } {
  const [address, port] = origin.split(":");
  return {
    ports: [{ port: Number(port) }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  };
}

export function hostnameOf(route: string): string {
  return `${route}.example.com`;
}

export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Addresses that nobody has: nothing is ever sent there. */
function silentEndpoints(service: number, count: number) {
  return {
    ports: [{ port: 8080 }],
    endpoints: numbers(count).map((index) => {
      const host = service * count + index;
      return {
        addresses: [`10.${200 + (host >> 16)}.${(host >> 8) & 0xff}.${host & 0xff}`],
        conditions: { ready: true },
      };
    }),
  };
}

function namespaceOf(index: number): string {
  return `team-${index % NAMESPACES}`;
}

function serviceName(index: number): string {
  return `backend-${index}`;
}

interface Rest {
  readonly metadata?: object;
  readonly [field: string]: unknown;
}

function object(
  apiVersion: string,
  kind: string,
  namespace: string,
  name: string,
  { metadata, ...fields }: Rest = {},
): KubernetesObject {
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace === "" ? {} : { namespace }), ...metadata },
    ...fields,
  };
}
