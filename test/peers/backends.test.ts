// Real nginx and HAProxy as endpoints: TLS with a client certificate and SNI, and PROXY headers in both versions.
import { writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Backend, BackendTls } from "../../src/model/index.ts";
import { startProgram } from "../http/peers/peer.ts";
import { makeAuthority } from "../support/certificates.ts";
import { send } from "../support/client.ts";
import { freePorts } from "../support/free-port.ts";
import { type LoopbackGateway, startLoopbackGateway } from "../support/loopback-gateway.ts";
import { RawClient } from "../support/raw-client.ts";
import { backend, endpoint, snapshotOf } from "../support/snapshots.ts";
import { startNginx } from "./nginx.ts";

const authority = makeAuthority({ name: "endpoints" });
const clients = makeAuthority({ name: "clients" });
const shop = authority.issue({ names: ["shop.example"] });
const other = authority.issue({ names: ["other.example"] });
const own = clients.issue({ names: ["gateway.example"], client: true });
const clientCertificate = { id: "Secret/default/client", ...own };

const TLS: BackendTls = {
  serverName: "shop.example",
  subjectAltNames: [],
  trust: [{ id: "ConfigMap/default/ca", certificates: authority.certificate }],
};

/** The server without the name asked for shows another certificate. */
async function startShop(version = "TLSv1.3"): Promise<number> {
  const nginx = await startNginx({
    version,
    servers: [
      { name: "other.example", certificate: other },
      { name: "shop.example", certificate: shop, clients: clients.certificate },
    ],
  });
  onTestFinished(() => nginx.stop());
  return nginx.port;
}

/** Says whose connection it was told it has. */
async function startHaproxy(bind: string): Promise<number> {
  const [port] = (await freePorts(1)) as [number];
  const text = (folder: string) => {
    writeFileSync(`${folder}/shop.pem`, shop.chain + shop.privateKey);
    return `global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 10s
  timeout server 10s
frontend answer
  bind 127.0.0.1:${port} ${bind.replace("SHOP", `${folder}/shop.pem`)}
  http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst]:%[dst_port]"
`;
  };
  const args = (path: string) => ["-db", "-f", path];
  const haproxy = await startProgram("/usr/sbin/haproxy", { name: "haproxy.cfg", text }, args, [port]);
  onTestFinished(() => haproxy.stop());
  return port;
}

function gatewayTo(port: number, more: Partial<Backend>): Promise<LoopbackGateway> {
  const web = backend("web", [endpoint(`127.0.0.1:${port}`)], more);
  return startLoopbackGateway(snapshotOf({ backends: [web] }));
}

async function ask(gateway: LoopbackGateway): Promise<string> {
  const { status, body } = await send(gateway.port, { headers: { host: "shop.example" } });
  return `${status} ${body}`;
}

describe("nginx over TLS", () => {
  test.each(["TLSv1.2", "TLSv1.3"])("sees the server name and the certificate, over %s", async (version) => {
    const port = await startShop(version);
    const gateway = await gatewayTo(port, { tls: { ...TLS, clientCertificate } });
    expect(await ask(gateway)).toBe(`200 shop.example ${version} CN=gateway.example . 1`);
    expect(await ask(gateway)).toBe(`200 shop.example ${version} CN=gateway.example . 2`);
  });

  test("resumes sessions", async () => {
    const limits = { maxRequestsPerConnection: 1 };
    const gateway = await gatewayTo(await startShop(), { tls: { ...TLS, clientCertificate }, limits });
    expect(await ask(gateway)).toMatch(/ \. 1$/);
    expect(await ask(gateway)).toMatch(/ r 1$/);
  });

  test("refuses who shows no certificate, and its answer passes", async () => {
    const gateway = await gatewayTo(await startShop(), { tls: TLS });
    expect(await ask(gateway)).toMatch(/^400 [\s\S]*No required SSL certificate/);
  });

  test("is not believed when it is asked for a name that it does not have", async () => {
    const gateway = await gatewayTo(await startShop(), { tls: { ...TLS, serverName: "third.example" } });
    expect(await ask(gateway)).toMatch(/^503 .*upstream-tls/);
  });

  test("may have another name than the one that it is asked for", async () => {
    const wanted = (value: string): BackendTls => ({
      ...TLS,
      clientCertificate,
      subjectAltNames: [{ type: "hostname", value }],
    });
    const port = await startShop();
    const third = { ...wanted("shop.example"), serverName: "third.example" };
    expect(await ask(await gatewayTo(port, { tls: third }))).toMatch(/^503 .*upstream-tls/);
    const shopAsked = { ...wanted("shop.example"), serverName: "shop.example" };
    expect(await ask(await gatewayTo(port, { tls: shopAsked }))).toMatch(/^200 shop.example/);
    const otherShown = { ...wanted("other.example"), serverName: "third.example" };
    expect(await ask(await gatewayTo(port, { tls: otherShown }))).not.toContain("upstream-tls");
  });
});

describe("HAProxy behind a PROXY header", () => {
  test.each([
    ["v1", "plain", "accept-proxy"],
    ["v2", "plain", "accept-proxy"],
    ["v1", "TLS", "accept-proxy ssl crt SHOP alpn http/1.1"],
    ["v2", "TLS", "accept-proxy ssl crt SHOP alpn http/1.1"],
  ] as const)("knows the client (%s, %s)", async (proxyProtocol, transport, bind) => {
    const port = await startHaproxy(bind);
    const gateway = await gatewayTo(port, { proxyProtocol, ...(transport === "TLS" ? { tls: TLS } : {}) });
    const client = new RawClient(gateway.port);
    for (const count of [1, 2]) {
      client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      const text = await client.until((all) => all.split(`127.0.0.1:${gateway.port}`).length > count);
      const told = `127.0.0.1:${client.socket.localPort} 127.0.0.1:${gateway.port}`;
      expect(text.split(told)).toHaveLength(count + 1);
    }
    const connects = gateway.engine.stats().find(({ name }) => name === "limpet_upstream_connects_total");
    expect(connects?.value).toBe(1);
  });
});
