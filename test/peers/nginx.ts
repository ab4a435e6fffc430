// A real nginx that speaks TLS: servers by name, each with a certificate, and what it should do.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startNginxProgram } from "../http/peers/nginx-program.ts";
import type { RunningPeer } from "../http/peers/peer.ts";
import type { Issued } from "../support/certificates.ts";
import { freePort } from "../support/free-port.ts";

export interface NginxServer {
  /** The first one is shown to whoever asks for a name that no server has. */
  readonly name: string;
  readonly certificate: Issued;
  /** PEM: a client certificate of this authority is demanded. */
  readonly clients?: string;
  /** More of its block; without a `location` it answers with what the handshake settled (`TOLD`). */
  readonly directives?: string;
}

export interface NginxOptions {
  readonly servers: readonly NginxServer[];
  /** Such as `TLSv1.2`. */
  readonly version?: string;
  /** Served by `root files;`. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
}

/** Server name, version, subject of the client's certificate, `r` for a resumed session, and how many requests came on this connection. */
const TOLD = "$ssl_server_name $ssl_protocol $ssl_client_s_dn $ssl_session_reused $connection_requests";

/** On 127.0.0.1; the caller stops it. */
export async function startNginx(options: NginxOptions): Promise<RunningPeer & { readonly port: number }> {
  const port = await freePort();
  const http = (folder: string) => {
    for (const [name, content] of Object.entries(options.files ?? {}))
      writeFileSync(join(folder, name), content);
    return settings(folder, port, options);
  };
  const running = await startNginxProgram(http, [port]);
  return { ...running, port };
}

function settings(folder: string, port: number, { servers, version = "TLSv1.3" }: NginxOptions): string {
  return `  ssl_session_cache shared:sessions:1m;
  ssl_protocols ${version};
  root ${folder};
${servers.map((server, index) => serverBlock(folder, port, server, index)).join("")}`;
}

function serverBlock(folder: string, port: number, server: NginxServer, index: number): string {
  const { name, certificate, clients, directives } = server;
  const own = join(folder, `server-${index}.pem`);
  writeFileSync(own, certificate.chain + certificate.privateKey);
  let demand = "";
  if (clients !== undefined) {
    const authority = join(folder, `clients-${index}.pem`);
    writeFileSync(authority, clients);
    demand = `ssl_client_certificate ${authority}; ssl_verify_client on;`;
  }
  const told = `location / { add_header content-type text/plain always; return 200 "${TOLD}"; }`;
  return `  server {
    listen 127.0.0.1:${port} ssl${index === 0 ? " default_server" : ""};
    server_name ${name};
    ssl_certificate ${own};
    ssl_certificate_key ${own};
    ${demand}
    ${directives ?? told}
  }
`;
}
