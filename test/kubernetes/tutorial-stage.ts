// A cluster on which a person plays tutorials: kubectl, curl and a shell, real backends with logs, and Limpet in front of them.
import { resolve } from "node:path";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { crdsFor, type Tutorial } from "../cluster/tutorials.ts";
import { until } from "../cluster/until.ts";
import { deployLimpet } from "./limpet-deployment.ts";

const EXAMPLES = resolve(import.meta.dirname, "../../examples");
const POOL = "10.98.0.0/24";
/** More than what kubectl waits for in it. */
const SCRIPT_WITHIN_SEC = 180;

export interface TutorialStageOptions {
  /** Of one release of Gateway API; or what another one asks of the cluster. */
  readonly tutorials: readonly Tutorial[];
  readonly gatewayApi: string;
  /** Those that the tutorials' Gateways name. */
  readonly classes: readonly string[];
}

export class TutorialStage {
  readonly #cluster: Cluster;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  static async open({ tutorials, gatewayApi, classes }: TutorialStageOptions): Promise<TutorialStage> {
    const vendors = [...new Set(tutorials.flatMap((tutorial) => crdsFor(tutorial).vendors))];
    const cluster = await startCluster({ gatewayApi, channel: "experimental", vendors });
    try {
      await deployLimpet(cluster, { classes, addressPool: POOL });
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return new TutorialStage(cluster);
  }

  close(): Promise<void> {
    return this.#cluster.stop();
  }

  /** Answers what is printed, without the space around it; cookie jars lie in a folder of the cluster's. */
  async shell(script: string): Promise<string> {
    const { folder } = this.#cluster;
    const { code, stdout, stderr } = await this.#cluster.run("timeout", [
      String(SCRIPT_WITHIN_SEC),
      "bash",
      "-uc",
      `cd ${folder}\n${script}`,
    ]);
    if (code !== 0) throw new Error(`${script}: ${code}: ${stderr}${stdout}`);
    return stdout.trim();
  }

  /** Runs the script until what it prints is as expected, and answers that. */
  eventually(script: string, holds: (printed: string) => boolean): Promise<string> {
    return until(async () => {
      const printed = await this.shell(script);
      return holds(printed) ? printed : undefined;
    }, script);
  }

  /** Files of the tutorial, as `kubectl apply -f` takes them. */
  async apply(tutorial: Tutorial, ...files: readonly string[]): Promise<void> {
    const paths = files.flatMap((file) => ["-f", resolve(EXAMPLES, tutorial, file)]);
    await this.#cluster.kubectl(["apply", ...paths]);
  }

  async applyText(manifest: string): Promise<void> {
    await this.#cluster.kubectl(["apply", "-f", "-"], manifest);
  }

  /** Makes namespaces, and an application with its Service in the last of them. */
  async prepare(namespaces: readonly string[], application: string): Promise<void> {
    for (const namespace of namespaces) {
      if (namespace !== "default") await this.#cluster.kubectl(["create", "namespace", namespace]);
    }
    await this.applyText(application);
  }

  /** Resolves with the address of the Gateway. */
  async address(gateway: string, namespace: string): Promise<string> {
    const wait = [
      "wait",
      "--for=condition=Programmed",
      `gateway/${gateway}`,
      "-n",
      namespace,
      "--timeout=120s",
    ];
    await this.#cluster.kubectl(wait);
    return this.shell(
      `kubectl get gateway/${gateway} -n ${namespace} -o jsonpath='{.status.addresses[0].value}'`,
    );
  }

  /** Resolves when all conditions say yes to what the object is now. */
  async accepted(kind: string, name: string, namespace: string): Promise<void> {
    const get = ["get", kind, name, "-n", namespace, "-o", "json"];
    const isAccepted = async () => {
      const { metadata, status = {} } = JSON.parse(await this.#cluster.kubectl(get)) as Judged;
      const conditions = [...(status.parents ?? []), ...(status.ancestors ?? [])].flatMap(
        (one) => one.conditions,
      );
      const isNow = conditions.every(
        ({ status: yes, observedGeneration }) => yes === "True" && observedGeneration === metadata.generation,
      );
      return conditions.length > 0 && isNow;
    };
    await until(isAccepted, `${kind}/${name} to be accepted`);
  }

  /** For each pod with this label how many lines of its log have that text. */
  async logged(namespace: string, app: string, text: string): Promise<ReadonlyMap<string, number>> {
    const logs = await this.#cluster.kubectl([
      "logs",
      "-n",
      namespace,
      "-l",
      `app=${app}`,
      "--prefix",
      "--tail=-1",
      "--max-log-requests=20",
    ]);
    const counts = new Map<string, number>();
    for (const line of logs.split("\n").filter((one) => one.includes(text))) {
      const pod = /^\[pod\/([^/]+)/.exec(line)?.[1] ?? "";
      counts.set(pod, (counts.get(pod) ?? 0) + 1);
    }
    return counts;
  }
}

interface Judged {
  readonly metadata: { readonly generation: number };
  readonly status?: { readonly [part in "parents" | "ancestors"]?: readonly Verdict[] };
}

interface Verdict {
  readonly conditions: readonly { readonly status: string; readonly observedGeneration: number }[];
}

/** Which pods, by label, have which text in their logs. */
export interface Logs {
  readonly namespace: string;
  readonly app: string;
  readonly text: string;
}

/** Runs the script, which makes so many requests, and answers how many of them are in the log of each pod that has any. */
export async function served(
  stage: TutorialStage,
  { namespace, app, text }: Logs,
  requests: number,
  script: string,
): Promise<ReadonlyMap<string, number>> {
  const before = await stage.logged(namespace, app, text);
  await stage.shell(script);
  // Logs take a moment.
  return until(async () => {
    const after = await stage.logged(namespace, app, text);
    const more = [...after]
      .map(([pod, count]) => [pod, count - (before.get(pod) ?? 0)] as const)
      .filter(([, count]) => count > 0);
    const total = more.reduce((sum, [, count]) => sum + count, 0);
    return total >= requests && new Map(more);
  }, `${requests} requests in the logs of ${app}`);
}

/** Resolves with the pod whose log has all of so many requests, once both replicas have heard of what was applied. */
export async function homeOf(
  stage: TutorialStage,
  logs: Logs,
  script: string,
  requests = 10,
): Promise<string> {
  await until(
    async () => (await served(stage, logs, requests, script)).size === 1,
    `${requests} requests in the log of one pod`,
  );
  const [[home, count] = ["", 0], ...others] = await served(stage, logs, requests, script);
  if (count !== requests || others.length > 0)
    throw new Error(`${count} of ${requests} requests are in the log of ${home}`);
  return home;
}
