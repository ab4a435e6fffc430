// Reads the Secrets and ConfigMaps that a pod refers to; one that is not there yet is waited for, as a kubelet does.
import {
  ApiError,
  type KubernetesClient,
  type KubernetesObject,
} from "../../../src/kubernetes/api/client.ts";

interface DataObject extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

const RETRY_MS = 300;

export class PodObjects {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly #signal: AbortSignal;

  /** @param signal ends all waiting */
  constructor(client: KubernetesClient, namespace: string, signal: AbortSignal) {
    this.client = client;
    this.namespace = namespace;
    this.#signal = signal;
  }

  /** Whoever waits here waits no longer. */
  get ended(): boolean {
    return this.#signal.aborted;
  }

  /** By key. */
  async secret(name: string, optional = false): Promise<Map<string, Buffer>> {
    const { data = {} } = await this.#get("secrets", name, optional);
    return new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64")]));
  }

  /** By key. */
  async configMap(name: string, optional = false): Promise<Map<string, Buffer>> {
    const { data = {}, binaryData = {} } = await this.#get("configmaps", name, optional);
    return new Map([
      ...Object.entries(data).map(([key, value]) => [key, Buffer.from(value)] as const),
      ...Object.entries(binaryData).map(([key, value]) => [key, Buffer.from(value, "base64")] as const),
    ]);
  }

  /** Repeats what the API server cannot do now, or cannot find yet. */
  async persist<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        this.#signal.throwIfAborted();
        const status = error instanceof ApiError ? error.status : undefined;
        if (status === undefined || (status >= 400 && status < 500 && status !== 404 && status !== 429))
          throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      this.#signal.throwIfAborted();
    }
  }

  async #get(plural: string, name: string, optional: boolean): Promise<Partial<DataObject>> {
    const path = `/api/v1/namespaces/${this.namespace}/${plural}/${name}`;
    const ask = () => this.client.request<DataObject>("GET", path);
    if (!optional) return await this.persist(ask);
    return await this.persist(() =>
      ask().catch((error) => {
        if (error instanceof ApiError && error.status === 404) return {};
        throw error;
      }),
    );
  }
}
