// TLS listeners with Node's own client: who sees which certificate, who is refused, and what outlives a reload.
import { connect as connectPlain } from "node:net";
import { describe, expect, test } from "vitest";
import type {
  Certificate,
  ClientValidation,
  Listener,
  ListenerTls,
  Snapshot,
} from "../../src/model/index.ts";
import { type Issued, makeAuthority } from "../support/certificates.ts";
import { startLoopbackGateway } from "../support/loopback-gateway.ts";
import { startOrigin, startRawOrigin } from "../support/origin.ts";
import { RawClient } from "../support/raw-client.ts";
import { listener, route } from "../support/routes.ts";
import { backend, forwardRule, snapshotOf } from "../support/snapshots.ts";
import { GET, tlsConnect, tlsExchange } from "../support/tls-client.ts";

const authority = makeAuthority({ name: "Test Authority" });
const clients = makeAuthority({ name: "Client Authority" });

function certificate(issued: Issued, id = "Secret/default/cert"): Certificate {
  return { id, ...issued };
}

function named(...names: readonly string[]): Certificate {
  return certificate(authority.issue({ names }));
}

const shop = named("shop.example");
const other = named("other.example");
const wild = named("*.example");

function https(name: string, tls: Partial<ListenerTls> = {}, hostname?: string): Listener {
  return { ...listener(name, hostname), protocol: "HTTPS", tls: { certificates: [shop], ...tls } };
}

async function origin(): Promise<ReturnType<typeof backend>> {
  const { endpoint } = await startOrigin((request, response) => {
    response.end(`${request.headers["x-forwarded-proto"]} ${request.headers.host}`);
  });
  return backend("web", [endpoint]);
}

/** Every listener has a route for all hosts that leads to one origin. */
async function serving(...listeners: readonly Listener[]): Promise<Snapshot> {
  const web = await origin();
  const routes = listeners.map((one) => route(one.name, one, [], forwardRule([web])));
  return snapshotOf({ listeners, routes, backends: [web] });
}

async function start(...listeners: readonly Listener[]) {
  return startLoopbackGateway(await serving(...listeners));
}

const SHOP = { servername: "shop.example" };

function metric(gateway: Awaited<ReturnType<typeof start>>, name: string): Record<string, number> {
  return Object.fromEntries(
    gateway.engine
      .stats()
      .filter((sample) => sample.name === name)
      .map(({ labels, value }) => [Object.values(labels).join(" "), value]),
  );
}

describe("a listener that ends TLS", () => {
  test("serves requests and says so to the endpoint", async () => {
    const { port } = await start(https("https"));
    const answer = await tlsExchange(port, SHOP);
    expect(answer).toMatchObject({ error: undefined, version: "TLSv1.3", shown: "shop.example" });
    expect(answer.text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*https shop\.example/s);
  });

  test("speaks TLS 1.2 too, and nothing older", async () => {
    const gateway = await start(https("https"));
    expect(await tlsExchange(gateway.port, { ...SHOP, maxVersion: "TLSv1.2" })).toMatchObject({
      version: "TLSv1.2",
    });
    const old = { ...SHOP, minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL@SECLEVEL=0" } as const;
    expect((await tlsExchange(gateway.port, old)).text).toBe("");
    expect(metric(gateway, "limpet_tls_handshake_failures_total")).toEqual({ version: 1 });
  });

  test("keeps to the versions that it was given", async () => {
    const { port } = await start(https("https", { minimumVersion: "1.3" }));
    expect((await tlsExchange(port, { ...SHOP, maxVersion: "TLSv1.2" })).error).toBeDefined();
    expect((await tlsExchange(port, SHOP)).version).toBe("TLSv1.3");
  });

  test("agrees on HTTP/1.1, and on nothing with a client that speaks HTTP/2 alone", async () => {
    const gateway = await start(https("https"));
    const socket = tlsConnect(gateway.port, { ...SHOP, ALPNProtocols: ["h2", "http/1.1"] });
    await new Promise((done) => socket.once("secureConnect", done));
    expect(socket.alpnProtocol).toBe("http/1.1");
    const h2 = await tlsExchange(gateway.port, { ...SHOP, ALPNProtocols: ["h2"] });
    expect(h2.error).toBe("ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
    expect(metric(gateway, "limpet_tls_handshake_failures_total")).toEqual({ protocol: 1 });
  });

  test("counts handshakes by version and by whether a session was resumed", async () => {
    const gateway = await start(https("https"));
    const { session } = await tlsExchange(gateway.port, SHOP);
    const again = await tlsExchange(gateway.port, { ...SHOP, ...(session && { session }) });
    expect(again).toMatchObject({ resumed: true, version: "TLSv1.3" });
    expect(metric(gateway, "limpet_tls_handshakes_total")).toEqual({
      "Gateway/default/edge/https TLSv1.3 false": 1,
      "Gateway/default/edge/https TLSv1.3 true": 1,
    });
  });

  test("closes on a client that speaks no TLS", async () => {
    const gateway = await start(https("https"));
    const client = new RawClient(gateway.port);
    client.write("GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n");
    expect(await client.untilClosed()).toBe("");
    expect(metric(gateway, "limpet_tls_handshake_failures_total")).toEqual({ "not-tls": 1 });
  });

  test("has no patience with clients that never finish their handshake", async () => {
    const gateway = await startLoopbackGateway(await serving(https("https")), { requestHeadTimeoutMs: 50 });
    const silent = new RawClient(gateway.port);
    const halfway = new RawClient(gateway.port);
    halfway.write("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    await Promise.all([silent.untilClosed(), halfway.untilClosed()]);
    expect(metric(gateway, "limpet_tls_handshake_failures_total")).toEqual({ timeout: 2 });
    expect(gateway.engine.connections).toBe(0);
  });
});

describe("the server name", () => {
  const listeners = [
    https("exact", { certificates: [shop] }, "shop.example"),
    https("wildcard", { certificates: [wild] }, "*.example"),
  ];

  test("chooses the listener: the most specific hostname", async () => {
    const { port } = await start(...listeners);
    expect((await tlsExchange(port, SHOP)).shown).toBe("shop.example");
    expect((await tlsExchange(port, { servername: "SHOP.EXAMPLE" })).shown).toBe("shop.example");
    expect((await tlsExchange(port, { servername: "cart.example" })).shown).toBe("*.example");
  });

  test("that no listener has is refused as unrecognized, and so is none at all", async () => {
    const gateway = await start(...listeners);
    for (const servername of ["shop.test", ""]) {
      const { error } = await tlsExchange(gateway.port, { servername });
      expect(error).toMatch(/UNRECOGNIZED_NAME/);
    }
    expect(metric(gateway, "limpet_tls_handshake_failures_total")).toEqual({ "unknown-name": 2 });
  });

  test("may be missing where a listener is for all hosts", async () => {
    const { port } = await start(...listeners, https("all", { certificates: [other] }));
    expect((await tlsExchange(port, { servername: "" })).shown).toBe("other.example");
  });

  test("chooses among the certificates of a listener: exact before wildcard before the first", async () => {
    const { port } = await start(https("https", { certificates: [other, wild, shop] }));
    expect((await tlsExchange(port, SHOP)).shown).toBe("shop.example");
    expect((await tlsExchange(port, { servername: "cart.example" })).shown).toBe("*.example");
    expect((await tlsExchange(port, { servername: "shop.test" })).shown).toBe("other.example");
    expect((await tlsExchange(port, { servername: "" })).shown).toBe("other.example");
  });

  test("may have certificates of two kinds, of which each client gets the one that it knows", async () => {
    const rsa = certificate(authority.issue({ names: ["shop.example"], commonName: "rsa", rsaBits: 2048 }));
    const { port } = await start(https("https", { certificates: [shop, rsa] }));
    const withCiphers = (ciphers: string) => tlsExchange(port, { ...SHOP, maxVersion: "TLSv1.2", ciphers });
    expect((await withCiphers("ECDHE-RSA-AES128-GCM-SHA256")).shown).toBe("rsa");
    expect((await withCiphers("ECDHE-ECDSA-AES128-GCM-SHA256")).shown).toBe("shop.example");
  });
});

describe("client certificates", () => {
  const known = clients.issue({ names: ["alice"], client: true });
  const stranger = makeAuthority({ name: "Strangers" }).issue({ names: ["mallory"], client: true });
  const trust = [{ id: "ConfigMap/default/ca", certificates: clients.certificate }];
  const required: ClientValidation = { mode: "require", trust };
  const lenient: ClientValidation = { mode: "allowInsecureFallback", trust };

  function by({ chain, privateKey }: Issued, maxVersion: "TLSv1.2" | "TLSv1.3" = "TLSv1.3") {
    return { ...SHOP, cert: chain, key: privateKey, maxVersion };
  }

  test.each(["TLSv1.2", "TLSv1.3"] as const)("are verified, over %s", async (maxVersion) => {
    const gateway = await start(https("https", { clientValidation: required }));
    expect((await tlsExchange(gateway.port, by(known, maxVersion))).text).toContain("200 OK");
    expect((await tlsExchange(gateway.port, by(stranger, maxVersion))).text).toBe("");
    expect((await tlsExchange(gateway.port, { ...SHOP, maxVersion })).text).toBe("");
    expect(metric(gateway, "limpet_tls_handshake_failures_total")).toEqual({ "client-certificate": 2 });
  });

  test("may be missing, or anybody's, where the listener falls back", async () => {
    const { port } = await start(https("https", { clientValidation: lenient }));
    for (const options of [SHOP, by(stranger), by(known)]) {
      expect((await tlsExchange(port, options)).text).toContain("200 OK");
    }
  });

  // OpenSSL leaves its complaint about an RSA signature where Node.js finds it.
  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "of an authority that only has the name of a known one do no harm, over %s",
    async (maxVersion) => {
      const [real, fake] = [1, 2].map(() => makeAuthority({ name: "Same", rsaBits: 2048 }));
      const bundles = [{ id: "ConfigMap/default/ca", certificates: real?.certificate ?? "" }];
      const forged = by(fake?.issue({ names: ["mallory"], client: true }) as Issued, maxVersion);
      const open = await start(https("open", { clientValidation: { ...lenient, trust: bundles } }));
      expect((await tlsExchange(open.port, forged)).text).toContain("200 OK");
      const closed = await start(https("closed", { clientValidation: { ...required, trust: bundles } }));
      expect((await tlsExchange(closed.port, forged)).text).toBe("");
      expect(metric(closed, "limpet_tls_handshake_failures_total")).toEqual({ "client-certificate": 1 });
    },
  );

  test("verify nobody where no authority could be read", async () => {
    const { port } = await start(https("https", { clientValidation: { mode: "require", trust: [] } }));
    expect((await tlsExchange(port, by(known))).text).toBe("");
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "are not spared by a session of another listener, over %s",
    async (maxVersion) => {
      const gateway = await start(
        https("open", {}, "open.example"),
        https("lenient", { clientValidation: lenient }, "lenient.example"),
        https("closed", { clientValidation: required }, "shop.example"),
      );
      gateway.engine.ticketKeys = Buffer.alloc(48, 7);
      for (const servername of ["open.example", "lenient.example"]) {
        const { session, text } = await tlsExchange(gateway.port, { servername, maxVersion });
        expect(text).toContain("HTTP/1.1");
        expect(session).toBeDefined();
        const stolen = await tlsExchange(gateway.port, { ...SHOP, maxVersion, ...(session && { session }) });
        expect(stolen).toMatchObject({ text: "", resumed: false });
      }
    },
  );

  test("are remembered by a session, good ones and bad ones", async () => {
    const gateway = await start(https("https", { clientValidation: required }));
    gateway.engine.ticketKeys = Buffer.alloc(48, 7);
    const first = await tlsExchange(gateway.port, by(known));
    const again = await tlsExchange(gateway.port, {
      ...SHOP,
      ...(first.session && { session: first.session }),
    });
    expect(again).toMatchObject({ resumed: true });
    expect(again.text).toContain("200 OK");
    const bad = await tlsExchange(gateway.port, by(stranger));
    const badAgain = await tlsExchange(gateway.port, {
      ...SHOP,
      ...(bad.session && { session: bad.session }),
    });
    expect(badAgain.text).toBe("");
  });
});

describe("a reload", () => {
  test("shows the new certificate to new clients, and leaves those that are there alone", async () => {
    const gateway = await start(https("https"));
    const early = tlsConnect(gateway.port, SHOP);
    early.setEncoding("latin1");
    await new Promise((done) => early.once("secureConnect", done));
    const renewed = certificate(authority.issue({ names: ["shop.example"], commonName: "renewed" }));
    const next = await serving(https("https", { certificates: [renewed] }));
    await gateway.serve({ ...next, version: 2 });
    expect((await tlsExchange(gateway.port, SHOP)).shown).toBe("renewed");
    early.write(GET);
    const [answer] = (await new Promise((done) => early.once("data", (text) => done([text])))) as [string];
    expect(answer).toContain("200 OK");
  });

  test("does not end sessions, unless clients must show other certificates from now on", async () => {
    const gateway = await start(https("https"));
    gateway.engine.ticketKeys = Buffer.alloc(48, 7);
    const { session } = await tlsExchange(gateway.port, SHOP);
    const resume = () => tlsExchange(gateway.port, { ...SHOP, ...(session && { session }) });
    await gateway.serve({
      ...(await serving(https("https", { certificates: [named("shop.example")] }))),
      version: 2,
    });
    expect((await resume()).resumed).toBe(true);
    const validation: ClientValidation = {
      mode: "allowInsecureFallback",
      trust: [{ id: "ca", certificates: clients.certificate }],
    };
    await gateway.serve({ ...(await serving(https("https", { clientValidation: validation }))), version: 3 });
    expect((await resume()).resumed).toBe(false);
  });
});

test("two workers with the same ticket keys resume each other's sessions, and with new keys nobody's", async () => {
  const [one, two] = await Promise.all([start(https("https")), start(https("https"))]);
  one.engine.ticketKeys = Buffer.alloc(48, 1);
  two.engine.ticketKeys = Buffer.alloc(48, 1);
  const { session } = await tlsExchange(one.port, SHOP);
  const resume = () => tlsExchange(two.port, { ...SHOP, ...(session && { session }) });
  expect((await resume()).resumed).toBe(true);
  two.engine.ticketKeys = Buffer.alloc(48, 2);
  expect((await resume()).resumed).toBe(false);
});

test("a certificate whose key is another's refuses its clients and nobody else's", async () => {
  const mixed = { ...shop, privateKey: other.privateKey };
  const listeners = [
    https("mixed", { certificates: [mixed] }, "shop.example"),
    https("good", {}, "good.example"),
  ];
  const defects: string[] = [];
  const gateway = await startLoopbackGateway(await serving(...listeners), {}, (message) =>
    defects.push(message),
  );
  expect((await tlsExchange(gateway.port, SHOP)).error).toMatch(/INTERNAL_ERROR/);
  expect((await tlsExchange(gateway.port, { servername: "good.example" })).text).toMatch(/^HTTP/);
  expect(defects).toHaveLength(1);
});

test("clients beyond the limit are closed, and those whose handshake does not come on make room", async () => {
  const gateway = await startLoopbackGateway(await serving(https("https")), { maxConnections: 1 });
  const silent = new RawClient(gateway.port);
  await new Promise((done) => silent.socket.once("connect", done));
  expect((await tlsExchange(gateway.port, SHOP)).text).toBe("");
  expect(silent.closed).toBe(false);
});

test("a thousand handshakes that are broken off leave nothing behind", async () => {
  const gateway = await start(https("https"));
  const hello = await helloBytes();
  for (let batch = 0; batch < 20; batch += 1) {
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        abort(gateway.port, hello.subarray(0, index % 2 === 0 ? 60 : hello.length)),
      ),
    );
  }
  await expect.poll(() => gateway.engine.connections).toBe(0);
  const handles = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
  await expect.poll(handles).toBeLessThan(20);
  expect((await tlsExchange(gateway.port, SHOP)).text).toContain("200 OK");
});

/** Connects, sends the beginning of a handshake, and resets the connection. */
function abort(port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connectPlain(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.write(bytes, () => socket.resetAndDestroy());
  });
}

/** A whole ClientHello. */
async function helloBytes(): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const endpoint = await startRawOrigin((socket) => socket.once("data", resolve));
  tlsConnect(endpoint.port, SHOP).on("error", () => {});
  return promise;
}
