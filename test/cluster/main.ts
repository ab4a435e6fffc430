// `npm run cluster`: a Kubernetes cluster to play with, until ^C.
import { dirname } from "node:path";
import { Command, Option } from "commander";
import { startCluster } from "./cluster.ts";
import { holder, isInside, obstacle, runInside } from "./inside.ts";
import type { Channel } from "./install/gateway-crds.ts";
import { VENDORS, type Vendor } from "./install/vendor-crds.ts";
import { ip } from "./network/ip.ts";
import { announceRunning } from "./running.ts";
import { LIMPET_CRD } from "./tutorials.ts";

interface Options {
  readonly gatewayApi: string;
  readonly channel: Channel;
  readonly vendors: readonly Vendor[];
}

const POOL = "10.98.0.0/24";

const tell = (line: string) => process.stderr.write(`${line}\n`);

await new Command("npm run cluster --")
  .description(
    "Brings up a Kubernetes cluster whose pods are processes, and keeps it until ^C. Needs root and Go.",
  )
  .option("--gateway-api <version>", "version of Gateway API's CRDs", "1.7.0")
  .addOption(
    new Option("--channel <channel>", "which of them")
      .choices(["standard", "experimental"])
      .default("experimental"),
  )
  .addOption(
    new Option("--vendors <vendor...>", "whose CRDs are installed too")
      .choices(VENDORS)
      .default([...VENDORS]),
  )
  .action(async (options: Options) => {
    const reason = isInside() ? undefined : obstacle();
    if (reason !== undefined) {
      tell(`no test cluster here: ${reason}`);
      process.exitCode = 1;
    } else if (isInside()) await keepCluster(options);
    else process.exitCode = await runInside(process.execPath, process.argv.slice(1));
  })
  .parseAsync();

async function keepCluster({ gatewayApi, channel, vendors }: Options): Promise<void> {
  const asked = new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
  // For a gateway that is started in here, beside the pods.
  await ip([`route add local ${POOL} dev lo`]);
  const cluster = await startCluster({
    gatewayApi,
    channel,
    vendors,
    crds: [LIMPET_CRD],
    serviceAddresses: true,
    progress: tell,
  });
  const programs = dirname(cluster.programs.kubectl);
  const takeBack = announceRunning({ holder: holder(), kubeconfig: cluster.kubeconfig, programs });
  tell(`
The cluster is ready: Gateway API ${gatewayApi} (${channel}), CRDs of ${vendors.join(", ")}.
Its network is its own; enter it from another terminal, with KUBECONFIG and kubectl at hand:

  npm run -s cluster:enter                                    a shell
  npm run -s cluster:enter -- kubectl get pods -A             one command
  npm run -s cluster:enter -- node src/cli/bin.ts run --kubernetes --address-pool ${POOL}

Images that programs stand for: httpbin, go-httpbin, echo-basic, limpet, curl, busybox.
^C ends it.`);
  // A pending promise alone keeps no process alive.
  const alive = setInterval(() => {}, 60_000);
  await asked;
  clearInterval(alive);
  tell("stopping");
  takeBack();
  await cluster.stop();
}
