// Not a proxy: a `node:net` server that accepts, answers and closes, the least that Node.js can do for a connection.
import { join } from "node:path";
import type { Peer } from "../peer.ts";

export const bareServer: Peer = {
  name: "node:net",
  note: "node:net is no proxy but a bare server that accepts, answers and closes.",
  locate: () => ({ command: process.execPath, version: process.versions.node }),
  write() {},
  args: (setup) => [join(import.meta.dirname, "bare-server-program.ts"), String(setup.port)],
};
