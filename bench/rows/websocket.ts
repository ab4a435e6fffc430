// The row of WebSocket messages: what the tunnel costs after the upgrade.
import { join } from "node:path";
import { LOAD_CORE, run } from "../children.ts";
import type { Row } from "../row.ts";

const CONNECTIONS = 64;
const WARM_UP_SECONDS = 2;
const PROGRAM = join(import.meta.dirname, "../load/websocket.ts");

async function load(port: number, seconds: number): Promise<{ echoed: number; errors: number }> {
  const args = [PROGRAM, port, CONNECTIONS, seconds].map(String);
  const output = await run(LOAD_CORE, process.execPath, args, seconds * 1000 + 15_000);
  return JSON.parse(output) as { echoed: number; errors: number };
}

export const webSocket: Row = {
  name: "websocket",
  title: "WebSocket: CPU us per message of 100 bytes and its echo",
  origin: "websocket",
  cell: [["cpuUs", 1]],
  async measure({ start, seconds }) {
    const running = await start();
    const { port } = running.setup;
    await load(port, WARM_UP_SECONDS);
    const before = running.usage;
    const { echoed, errors } = await load(port, seconds);
    const after = running.usage;
    return {
      cpuUs: ((after.cpuMs - before.cpuMs) * 1000) / echoed,
      requestsPerSec: echoed / seconds,
      residentMb: after.residentBytes / 1e6,
      errors,
    };
  },
};
