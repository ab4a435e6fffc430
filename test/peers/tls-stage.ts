// `limpet run` with TLS listeners in front of one plain endpoint, and the files that openssl and curl need to talk to it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Issued, makeAuthority } from "../support/certificates.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { stopAll } from "../support/hand-over.ts";
import { documents, route, tlsService } from "../support/tls-manifests.ts";

/** Who issued what servers show in these tests. */
export const authority = makeAuthority({ name: "Servers" });

export interface TlsStage {
  readonly gateway: Gateway;
  /** The authority, as a file. */
  readonly ca: string;
  /** Writes a file beside it and answers its path. */
  file(name: string, text: string): string;
  /** Certificate and key in one file. */
  pem(name: string, issued: Issued): string;
  /** Stops the gateway and starts another one of the same files. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface TlsStageOptions {
  /** Gateways, Secrets and ConfigMaps. All requests go to the endpoint, unless there are routes among them. */
  readonly objects: readonly object[];
  /** Beside those, to be changed later with `gateway.write`; they begin as they were when the gateway starts again. */
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** What the endpoint does, a Service `origin` on port 443; answers with protocol, host and path unless it is given. */
  readonly answer?: RequestListener;
}

export async function startTlsStage(options: TlsStageOptions): Promise<TlsStage> {
  const { objects, files = {}, args = [], answer = told } = options;
  const folder = mkdtempSync(join(tmpdir(), "limpet-peers-"));
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const routes = objects.some((object) => (object as { kind?: string }).kind === "HTTPRoute")
    ? []
    : [route("all", [TO_ORIGIN])];
  const all = documents(...objects, ...routes, ...tlsService({ name: "origin", endpointPorts: [port] }));
  const start = () => startGateway({ files: { "all.yaml": all, ...files }, args });
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  let gateway = await start();
  return {
    get gateway() {
      return gateway;
    },
    ca: file("ca.pem", authority.certificate),
    file,
    pem: (name, { chain, privateKey }) => file(name, chain + privateKey),
    restart: async () => {
      await stopAll(gateway);
      gateway = await start();
    },
    stop: async () => {
      await stopAll(gateway);
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A rule for everything. */
export const TO_ORIGIN = { backendRefs: [{ name: "origin", port: 443 }] };

const told: RequestListener = (request, response) => {
  response.end(`${request.headers["x-forwarded-proto"]} ${request.headers.host} ${request.url}`);
};
