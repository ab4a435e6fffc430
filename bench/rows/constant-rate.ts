// The row of a constant rate: CPU and latency where a proxy is half asleep, as it mostly is.
import { ConstantLoad } from "../load/constant-rate.ts";
import type { Row } from "../row.ts";

const REQUESTS_PER_SEC = 5_000;
const CONNECTIONS = 64;
const WARM_UP_SECONDS = 3;

export const constantRate: Row = {
  name: "rate",
  title: "constant 5,000 requests/s: CPU us per request, p50 ms, p99 ms",
  origin: "plain",
  cell: [
    ["cpuUs", 1],
    ["p50Ms", 2],
    ["p99Ms", 2],
  ],
  async measure({ start, seconds }) {
    const running = await start();
    const load = { port: running.setup.port, requestsPerSec: REQUESTS_PER_SEC, connections: CONNECTIONS };
    await new ConstantLoad({ ...load, seconds: WARM_UP_SECONDS }).finished();
    const before = running.usage;
    const result = await new ConstantLoad({ ...load, seconds }).finished();
    const after = running.usage;
    return {
      cpuUs: ((after.cpuMs - before.cpuMs) * 1000) / result.answered,
      requestsPerSec: result.sent / seconds,
      p50Ms: result.p50,
      p99Ms: result.p99,
      maxMs: result.max,
      residentMb: after.residentBytes / 1e6,
      errors: result.lost + result.refused,
    };
  },
};
