// nginx as a peer of the corpus, with upstream connections that are kept, as its guide recommends.
import { freePorts } from "../../support/free-port.ts";
import { NGINX, startNginxProgram } from "./nginx-program.ts";
import { type Peer, versionOf } from "./peer.ts";

export const nginx: Peer = {
  name: "nginx",
  own: false,
  package: "apt-get install nginx-light",
  version: () => versionOf(NGINX, "-v"),
  async start(originPorts) {
    const ports = await freePorts(originPorts.length);
    const lanes = ports.map(
      (port, lane) => `  upstream origin${lane} { server 127.0.0.1:${originPorts[lane]}; keepalive 16; }
  server {
    listen 127.0.0.1:${port};
    server_name _;
    location / {
      proxy_pass http://origin${lane};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
`,
    );
    const timeouts = `  client_header_timeout 2s;
  client_body_timeout 2s;
  keepalive_timeout 2s;
  proxy_read_timeout 4s;
  proxy_send_timeout 4s;
`;
    return startNginxProgram(() => timeouts + lanes.join(""), ports);
  },
};
