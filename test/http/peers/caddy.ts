// Caddy as a peer of the corpus.
import { freePorts } from "../../support/free-port.ts";
import { type Peer, startProgram, versionOf } from "./peer.ts";

const PROGRAM = "/usr/bin/caddy";

export const caddy: Peer = {
  name: "Caddy",
  own: false,
  package: "apt-get install caddy",
  version: () => versionOf(PROGRAM, "version"),
  async start(originPorts) {
    const ports = await freePorts(originPorts.length);
    const lanes = ports.map(
      (port, lane) => `http://:${port} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${originPorts[lane]} {
    transport http {
      response_header_timeout 4s
      read_timeout 4s
    }
  }
}
`,
    );
    const text = `{
  admin off
  auto_https off
  servers {
    timeouts {
      read_header 2s
      read_body 2s
      idle 2s
    }
  }
}
${lanes.join("")}`;
    const args = (path: string) => ["run", "--config", path, "--adapter", "caddyfile"];
    return startProgram(PROGRAM, { name: "Caddyfile", text: () => text }, args, ports);
  },
};
