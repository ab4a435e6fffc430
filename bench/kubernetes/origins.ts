// Two endpoints that answer with their own name, each at an address that every namespace of the cluster reaches.
import { once } from "node:events";
import { createServer } from "node:http";
import { ip } from "../../test/cluster/network/ip.ts";

const PORT = 8080;
const ADDRESSES = ["10.99.0.1", "10.99.0.2"] as const;

/** Each answers with the text under which it is found here: `address:port`. */
export const ORIGINS = ADDRESSES.map((address) => `${address}:${PORT}`) as [string, string];

/** They end with the process, and their addresses with its namespaces. */
export async function startOrigins(): Promise<void> {
  for (const address of ADDRESSES) {
    await ip([`addr replace ${address}/32 dev lo`]);
    const server = createServer((_, response) => response.end(`${address}:${PORT}`));
    await once(server.listen(PORT, address), "listening");
    server.unref();
  }
}
