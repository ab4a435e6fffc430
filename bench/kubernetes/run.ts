// Program: `npm run bench:kubernetes`, Limpet in a cluster with thousands of routes; `--help` tells its flags.
import { availableParallelism, cpus, loadavg, release } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { isInside, obstacle, runInside } from "../../test/cluster/inside.ts";
import { record } from "../record.ts";
import { startOrigins } from "./origins.ts";
import { type Figures, format, type Scene } from "./scene.ts";
import { attachedRoutes, attachedRoutesAlone } from "./scenes/attached-routes.ts";
import { cycles } from "./scenes/cycles.ts";
import { endpointChanges } from "./scenes/endpoint-changes.ts";
import { newRoutes } from "./scenes/new-routes.ts";
import { routeChanges } from "./scenes/route-changes.ts";
import { start } from "./scenes/start.ts";
import { Stage } from "./stage.ts";
import type { WorldSize } from "./world.ts";

/** In this order: `start` leaves Limpet running for those behind it. */
const SCENES: readonly Scene[] = [
  attachedRoutesAlone,
  start,
  endpointChanges,
  newRoutes,
  routeChanges,
  attachedRoutes,
  cycles,
];

const HELP = `npm run bench:kubernetes -- [--scenes A,B] [--gateways N,M] [--routes N] [--services N] [--endpoints N] [--record]

  --scenes     ${SCENES.map(({ name }) => name).join(", ")}; start always runs
  --gateways   a column for each number of Gateways that share the routes (1,50)
  --routes     HTTPRoutes with two rules each (5000)
  --services   Services that they lead to (2000)
  --endpoints  of each Service (10)
  --program    Limpet (dist/cli/bin.js)
  --node       arguments for Node.js under Limpet, such as --node=--cpu-prof
  --record     writes the table into docs/scale.md
`;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function measure(
  scenes: readonly Scene[],
  size: WorldSize,
  program: readonly string[],
): Promise<Figures> {
  const stage = await Stage.start({ size, program, say });
  const figures = new Map<string, string>();
  const loads: number[] = [];
  const play = async (scene: Scene) => {
    const load = loadavg()[0] as number;
    loads.push(load);
    say(`${scene.name}: load of the machine ${format(load, 1)}`);
    for (const [title, value] of await scene.run(stage)) {
      say(`  ${title}: ${value}`);
      figures.set(title, value);
    }
  };
  try {
    for (const scene of scenes) if (scene.isEmpty === true) await play(scene);
    await stage.fill();
    for (const scene of scenes) if (scene.isEmpty !== true) await play(scene);
  } finally {
    await stage.stop();
  }
  const range = [Math.min(...loads), Math.max(...loads)].map((load) => format(load, 1));
  return figures.set("load average of the machine before the scenes", range.join(" to "));
}

function tableOf(columns: ReadonlyMap<string, Figures>, size: WorldSize): string {
  const titles = new Set([...columns.values()].flatMap((figures) => [...figures.keys()]));
  const rows = [...titles].map((title) => [
    title,
    ...Array.from(columns.values(), (one) => one.get(title) ?? ""),
  ]);
  const lines = [["", ...columns.keys()], ["---", ...Array.from(columns, () => "---:")], ...rows].map(
    (cells) => `| ${cells.join(" | ")} |`,
  );
  const kernel = release().split(".").slice(0, 2).join(".");
  const { routes, services, endpoints } = size;
  return [
    ...lines,
    "",
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus()[0]?.model ?? "unknown processor"}, ${availableParallelism()} cores for Limpet, API server, etcd, controller manager and load together, Linux ${kernel}, Node.js ${process.versions.node}; ${format(routes)} HTTPRoutes with two rules, ${format(services)} Services with ${format(endpoints)} endpoints each.`,
  ].join("\n");
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      scenes: { type: "string", default: SCENES.map(({ name }) => name).join(",") },
      gateways: { type: "string", default: "1,50" },
      routes: { type: "string", default: "5000" },
      services: { type: "string", default: "2000" },
      endpoints: { type: "string", default: "10" },
      program: { type: "string", default: "dist/cli/bin.js" },
      node: { type: "string", multiple: true, default: [] },
      record: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const names = new Set(["start", ...values.scenes.split(",")]);
  const scenes = SCENES.filter(({ name }) => names.has(name));
  const size = {
    routes: Number(values.routes),
    services: Number(values.services),
    endpoints: Number(values.endpoints),
  };
  await startOrigins();
  const columns = new Map<string, Figures>();
  for (const gateways of values.gateways.split(",").map(Number)) {
    const title = gateways === 1 ? "1 Gateway" : `${gateways} Gateways`;
    columns.set(
      title,
      await measure(scenes, { ...size, gateways }, [...values.node, resolve(values.program)]),
    );
  }
  const table = tableOf(columns, { ...size, gateways: 0 });
  process.stdout.write(`${table}\n`);
  if (values.record)
    say(`written: ${record(table, "npm run bench:kubernetes", ["docs/scale.md"]).join(", ")}`);
}

if (isInside() || process.argv.includes("--help")) {
  await main();
  // A watch that was cut off holds its socket for a while.
  process.exit();
}
const reason = obstacle();
if (reason === undefined) process.exitCode = await runInside(process.execPath, process.argv.slice(1));
else {
  say(`no test cluster here: ${reason}`);
  process.exitCode = 1;
}
