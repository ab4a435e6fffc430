// A peer that copies bytes and understands none of them: what it fails shows that the judge can tell.
import { type AddressInfo, connect, createServer } from "node:net";
import type { Peer } from "./peer.ts";

export const pipe: Peer = {
  name: "pipe",
  own: false,
  package: "part of the harness",
  version: () => "0",
  async start(originPorts) {
    const servers = originPorts.map((originPort) =>
      createServer((client) => {
        const upstream = connect({ port: originPort, host: "127.0.0.1" });
        client.on("error", () => upstream.destroy());
        upstream.on("error", () => client.destroy());
        upstream.pipe(client);
        client.once("data", (first: Buffer) => {
          // The mark that the judge looks for, behind the first line; beyond that nothing is understood.
          upstream.write(first.toString("latin1").replace("\r\n", "\r\nX-Forwarded-For: pipe\r\n"), "latin1");
          client.pipe(upstream);
        });
      }),
    );
    const ports = await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((resolve) => {
            server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
          }),
      ),
    );
    return {
      ports,
      stop: async () => {
        for (const server of servers) server.close();
      },
    };
  },
};
