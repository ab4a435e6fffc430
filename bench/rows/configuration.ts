// Rows of large configurations: how long a start and a reload take, and whether a reload loses requests.
import { ConstantLoad } from "../load/constant-rate.ts";
import type { Row, RowRun } from "../row.ts";

const REQUESTS_PER_SEC = 500;
const CONNECTIONS = 16;
/** Before the reload and after it, so that late losses are seen too. */
const AROUND_MS = 1_000;

function hostnames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `tenant-${index}.shop.example`);
}

async function measureStart({ start }: RowRun, routes: number) {
  const running = await start({ hostnames: hostnames(routes) });
  return { startMs: running.startMs, residentMb: running.usage.residentBytes / 1e6 };
}

/** One route more, under requests to a route that stays. */
async function measureReload({ start }: RowRun, routes: number) {
  const running = await start({ hostnames: hostnames(routes) });
  const load = new ConstantLoad({
    port: running.setup.port,
    requestsPerSec: REQUESTS_PER_SEC,
    connections: CONNECTIONS,
    hostname: hostnames(1)[0] as string,
    seconds: 0,
  });
  await pause(AROUND_MS);
  const reloadMs = await running.reload({ ...running.setup, hostnames: hostnames(routes + 1) });
  await pause(AROUND_MS);
  const { lost, refused, p99, max } = await load.end();
  return { reloadMs, lost: lost + refused, p99Ms: p99, maxMs: max };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export const startUps: readonly Row[] = [2_000, 10_000].map((routes) => ({
  name: `start-${routes}`,
  title: `start with ${routes.toLocaleString("en-US")} routes: ms, resident MB`,
  origin: "plain",
  cell: [
    ["startMs", 0],
    ["residentMb", 0],
  ],
  measure: (run) => measureStart(run, routes),
}));

export const reloads: readonly Row[] = [2_000, 10_000].map((routes) => ({
  name: `reload-${routes}`,
  title: `reload with ${routes.toLocaleString("en-US")} routes: ms, requests lost`,
  origin: "plain",
  cell: [
    ["reloadMs", 0],
    ["lost", 0],
  ],
  measure: (run) => measureReload(run, routes),
}));
