// Holds Limpet to the official conformance suite, and to the cases of GEP-1619, on a cluster made for it: `node test/conformance/run.ts`.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { isInside, obstacle, runInside } from "../cluster/inside.ts";
import { gatewayCrds } from "../cluster/install/gateway-crds.ts";
import { installPrograms } from "../cluster/install/programs.ts";
import type { ImageRule } from "../cluster/pods/images.ts";
import { SUITE_VERSIONS, type SuiteVersion, suiteBinary } from "./build.ts";
import { startLimpet } from "./limpet.ts";
import { summaryLine } from "./results.ts";
import { playSuite, type SuitePlan, suitePlans } from "./suite.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** CORS, retries and session persistence are in this channel. */
const CHANNEL = "experimental";
const KEPT_RUNS = 10;

/** v1.6.3 has a name server among the base manifests, for UDPRoute: no test that runs here sends it anything. */
const IMAGES: readonly ImageRule[] = [
  { image: /\/coredns:/, program: () => ({ program: "sleep", args: ["infinity"] }) },
];

export interface RunOptions {
  readonly gatewayApi: SuiteVersion;
  /** Of Limpet. */
  readonly replicas: number;
  /** Of the suite's tests; none: all. */
  readonly runTest: readonly string[];
  readonly debug: boolean;
  readonly keep: boolean;
  readonly record: boolean;
}

const tell = (line: string) => process.stderr.write(`${line}\n`);

await new Command("npm run test:conformance --")
  .description(
    "Runs the official conformance suite and the cases of GEP-1619 against Limpet. Needs root and Go 1.26.",
  )
  .addOption(
    new Option("--gateway-api <version>", "version of the suite and of the CRDs")
      .choices(SUITE_VERSIONS)
      .default("1.7.0"),
  )
  .option("--replicas <number>", "how many Limpets serve the Gateways", Number, 2)
  .option("--run-test <name...>", "only these tests", [])
  .option("--debug", "the suite shows every request", false)
  .option("--keep", "afterwards the cluster stays until ^C, with everything that the suite made", false)
  .option("--record", "write the suite's report to docs/conformance", false)
  .action(async (options: RunOptions) => {
    const reason = isInside() ? undefined : obstacle();
    if (reason !== undefined) {
      tell(`no test cluster here: ${reason}`);
      process.exitCode = 1;
    } else if (isInside()) {
      process.exitCode = (await conforms(options)) ? 0 : 1;
    } else {
      // In there is no way out: what must be fetched is fetched before.
      await installPrograms(tell);
      await gatewayCrds(options.gatewayApi, CHANNEL);
      await suiteBinary(options.gatewayApi, tell);
      process.exitCode = await runInside(process.execPath, process.argv.slice(1));
    }
  })
  .parseAsync();

/** True if no test failed. */
async function conforms(options: RunOptions): Promise<boolean> {
  const { gatewayApi, replicas, keep } = options;
  const folder = freshFolder(join(ROOT, ".cache", "conformance"), gatewayApi);
  const report = options.record
    ? join(ROOT, "docs", "conformance", `v${gatewayApi}-report.yaml`)
    : join(folder, "report.yaml");
  tell(`logs: ${folder}`);
  const binary = await suiteBinary(gatewayApi, tell);
  const cluster = await startCluster({ gatewayApi, channel: CHANNEL, images: IMAGES, progress: tell });
  try {
    tell("starting Limpet");
    await startLimpet(cluster, replicas, folder);
    let passed = true;
    for (const plan of suitePlans({ ...options, report })) {
      passed = (await play(plan)) && passed;
    }
    if (!passed) writeFileSync(join(folder, "cluster.yaml"), await everything(cluster));
    if (keep) await untilInterrupted();
    return passed;
  } finally {
    await cluster.stop();
  }

  async function play(plan: SuitePlan): Promise<boolean> {
    tell(`\n${plan.title}`);
    const { results, exitCode } = await playSuite(plan, { binary, folder, env: cluster.env, tell });
    tell(`${plan.title}: ${summaryLine(results)}${exitCode === 0 ? "" : `, exit code ${exitCode}`}`);
    return exitCode === 0;
  }
}

/** What is there that a failure may come from. */
function everything(cluster: Cluster): Promise<string> {
  const kinds = "pods,services,endpointslices,gateway-api,events";
  return cluster.kubectl(["get", kinds, "--all-namespaces", "-o", "yaml"]);
}

/** For one run; of the earlier ones only the latest stay. */
function freshFolder(parent: string, name: string): string {
  mkdirSync(parent, { recursive: true });
  for (const old of readdirSync(parent).sort(byAge(parent)).slice(KEPT_RUNS))
    rmSync(join(parent, old), { recursive: true, force: true });
  return mkdtempSync(join(parent, `${name}-`));
}

function byAge(parent: string): (one: string, other: string) => number {
  const changedMs = (name: string) => statSync(join(parent, name)).mtimeMs;
  return (one, other) => changedMs(other) - changedMs(one);
}

async function untilInterrupted(): Promise<void> {
  tell("The cluster stays until ^C.");
  const alive = setInterval(() => {}, 60_000);
  await new Promise<void>((done) => {
    process.once("SIGINT", done);
    process.once("SIGTERM", done);
  });
  clearInterval(alive);
}
