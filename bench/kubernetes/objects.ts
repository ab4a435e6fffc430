// Writes many objects of a cluster at a time, as bounded a burst as a deployment tool would make.
import type { KubernetesClient, KubernetesObject } from "../../src/kubernetes/api/client.ts";
import { type ApiResource, apiPath } from "../../src/kubernetes/watch/cluster-view.ts";

/** By kind; all that this benchmark writes. */
const RESOURCES: Readonly<Record<string, ApiResource>> = Object.fromEntries(
  (
    [
      ["", "v1", "Namespace", "namespaces", false],
      ["", "v1", "Service", "services", true],
      ["discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", true],
      ["gateway.networking.k8s.io", "v1", "GatewayClass", "gatewayclasses", false],
      ["gateway.networking.k8s.io", "v1", "Gateway", "gateways", true],
      ["gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes", true],
    ] as const
  ).map(([group, version, kind, plural, namespaced]) => [
    kind,
    { group, version, kind, plural, namespaced, hasStatus: false },
  ]),
);

const IN_FLIGHT = 16;

export class Objects {
  readonly #client: KubernetesClient;

  constructor(client: KubernetesClient) {
    this.#client = client;
  }

  /** One after the other where `inFlight` is 1. */
  create(objects: readonly KubernetesObject[], inFlight = IN_FLIGHT): Promise<void> {
    return forEach(objects, inFlight, (object) =>
      this.#client.request("POST", collectionOf(object), { body: object }),
    );
  }

  remove(objects: readonly KubernetesObject[]): Promise<void> {
    return forEach(objects, IN_FLIGHT, (object) => this.#client.request("DELETE", pathOf(object)));
  }

  /** Merge patches. */
  patch(
    changes: readonly { readonly object: KubernetesObject; readonly patch: unknown }[],
    inFlight = IN_FLIGHT,
  ): Promise<void> {
    return forEach(changes, inFlight, ({ object, patch }) =>
      this.#client.request("PATCH", pathOf(object), {
        body: patch,
        contentType: "application/merge-patch+json",
      }),
    );
  }

  read<T extends KubernetesObject>(object: KubernetesObject): Promise<T> {
    return this.#client.request("GET", pathOf(object));
  }

  async list(kind: string): Promise<readonly KubernetesObject[]> {
    const { items } = await this.#client.request<{ items: readonly KubernetesObject[] }>(
      "GET",
      apiPath(resourceOf(kind)),
    );
    return items;
  }
}

export function collectionOf({ kind, metadata }: KubernetesObject): string {
  return apiPath(resourceOf(kind), metadata.namespace);
}

function pathOf({ kind, metadata }: KubernetesObject): string {
  return apiPath(resourceOf(kind), metadata.namespace, metadata.name);
}

function resourceOf(kind: string): ApiResource {
  const resource = RESOURCES[kind];
  if (resource === undefined) throw new Error(`the benchmark writes no ${kind}`);
  return resource;
}

/** Ends with the first error. */
async function forEach<T>(
  all: readonly T[],
  inFlight: number,
  act: (one: T) => Promise<unknown>,
): Promise<void> {
  const rest = all.values();
  const turn = async () => {
    for (const one of rest) await act(one);
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, all.length) }, turn));
}
