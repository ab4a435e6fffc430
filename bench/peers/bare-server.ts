// Not proxies: servers on `node:net` and `node:tls` that accept, answer and close, the least that Node.js can do.
import { join } from "node:path";
import type { Peer } from "../peer.ts";

const PROGRAM = join(import.meta.dirname, "bare-server-program.ts");

export const bareServer: Peer = {
  name: "node:net",
  note: "node:net is no proxy but a bare server that accepts and answers.",
  bareServer: "tcp",
  locate: () => ({ command: process.execPath, version: process.versions.node }),
  write() {},
  args: ({ port }) => [PROGRAM, String(port)],
};

export const bareTlsServer: Peer = {
  name: "node:tls",
  note: "node:tls is the same with TLS.",
  bareServer: "tls",
  locate: bareServer.locate,
  write() {},
  args: ({ port, tls }) => [PROGRAM, String(port), tls?.certificate ?? "", tls?.privateKey ?? ""],
};
