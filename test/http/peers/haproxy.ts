// HAProxy as a peer of the corpus.
import { freePorts } from "../../support/free-port.ts";
import { type Peer, startProgram, versionOf } from "./peer.ts";

const PROGRAM = "/usr/sbin/haproxy";

export const haproxy: Peer = {
  name: "HAProxy",
  own: false,
  package: "apt-get install haproxy",
  version: () => versionOf(PROGRAM, "-v"),
  async start(originPorts) {
    const ports = await freePorts(originPorts.length);
    const lanes = ports.map(
      (port, lane) => `listen lane${lane}
  bind 127.0.0.1:${port}
  http-reuse safe
  server origin 127.0.0.1:${originPorts[lane]}
`,
    );
    const text = `global
  nbthread 1
defaults
  mode http
  option forwardfor
  timeout connect 1s
  timeout http-request 2s
  timeout http-keep-alive 2s
  timeout client 2s
  timeout server 4s
  timeout tunnel 2s
${lanes.join("")}`;
    return startProgram(
      PROGRAM,
      { name: "haproxy.cfg", text: () => text },
      (path) => ["-db", "-f", path],
      ports,
    );
  },
};
