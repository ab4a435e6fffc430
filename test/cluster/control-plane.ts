// The control plane: a real etcd, kube-apiserver and kube-controller-manager, each to be paused and killed by tests.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { makeAuthority } from "../support/certificates.ts";
import { TestClient } from "./api/client.ts";
import { Component } from "./component.ts";
import type { Programs } from "./install/programs.ts";

const API_PORT = 6443;
const ETCD_PORT = 2379;

/** What turns Deployments into Pods, Services into EndpointSlices, and cleans up behind them. */
const CONTROLLERS = [
  "daemonset-controller",
  "deployment-controller",
  "disruption-controller",
  "endpoints-controller",
  "endpointslice-controller",
  "endpointslice-mirroring-controller",
  "garbage-collector-controller",
  "job-controller",
  "namespace-controller",
  "replicaset-controller",
  "root-ca-certificate-publisher-controller",
  "serviceaccount-controller",
  "serviceaccount-token-controller",
  "statefulset-controller",
];

export interface ControlPlaneOptions {
  readonly programs: Programs;
  readonly folder: string;
  /** Of the node: everything listens there. */
  readonly address: string;
  /** For ClusterIPs. */
  readonly serviceCidr: string;
}

/** PEM both. */
export interface ServerCertificate {
  readonly chain: string;
  readonly privateKey: string;
}

export class ControlPlane {
  readonly etcd: Component;
  readonly apiServer: Component;
  readonly controllerManager: Component;
  readonly client: TestClient;
  /** File for `KUBECONFIG`, with all rights. */
  readonly kubeconfig: string;
  /** Of the API server and of the node; PEM. */
  readonly authority: string;
  readonly host: string;
  readonly port = API_PORT;
  /** For the node's log endpoint. */
  readonly nodeCertificate: ServerCertificate;

  constructor({ programs, folder, address, serviceCidr }: ControlPlaneOptions) {
    mkdirSync(folder, { recursive: true });
    const path = (name: string) => join(folder, name);
    const write = (name: string, text: string) => {
      writeFileSync(path(name), text, { mode: 0o600 });
      return path(name);
    };
    const authority = makeAuthority({ name: "test cluster" });
    const server = authority.issue({
      names: ["kubernetes", "kubernetes.default.svc"],
      ips: [address, "127.0.0.1"],
    });
    const accounts = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const accountKey = write(
      "accounts.key",
      accounts.privateKey.export({ type: "pkcs1", format: "pem" }) as string,
    );
    const token = randomBytes(16).toString("hex");
    const authorityFile = write("authority.pem", authority.certificate);

    this.host = address;
    this.authority = authority.certificate;
    this.nodeCertificate = authority.issue({ names: ["node"], ips: [address] });
    this.client = new TestClient({ host: address, port: API_PORT, authority: authority.certificate, token });
    this.kubeconfig = write("kubeconfig", kubeconfigText(address, authority.certificate, token));

    const client = `http://${address}:${ETCD_PORT}`;
    const peer = `http://${address}:${ETCD_PORT + 1}`;
    this.etcd = new Component({
      name: "etcd",
      program: programs.etcd,
      args: [
        `--data-dir=${path("etcd")}`,
        `--listen-client-urls=${client}`,
        `--advertise-client-urls=${client}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=default=${peer}`,
        // Nobody minds the loss of this cluster's data.
        "--unsafe-no-fsync",
      ],
      logFile: path("etcd.log"),
      isReady: async () => (await fetch(`${client}/health`).catch(() => undefined))?.ok === true,
    });
    this.apiServer = new Component({
      name: "kube-apiserver",
      program: programs.kubeApiserver,
      args: [
        `--etcd-servers=${client}`,
        `--bind-address=${address}`,
        `--advertise-address=${address}`,
        `--secure-port=${API_PORT}`,
        `--tls-cert-file=${write("server.pem", server.chain)}`,
        `--tls-private-key-file=${write("server.key", server.privateKey)}`,
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-key-file=${accountKey}`,
        `--service-account-signing-key-file=${accountKey}`,
        `--service-cluster-ip-range=${serviceCidr}`,
        `--token-auth-file=${write("tokens.csv", `${token},tester,tester,"system:masters"\n`)}`,
        "--authorization-mode=RBAC",
        `--kubelet-certificate-authority=${authorityFile}`,
        "--kubelet-preferred-address-types=InternalIP",
        "--allow-privileged=true",
      ],
      logFile: path("kube-apiserver.log"),
      isReady: () =>
        this.client.request("GET", "/readyz", { timeoutMs: 2_000 }).then(
          () => true,
          () => false,
        ),
    });
    this.controllerManager = new Component({
      name: "kube-controller-manager",
      program: programs.kubeControllerManager,
      args: [
        `--kubeconfig=${this.kubeconfig}`,
        `--controllers=${CONTROLLERS.join(",")}`,
        `--root-ca-file=${authorityFile}`,
        `--service-account-private-key-file=${accountKey}`,
        "--leader-elect=false",
        "--secure-port=0",
        // Tests are quicker than clusters.
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--concurrent-namespace-syncs=20",
      ],
      logFile: path("kube-controller-manager.log"),
      // It has nothing to ask; what it does is awaited where it matters.
      isReady: async () => true,
    });
  }

  async start(): Promise<void> {
    await this.etcd.start();
    await this.apiServer.start();
    await this.controllerManager.start();
  }

  /** Nothing of it is needed any more, so nothing has to end well. */
  async kill(): Promise<void> {
    this.client.close();
    await Promise.all(
      [this.controllerManager, this.apiServer, this.etcd].map((component) => component.kill()),
    );
  }
}

function kubeconfigText(address: string, authority: string, token: string): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "tester", namespace: "default" } }],
    clusters: [
      {
        name: "test",
        cluster: {
          server: `https://${address}:${API_PORT}`,
          "certificate-authority-data": Buffer.from(authority).toString("base64"),
        },
      },
    ],
    users: [{ name: "tester", user: { token } }],
  });
}
