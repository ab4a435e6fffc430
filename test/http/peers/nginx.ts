// nginx as a peer of the corpus, with upstream connections that are kept, as its guide recommends.
import { freePorts } from "../../support/free-port.ts";
import { type Peer, startProgram, versionOf } from "./peer.ts";

const PROGRAM = "/usr/sbin/nginx";

export const nginx: Peer = {
  name: "nginx",
  own: false,
  package: "apt-get install nginx-light",
  version: () => versionOf(PROGRAM, "-v"),
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
    const text = (folder: string) => `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  client_header_timeout 2s;
  client_body_timeout 2s;
  keepalive_timeout 2s;
  proxy_read_timeout 4s;
  proxy_send_timeout 4s;
${lanes.join("")}}
`;
    const args = (path: string, folder: string) => ["-p", folder, "-c", path, "-e", `${folder}/error.log`];
    return startProgram(PROGRAM, { name: "nginx.conf", text }, args, ports);
  },
};
