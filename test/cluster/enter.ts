// `npm run cluster:enter`: runs a program, or a shell, inside of the cluster that `npm run cluster` keeps.
import { spawn } from "node:child_process";
import { delimiter } from "node:path";
import { childrenOf } from "./inside.ts";
import { runningClusters } from "./running.ts";

const [program = process.env["SHELL"] ?? "bash", ...args] = process.argv.slice(2);
const clusters = runningClusters();
const cluster = clusters.at(-1);
if (cluster === undefined) {
  process.stderr.write("no cluster is running: start one with `npm run cluster`\n");
  process.exitCode = 1;
} else {
  if (clusters.length > 1)
    process.stderr.write(`of ${clusters.length} clusters, this is ${cluster.holder}\n`);
  // The holder's child made the namespaces, and that one's child is the first process in them.
  const [first] = childrenOf(cluster.holder).flatMap(childrenOf);
  const where = ["--target", String(first), "--net", "--mount", "--pid", `--wdns=${process.cwd()}`];
  const child = spawn("nsenter", [...where, program, ...args], {
    stdio: "inherit",
    env: {
      ...process.env,
      KUBECONFIG: cluster.kubeconfig,
      PATH: [cluster.programs, process.env["PATH"]].join(delimiter),
    },
  });
  // It is the program's, or the shell's.
  process.on("SIGINT", () => {});
  child.once("error", (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
  child.once("close", (code) => {
    process.exitCode = code ?? 1;
  });
}
