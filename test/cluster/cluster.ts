// A whole Kubernetes cluster for tests, in the namespaces that `inside.ts` made: control plane, nodes, pods as processes.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { KubernetesClient } from "../../src/kubernetes/api/client.ts";
import type { Component } from "./component.ts";
import { ControlPlane } from "./control-plane.ts";
import { privateFiles } from "./inside.ts";
import { type Channel, gatewayCrds } from "./install/gateway-crds.ts";
import { installPrograms, type Programs } from "./install/programs.ts";
import { type Vendor, vendorCrds } from "./install/vendor-crds.ts";
import { PodNetwork } from "./network/pod-network.ts";
import { ServiceProxy } from "./network/service-proxy.ts";
import { type OutsideProcess, OutsideProcesses, type StartedProcess } from "./outside-processes.ts";
import { type ImageRule, imageRules } from "./pods/images.ts";
import { Nodes } from "./pods/nodes.ts";
import { until } from "./until.ts";

export interface ClusterOptions {
  /** Version of Gateway API's CRDs, such as `1.7.0`; default: none. */
  readonly gatewayApi?: string;
  /** Default: standard. */
  readonly channel?: Channel;
  /** Whose CRDs are installed too. */
  readonly vendors?: readonly Vendor[];
  /** Files or folders of more CRDs. */
  readonly crds?: readonly string[];
  /** Programs for images, before those that are known anyway. */
  readonly images?: readonly ImageRule[];
  /** A node for each; default: `a`. */
  readonly zones?: readonly string[];
  /** The addresses of Services lead to their endpoints, and those of type LoadBalancer get one; default: false. */
  readonly serviceAddresses?: boolean;
  /** Default: none is written. */
  readonly progress?: (line: string) => void;
}

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Cluster {
  /** File for KUBECONFIG, with all rights. */
  readonly kubeconfig: string;
  /** Environment in which kubectl, Limpet and others find the cluster. */
  readonly env: NodeJS.ProcessEnv;
  readonly client: KubernetesClient;
  readonly controlPlane: {
    readonly etcd: Component;
    readonly apiServer: Component;
    readonly controllerManager: Component;
  };
  readonly network: PodNetwork;
  readonly programs: Programs;
  /** Folder for files, which ends with the namespaces. */
  readonly folder: string;
  /** Answers stdout; rejects with stderr. */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** Ends when the program does; whatever its exit code is. */
  run(
    program: string,
    args: readonly string[],
    options?: { stdin?: string; env?: NodeJS.ProcessEnv },
  ): Promise<Output>;
  /** A process with an address of its own, as if on a machine beside the cluster; it ends with the cluster. */
  start(process: OutsideProcess): Promise<StartedProcess>;
  stop(): Promise<void>;
}

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { progress = () => {}, zones = ["a"], images = [], serviceAddresses = false } = options;
  const programs = await installPrograms(progress);
  const folder = mkdtempSync(join(privateFiles(), "cluster-"));
  const network = await PodNetwork.create();
  const address = network.nodeAddress;
  const serviceCidr = `10.96.${network.slice * 16}.0/20`;
  const controlPlane = new ControlPlane({
    programs,
    folder: join(folder, "control-plane"),
    address,
    serviceCidr,
  });
  const { client, kubeconfig } = controlPlane;
  const env = {
    ...process.env,
    KUBECONFIG: kubeconfig,
    PATH: [dirname(programs.kubectl), process.env.PATH].join(delimiter),
  };
  const nodes = new Nodes({
    client,
    network,
    images: [...images, ...imageRules(programs)],
    folder: join(folder, "pods"),
    certificate: controlPlane.nodeCertificate,
    zones,
    env: containerEnv(controlPlane),
  });
  const services = serviceAddresses
    ? new ServiceProxy({ client, serviceCidr, balancerPrefix: `10.97.${network.slice}` })
    : undefined;
  const outside = new OutsideProcesses(network, env);
  const run: Cluster["run"] = (program, args, more) =>
    runProgram(program, args, { ...more, env: { ...env, ...more?.env } });
  const kubectl: Cluster["kubectl"] = async (args, stdin) => {
    const { code, stdout, stderr } = await run(programs.kubectl, args, stdin === undefined ? {} : { stdin });
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr.trim()}`);
    return stdout;
  };
  const stop = async () => {
    await outside.stop();
    await services?.stop();
    await nodes.stop();
    await controlPlane.kill();
    await network.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    progress("starting the control plane");
    await controlPlane.start();
    await nodes.start();
    await services?.start();
    await installCrds(options, kubectl, progress);
    await until(
      () =>
        client.request("GET", "/api/v1/namespaces/default/serviceaccounts/default").then(
          () => true,
          () => false,
        ),
      "the controller manager's first work",
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    kubeconfig,
    env,
    client,
    controlPlane,
    network,
    programs,
    folder,
    kubectl,
    run,
    start: (what) => outside.start(what),
    stop,
  };
}

/** No more than a container has: what a process can read of its machine is there, but nothing points to it. */
function containerEnv({ host, port }: ControlPlane): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "",
    HOME: "/",
    // Where a Service's address would be: ClusterIPs lead nowhere without a kube-proxy.
    KUBERNETES_SERVICE_HOST: host,
    KUBERNETES_SERVICE_PORT: String(port),
    KUBERNETES_SERVICE_PORT_HTTPS: String(port),
  };
}

async function installCrds(
  { gatewayApi, channel = "standard", vendors = [], crds = [] }: ClusterOptions,
  kubectl: Cluster["kubectl"],
  progress: (line: string) => void,
): Promise<void> {
  const folders = [
    ...(gatewayApi === undefined ? [] : [await gatewayCrds(gatewayApi, channel)]),
    ...(await Promise.all(vendors.map(vendorCrds))),
    ...crds,
  ];
  if (folders.length === 0) return;
  progress(`installing CRDs${gatewayApi === undefined ? "" : ` of Gateway API ${gatewayApi}, ${channel}`}`);
  await kubectl(["apply", "--server-side", ...folders.flatMap((path) => ["-f", path])]);
  await kubectl(["wait", "--for=condition=Established", "--timeout=120s", "crd", "--all"]);
}

function runProgram(
  program: string,
  args: readonly string[],
  { stdin = "", env }: { stdin?: string; env: NodeJS.ProcessEnv },
): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (text: string) => {
        output[name] += text;
      });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, ...output }));
    // It may end without having read.
    child.stdin.on("error", () => {});
    child.stdin.end(stdin);
  });
}
