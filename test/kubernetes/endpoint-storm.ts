// EndpointSlices of one Service that change many times a second, and what a gateway makes of them.
import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "../cluster/cluster.ts";
import type { Pod } from "../cluster/pods/pod.ts";
import type { ReplicaAnswer } from "../rollout/replica.ts";
import { REPLICA_PORT } from "./session-application.ts";

const SLICES = 20;
const SLICES_PATH = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
const ASKS = 10;
const ASK_EVERY_MS = 50;

const MANIFESTS = `
apiVersion: v1
kind: Service
metadata: {name: storm}
spec: {ports: [{port: 80, targetPort: ${REPLICA_PORT}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: storm}
spec:
  parentRefs: [{name: edge}]
  rules:
    - matches: [{path: {value: /storm}}]
      backendRefs: [{name: storm, port: 80}]
`;

interface LivingPod {
  readonly name: string;
  readonly address: string;
}

export interface Asking {
  /** What came of it. */
  stop(): Promise<{ readonly answers: number; readonly failures: readonly string[] }>;
}

export class EndpointStorm {
  readonly #cluster: Cluster;
  readonly #pods: readonly LivingPod[];

  private constructor(cluster: Cluster, pods: readonly LivingPod[]) {
    this.#cluster = cluster;
    this.#pods = pods;
  }

  /** Of endpoints that live all the time: pods with this label. */
  static async over(cluster: Cluster, labelSelector: string): Promise<EndpointStorm> {
    const path = "/api/v1/namespaces/default/pods";
    const { items } = await cluster.client.request<{ items: Pod[] }>("GET", path, {
      query: { labelSelector },
    });
    const pods = items.map(({ metadata, status }) => ({ name: metadata.name, address: status?.podIP ?? "" }));
    const storm = new EndpointStorm(cluster, pods);
    for (let index = 0; index < SLICES; index++) {
      await cluster.client.request("POST", SLICES_PATH, { body: slice(index, pods) });
    }
    await cluster.kubectl(["apply", "-f", "-"], MANIFESTS);
    return storm;
  }

  /** Evenly spread over that time; at its end the last pod is the only endpoint. Answers the seconds that it took. */
  async blow({ changes, withinMs }: { changes: number; withinMs: number }): Promise<number> {
    const fromMs = performance.now();
    const under: Promise<unknown>[] = [];
    for (let change = 0; change < changes; change++) {
      const dueMs = fromMs + (change * withinMs) / changes;
      if (dueMs > performance.now()) await delay(dueMs - performance.now());
      const index = change % SLICES;
      const isLast = change >= changes - SLICES;
      under[index] = this.#change(under[index], index, isLast ? this.#lastOf(index) : this.#someOf());
    }
    await Promise.all(under);
    return Math.round((performance.now() - fromMs) / 100) / 10;
  }

  /** Who answers, at each of these places: anybody, the one that is left at last, or nobody. */
  async answers(places: readonly string[]): Promise<"all" | "the last one" | "none"> {
    const names = new Set<string>();
    for (const place of places) {
      for (let count = 0; count < ASKS; count++) {
        const answer = await ask(`${place}/storm`).catch(() => undefined);
        if (answer === undefined) return "none";
        names.add(answer);
      }
    }
    return names.size === 1 && names.has(this.#last.name) ? "the last one" : "all";
  }

  /** At a steady pace, until it is stopped. */
  ask(place: string): Asking {
    const failures: string[] = [];
    let answers = 0;
    let stopped = false;
    const running = (async () => {
      while (!stopped) {
        await ask(`${place}/storm`).then(
          () => {
            answers += 1;
          },
          (error: Error) => failures.push(error.message),
        );
        await delay(ASK_EVERY_MS);
      }
    })();
    return {
      stop: async () => {
        stopped = true;
        await running;
        return { answers, failures };
      },
    };
  }

  get #last(): LivingPod {
    return this.#pods.at(-1) as LivingPod;
  }

  #lastOf(index: number): readonly LivingPod[] {
    return index === 0 ? [this.#last] : [];
  }

  /** At least one. */
  #someOf(): readonly LivingPod[] {
    const some = this.#pods.filter(() => Math.random() < 0.5);
    return some.length > 0 ? some : [this.#last];
  }

  /** One after the other for each slice, so that the last one is what stays. */
  async #change(
    before: Promise<unknown> | undefined,
    index: number,
    pods: readonly LivingPod[],
  ): Promise<void> {
    await before;
    const { endpoints } = slice(index, pods);
    await this.#cluster.client.request("PATCH", `${SLICES_PATH}/storm-${index}`, {
      body: { endpoints },
      contentType: "application/merge-patch+json",
    });
  }
}

function slice(index: number, pods: readonly LivingPod[]) {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `storm-${index}`, labels: { "kubernetes.io/service-name": "storm" } },
    addressType: "IPv4",
    ports: [{ name: "", port: REPLICA_PORT, protocol: "TCP" }],
    endpoints: pods.map(({ address }) => ({ addresses: [address], conditions: { ready: true } })),
  };
}

/** Name of the replica. */
async function ask(url: string): Promise<string> {
  const response = await fetch(url);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return (JSON.parse(text) as ReplicaAnswer).replica;
}
