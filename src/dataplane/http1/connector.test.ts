// Tests of how endpoints are connected to: whom TLS trusts, what it shows, and that nothing is said before it knows.
import { type AddressInfo, createServer } from "node:net";
import { TLSSocket } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Issued, makeAuthority } from "../../../test/support/certificates.ts";
import { RecordedExchange } from "../../../test/support/endpoint-harness.ts";
import { startRawOrigin, startTlsOrigin, type TlsOrigin } from "../../../test/support/origin.ts";
import { endpoint } from "../../../test/support/snapshots.ts";
import type { BackendTls, Certificate, Endpoint } from "../../model/index.ts";
import { SYSTEM_CLOCK } from "../clock.ts";
import { DEFAULT_DATAPLANE_OPTIONS } from "../options.ts";
import { PlainRequestHead } from "../plain-head.ts";
import { plainWay, type Way } from "../upstream-connection.ts";
import { TlsClients } from "../upstream-tls.ts";
import { http1Connector } from "./connector.ts";
import { DeadlineSweep } from "./deadline-sweep.ts";

const authority = makeAuthority({ name: "endpoints" });
const shop = authority.issue({ names: ["shop.example"] });
const clients = makeAuthority({ name: "clients" });
const ours = certificate("ours", clients.issue({ names: ["gateway.example"], client: true }));
const TRUST = [{ id: "ConfigMap/default/ca", certificates: authority.certificate }];
const SHOP: BackendTls = { serverName: "shop.example", subjectAltNames: [], trust: TRUST };
const tlsClients = new TlsClients();

function certificate(id: string, { chain, privateKey }: Issued): Certificate {
  return { id, chain, privateKey };
}

function way(tls: Partial<BackendTls>, more: Partial<Way> = {}): Way {
  return { ...plainWay(20_000), tls: tlsClients.of({ ...SHOP, ...tls }, undefined), ...more };
}

interface Asked {
  readonly exchange: RecordedExchange;
  /** What the pool is told: `idle`, or `closed` with the failure. */
  readonly end: string;
}

/** One GET on a connection of its own, which is closed afterwards. */
function ask(to: Endpoint, by: Way): Promise<Asked> {
  const connect = http1Connector(DEFAULT_DATAPLANE_OPTIONS, new DeadlineSweep(SYSTEM_CLOCK));
  const exchange = new RecordedExchange();
  return new Promise((resolve) => {
    const owner = {
      onIdle: () => {
        resolve({ exchange, end: "idle" });
        // As the pool does after its idle timeout, once what came with the answer was read.
        setImmediate(() => connection.close());
      },
      onClosed: (_: unknown, failure?: string) => {
        setImmediate(() => resolve({ exchange, end: `closed ${failure}` }));
      },
    };
    const connection = connect(to, owner, by);
    const head = new PlainRequestHead("GET", "shop.example", "/", []);
    connection.send({ head, path: "/", bodyLength: 0, upgrade: undefined }, exchange);
  });
}

function startShop(settings: object = {}, requests: string[] = []): Promise<TlsOrigin> {
  return startTlsOrigin(
    { key: shop.privateKey, cert: shop.chain, ALPNProtocols: ["http/1.1"], ...settings },
    (request, response) => {
      const socket = request.socket as TLSSocket;
      const shown = socket.getPeerCertificate().subject?.CN;
      const { servername } = socket as unknown as { servername: string | false };
      const facts = [servername, socket.alpnProtocol, shown, socket.getProtocol(), socket.isSessionReused()];
      requests.push(facts.join(" "));
      response.end("x".repeat(300_000));
    },
  );
}

describe("TLS", () => {
  test("speaks HTTP/1.1 to the server name, and to nobody else", async () => {
    const requests: string[] = [];
    const { endpoint } = await startShop({}, requests);
    const { exchange, end } = await ask(endpoint, way({}));
    expect(end).toBe("idle");
    expect(exchange.events.map((event) => event.slice(0, 6))).toEqual(["head 2", "data x", "end {}"]);
    expect(exchange.events[1]).toHaveLength(300_005);
    expect(requests).toEqual(["shop.example http/1.1  TLSv1.3 false"]);
  });

  test.each<[string, Partial<BackendTls>]>([
    ["another name", { serverName: "other.example" }],
    ["an authority that is not trusted", { trust: [{ id: "other", certificates: clients.certificate }] }],
    ["no authority at all", { trust: [] }],
    ["an authority that the system does not know", { trust: "system" }],
    ["another subject name", { subjectAltNames: [{ type: "uri", value: "spiffe://td/shop" }] }],
  ])("sends nothing to a certificate of %s", async (_, tls) => {
    const requests: string[] = [];
    const { endpoint } = await startShop({}, requests);
    const { exchange, end } = await ask(endpoint, way(tls));
    expect(exchange.events).toEqual(["error upstream-tls yes"]);
    expect(end).toBe("closed upstream-tls");
    expect(requests).toEqual([]);
  });

  test("takes any certificate where it is told to", async () => {
    const { endpoint } = await startShop();
    expect((await ask(endpoint, way({ trust: "none", serverName: "other.example" }))).end).toBe("idle");
  });

  test("trusts the endpoint's own certificate where that is what it is given", async () => {
    const { endpoint } = await startShop();
    expect((await ask(endpoint, way({ trust: [{ id: "own", certificates: shop.chain }] }))).end).toBe("idle");
  });

  test("sends no server name where it has none or an address", async () => {
    const requests: string[] = [];
    const local = authority.issue({ ips: ["127.0.0.1"] });
    const { endpoint } = await startShop({ key: local.privateKey, cert: local.chain }, requests);
    const { serverName: _, ...nameless } = SHOP;
    const by = { ...plainWay(20_000), tls: tlsClients.of(nameless, undefined) };
    expect((await ask(endpoint, by)).end).toBe("idle");
    expect((await ask(endpoint, way({ serverName: "127.0.0.1" }))).end).toBe("idle");
    expect(requests.map((facts) => facts.split(" ")[0])).toEqual(["false", "false"]);
  });

  test("shows its certificate", async () => {
    const requests: string[] = [];
    const { endpoint } = await startShop({ requestCert: true, ca: clients.certificate }, requests);
    expect((await ask(endpoint, way({ clientCertificate: ours }))).end).toBe("idle");
    expect(requests[0]).toBe("shop.example http/1.1 gateway.example TLSv1.3 false");
  });

  test.each([
    // Only with TLS 1.3 the request may be on its way before the endpoint has looked at our certificate.
    ["TLSv1.2", "error upstream-tls yes"],
    ["TLSv1.3", "error upstream-tls never"],
  ] as const)("says so where an endpoint of %s wants a certificate and gets none", async (version, event) => {
    const { endpoint } = await startShop({ requestCert: true, ca: clients.certificate, maxVersion: version });
    const { exchange, end } = await ask(endpoint, way({}));
    expect(exchange.events).toEqual([event]);
    expect(end).toBe("closed upstream-tls");
  });

  test("keeps to the versions that are allowed", async () => {
    const requests: string[] = [];
    const { endpoint } = await startShop({}, requests);
    await ask(endpoint, way({ maximumVersion: "1.2" }));
    expect(requests[0]).toContain("TLSv1.2");
    const old = await startShop({ maxVersion: "TLSv1.2" });
    expect((await ask(old.endpoint, way({ minimumVersion: "1.3" }))).exchange.events).toEqual([
      "error upstream-tls yes",
    ]);
  });

  test("does not speak HTTP/1.1 to an endpoint that wants HTTP/2 alone", async () => {
    const { endpoint } = await startShop({ ALPNProtocols: ["h2"] });
    expect((await ask(endpoint, way({}))).exchange.events).toEqual(["error upstream-tls yes"]);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "resumes the session of the last connection (%s)",
    async (version) => {
      const requests: string[] = [];
      const { endpoint } = await startShop({ maxVersion: version }, requests);
      const by = way({});
      for (let count = 0; count < 3; count += 1) await ask(endpoint, by);
      expect(requests.map((facts) => facts.split(" ").at(-1))).toEqual(["false", "true", "true"]);
    },
  );

  test("an endpoint that speaks no TLS, or hangs up", async () => {
    const plain = await startRawOrigin((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect((await ask(plain, way({}))).exchange.events).toEqual(["error upstream-tls yes"]);
    const rude = await startRawOrigin((socket) => socket.end());
    expect((await ask(rude, way({}))).exchange.events).toEqual(["error upstream-tls yes"]);
  });

  test("a handshake that hangs is a connection that does not come about in time", async () => {
    const silent = await startRawOrigin(() => {});
    const by = way({}, { connectTimeoutMs: 100 });
    const { exchange, end } = await ask(silent, by);
    expect([exchange.events, end]).toEqual([["error connect-timeout yes"], "closed connect-timeout"]);
  });

  test("settings that OpenSSL cannot read", async () => {
    const { endpoint } = await startShop();
    const broken = { ...ours, privateKey: shop.privateKey };
    const { exchange, end } = await ask(endpoint, way({ clientCertificate: broken }));
    expect([exchange.events, end]).toEqual([["error upstream-tls yes"], "closed upstream-tls"]);
    expect(exchange.error?.cause).toMatchObject({ code: "ERR_OSSL_X509_KEY_VALUES_MISMATCH" });
  });

  test("equal settings have one context", () => {
    expect(tlsClients.of(SHOP, undefined)).toBe(tlsClients.of(structuredClone(SHOP), undefined));
    expect(tlsClients.of(SHOP, ours)).not.toBe(tlsClients.of(SHOP, undefined));
    expect(tlsClients.of({ ...SHOP, clientCertificate: ours }, undefined).context).not.toBeInstanceOf(Error);
  });
});

describe("preface", () => {
  const HEADER = "PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n";
  const preface = Buffer.from(HEADER);

  /** Reads the header in clear text and goes on with TLS, or answers in clear text. */
  function startBehindProxy(tls: boolean): Promise<Endpoint> {
    return startRawOrigin((socket) => {
      socket.once("readable", () => {
        const first = socket.read() as Buffer;
        if (first.toString("latin1", 0, HEADER.length) !== HEADER) return socket.destroy();
        socket.unshift(first.subarray(HEADER.length));
        const stream = tls
          ? new TLSSocket(socket, { isServer: true, key: shop.privateKey, cert: shop.chain })
          : socket;
        stream.on("error", () => {});
        stream.on("data", () => stream.write(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`));
        return socket;
      });
    });
  }

  test("comes first on a plain connection", async () => {
    const { exchange, end } = await ask(await startBehindProxy(false), { ...plainWay(20_000), preface });
    expect([exchange.events.slice(1), end]).toEqual([["data ok", "end {}"], "idle"]);
  });

  test("comes before the handshake", async () => {
    const { exchange, end } = await ask(await startBehindProxy(true), way({}, { preface }));
    expect([exchange.events.slice(1), end]).toEqual([["data ok", "end {}"], "idle"]);
  });

  test("a certificate of somebody else is refused behind it too", async () => {
    const { exchange } = await ask(
      await startBehindProxy(true),
      way({ serverName: "b.example" }, { preface }),
    );
    expect(exchange.events).toEqual(["error upstream-tls yes"]);
  });

  test.each([
    ["plain", plainWay(20_000)],
    ["TLS", way({})],
    ["plain behind a header", { ...plainWay(20_000), preface }],
    ["TLS behind a header", way({}, { preface })],
  ])("nobody listens: %s", async (_, by) => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
    });
    await new Promise((resolve) => server.close(resolve));
    const { exchange, end } = await ask(endpoint(`127.0.0.1:${port}`), by);
    expect([exchange.events, end]).toEqual([["error connect-failed yes"], "closed connect-failed"]);
  });
});

test("many connections leave nothing behind", async () => {
  const { endpoint, server } = await startShop();
  onTestFinished(() => server.closeAllConnections());
  const by = way({});
  const preface = Buffer.from("PROXY UNKNOWN\r\n");
  const sockets = () => process.getActiveResourcesInfo().filter((name) => /TCPSocket|TLS/.test(name)).length;
  await ask(endpoint, by);
  for (let count = 0; count < 60; count += 1) {
    await ask(endpoint, by);
    // The server takes the header for a broken handshake.
    await ask(endpoint, { ...by, preface });
    await ask(endpoint, way({ serverName: "other.example" }));
  }
  server.closeAllConnections();
  await expect.poll(sockets).toBeLessThan(4);
});
