// An application that remembers its sessions, as a Deployment, and the book that knows of each of its pods how it is about.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { follow } from "../cluster/api/follow.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { ImageRule } from "../cluster/pods/images.ts";
import type { Pod } from "../cluster/pods/pod.ts";
import type { ReplicaPhase, SessionLedger } from "../rollout/session-ledger.ts";

export const REPLICA_PORT = 8080;

/** So long a pod that is deleted goes on serving. */
const PRE_STOP_SEC = 6;
/** By then both replicas of the gateway have heard that a pod is to go. */
const HEARD_WITHIN_MS = 4_000;

/** What a pod posts: before anybody can ask it, and before it stops to listen. */
export interface ReplicaNews {
  readonly replica: string;
  readonly phase: Extract<ReplicaPhase, "stays" | "leaves">;
}

export const SESSION_APPLICATION_IMAGE: ImageRule = {
  image: /^session-application$/,
  program: () => ({
    program: process.execPath,
    args: [resolve(import.meta.dirname, "session-replica.ts")],
    port: REPLICA_PORT,
  }),
};

export class SessionApplication {
  /** Pods that came, all in all. */
  came = 0;
  readonly #cluster: Cluster;
  readonly #ledger: SessionLedger;
  readonly #server: Server;
  readonly #left = new Set<string>();
  readonly #draining = new Set<string>();
  readonly #stop = new AbortController();
  #following: Promise<void> | undefined;

  constructor(cluster: Cluster, ledger: SessionLedger) {
    this.#cluster = cluster;
    this.#ledger = ledger;
    this.#server = createServer(async (request, response) => {
      const { replica, phase } = JSON.parse(await text(request)) as ReplicaNews;
      if (phase === "stays") this.came += 1;
      else this.#left.add(replica);
      ledger.enter(replica, phase);
      response.end();
    });
  }

  /** Resolves when all are ready. */
  async start(replicas: number): Promise<void> {
    const host = this.#cluster.network.nodeAddress;
    await new Promise<void>((done) => this.#server.listen(0, host, done));
    const { port } = this.#server.address() as AddressInfo;
    const path = "/api/v1/namespaces/default/pods";
    this.#following = follow<Pod>(this.#cluster.client, path, this.#stop.signal, {
      onObject: (pod) => this.#see(pod),
      onGone: () => {},
    });
    await this.#cluster.kubectl(["apply", "-f", "-"], manifests(replicas, `http://${host}:${port}/`));
    await this.rolledOut();
  }

  async rolledOut(): Promise<void> {
    await this.#cluster.kubectl(["rollout", "status", "deployment/carts", "--timeout=120s"]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#following;
    this.#server.close();
  }

  #see({ metadata: { name, labels, deletionTimestamp } }: Pod): void {
    if (labels?.["app"] !== "carts" || deletionTimestamp === undefined || this.#draining.has(name)) return;
    this.#draining.add(name);
    setTimeout(() => {
      if (!this.#left.has(name)) this.#ledger.enter(name, "drains");
    }, HEARD_WITHIN_MS);
  }
}

function manifests(replicas: number, register: string): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: carts}
spec:
  replicas: ${replicas}
  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  selector: {matchLabels: {app: carts}}
  template:
    metadata: {labels: {app: carts}}
    spec:
      terminationGracePeriodSeconds: 30
      containers:
        - name: carts
          image: session-application
          env:
            - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
            - {name: REGISTER, value: "${register}"}
          readinessProbe: {tcpSocket: {port: ${REPLICA_PORT}}, periodSeconds: 1}
          # Gateways hear in this time that no session should begin here any more.
          lifecycle: {preStop: {sleep: {seconds: ${PRE_STOP_SEC}}}}
---
apiVersion: v1
kind: Service
metadata: {name: carts}
spec: {ports: [{port: 80, targetPort: ${REPLICA_PORT}}], selector: {app: carts}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: carts}
spec:
  parentRefs: [{name: edge}]
  rules:
    - backendRefs: [{name: carts, port: 80}]
      sessionPersistence: {cookie: {name: home}}
`;
}
