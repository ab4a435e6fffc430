// Limpet as it runs in a cluster, with the rights of deploy/ alone: its start, what it counts, and what it costs.
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parse, stringify } from "yaml";
import type { Cluster } from "../../test/cluster/cluster.ts";
import type { StartedProcess } from "../../test/cluster/outside-processes.ts";
import { processTree, sumOf, type Usage, usageOfProcess } from "../usage.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const RBAC = join(ROOT, "deploy/base/rbac.yaml");
const NAMESPACE = "limpet-system";
export const ADDRESS_POOL = "10.98.0.0/24";
const ADMIN_PORT = 9900;

/** The kubeconfig of the ServiceAccount that deploy/ makes: the API server's fairness holds for it, as in earnest. */
export async function accountKubeconfig(cluster: Cluster): Promise<string> {
  await cluster.kubectl(["create", "namespace", NAMESPACE]);
  await cluster.kubectl(["apply", "-f", RBAC]);
  const token = await cluster.kubectl(["-n", NAMESPACE, "create", "token", "limpet", "--duration=12h"]);
  const config = parse(await cluster.kubectl(["config", "view", "--raw"])) as { users: { user: unknown }[] };
  for (const entry of config.users) entry.user = { token: token.trim() };
  const file = join(cluster.folder, "limpet.kubeconfig");
  writeFileSync(file, stringify(config), { mode: 0o600 });
  return file;
}

export class RunningLimpet {
  readonly startedMs: number;
  readonly #process: StartedProcess;
  readonly #problems: string[] = [];

  private constructor(process: StartedProcess, startedMs: number) {
    this.#process = process;
    this.startedMs = startedMs;
  }

  /** Resolves when it says that it is ready, `readyMs` after its start. */
  static async start(
    cluster: Cluster,
    kubeconfig: string,
    program: readonly string[],
  ): Promise<{ limpet: RunningLimpet; readyMs: number }> {
    const args = [
      ...program,
      ...["run", "--kubernetes", "--address-pool", ADDRESS_POOL, "--admin", `[::]:${ADMIN_PORT}`],
      ...["--workers", "1", "--access-log", "off", "--drain-timeout", "1s"],
    ];
    const env = { KUBECONFIG: kubeconfig, POD_NAMESPACE: NAMESPACE, POD_NAME: "limpet-0" };
    const started = await cluster.start({
      program: process.execPath,
      args,
      env,
      addressPools: [ADDRESS_POOL],
    });
    const limpet = new RunningLimpet(started, performance.now());
    await limpet.#ready();
    return { limpet, readyMs: performance.now() - limpet.startedMs };
  }

  /** All of one metric that have these labels, summed up. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const answer = await fetch(`http://${this.#process.address}:${ADMIN_PORT}/metrics`);
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    let sum = 0;
    for (const line of (await answer.text()).split("\n")) {
      if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue;
      if (wanted.every((text) => line.includes(text))) sum += Number(line.slice(line.lastIndexOf(" ")));
    }
    return sum;
  }

  /** Primary and worker. */
  usage(): { readonly primary: Usage; readonly worker: Usage; readonly cpuMs: number } {
    const [primary, ...workers] = processTree(this.#process.process.pid as number).map(usageOfProcess);
    const [own, worker] = [primary as Usage, sumOf(workers)];
    return { primary: own, worker, cpuMs: own.cpuMs + worker.cpuMs };
  }

  /** What it complained about since its start, one line each. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }

  #ready(): Promise<void> {
    const { stdout, stderr } = this.#process.process;
    stdout?.resume();
    return new Promise((ready, fail) => {
      this.#process.process.once("close", () =>
        fail(new Error(`Limpet has ended:\n${this.#problems.slice(-10).join("\n")}`)),
      );
      // A pipe, which somebody has to read to the end.
      createInterface({ input: stderr as NonNullable<typeof stderr> }).on("line", (line) => {
        if (line.startsWith("limpet ready")) ready();
        else if (!/"level":"(?:info|debug)"/.test(line)) this.#problems.push(line);
      });
    });
  }
}
