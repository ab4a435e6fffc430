// How backends are spoken to through the engine: TLS with WebSockets and rotation, PROXY headers, limits, and no leaks.
import type { RequestListener } from "node:http";
import type { TLSSocket } from "node:tls";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { Backend, BackendTls, Certificate, Endpoint } from "../../src/model/index.ts";
import { type Issued, makeAuthority } from "../support/certificates.ts";
import { type LoopbackGateway, startLoopbackGateway } from "../support/loopback-gateway.ts";
import { startOrigin, startRawOrigin, startTlsOrigin, type TlsOrigin } from "../support/origin.ts";
import { RawClient } from "../support/raw-client.ts";
import { listener, route } from "../support/routes.ts";
import { backend, forwardRule, snapshotOf } from "../support/snapshots.ts";

const authority = makeAuthority({ name: "endpoints" });
const shop = authority.issue({ names: ["shop.example"] });
const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

function trusting(...certificates: string[]): BackendTls {
  const trust = certificates.map((pem) => ({ id: "ConfigMap/default/ca", certificates: pem }));
  return { serverName: "shop.example", subjectAltNames: [], trust };
}

function startShop(settings: object, answer: RequestListener): Promise<TlsOrigin> {
  return startTlsOrigin({ key: shop.privateKey, cert: shop.chain, ...settings }, answer);
}

function gatewayTo(to: Endpoint, more: Partial<Backend>, options = {}): Promise<LoopbackGateway> {
  return startLoopbackGateway(snapshotOf({ backends: [backend("web", [to], more)] }), options);
}

async function answerOf(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  return `${answer.status} ${await answer.text()}`;
}

function sample(gateway: LoopbackGateway, name: string, label = ""): number {
  const found = gateway.engine
    .stats()
    .find((one) => one.name === name && Object.values(one.labels).includes(label || "Service/default/web"));
  return found?.value ?? 0;
}

describe("TLS", () => {
  test("requests arrive, and connections are used again", async () => {
    const { endpoint } = await startShop({}, (request, response) => {
      request.pipe(response);
    });
    const gateway = await gatewayTo(endpoint, { tls: trusting(authority.certificate) });
    const body = "x".repeat(1_000_000);
    for (let count = 0; count < 3; count += 1) {
      const answer = await fetch(`http://127.0.0.1:${gateway.port}/`, { method: "POST", body });
      expect(await answer.text()).toBe(body);
    }
    expect(sample(gateway, "limpet_upstream_connects_total")).toBe(1);
    expect(sample(gateway, "limpet_upstream_reuses_total")).toBe(2);
  });

  test("an endpoint with the wrong certificate gets nothing, and the client a 503", async () => {
    const answer = vi.fn<RequestListener>((_, response) => response.end());
    const { endpoint } = await startShop({}, answer);
    const gateway = await gatewayTo(endpoint, { tls: trusting(makeAuthority({ name: "x" }).certificate) });
    expect(await answerOf(gateway.port)).toMatch(/^503 .*upstream-tls/);
    expect(answer).not.toHaveBeenCalled();
    expect(sample(gateway, "limpet_upstream_connect_failures_total", "upstream-tls")).toBe(1);
    expect(gateway.warnings).toMatchObject([
      {
        message: "no secure connection to an endpoint can be made",
        backend: "Service/default/web",
        endpoint: endpoint.address,
        err: { code: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY" },
      },
    ]);
  });

  test("a WebSocket is spliced", async () => {
    const { endpoint, server } = await startShop({}, (_, response) => response.end());
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(`echo ${data}`)));
    onTestFinished(() => sockets.close());
    const gateway = await gatewayTo(endpoint, { tls: trusting(authority.certificate) });
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`);
    const large = "x".repeat(500_000);
    socket.on("open", () => socket.send(large));
    const echo = await new Promise((resolve) => socket.on("message", (data) => resolve(String(data))));
    expect(echo).toBe(`echo ${large}`);
    expect(sample(gateway, "limpet_upstream_connections", "busy")).toBe(1);
    socket.close();
    await expect.poll(() => sample(gateway, "limpet_upstream_connections", "busy")).toBe(0);
  });

  test("the listener's certificate is shown, and a new one is used as soon as it comes", async () => {
    const clients = makeAuthority({ name: "clients" });
    const shown: string[] = [];
    const { endpoint } = await startShop(
      { requestCert: true, ca: clients.certificate },
      (request, response) => {
        shown.push((request.socket as TLSSocket).getPeerCertificate().subject.CN as string);
        response.end();
      },
    );
    const issue = (name: string): Certificate => {
      const issued: Issued = clients.issue({ names: [name], client: true });
      return { id: "Secret/default/client", ...issued };
    };
    const web = backend("web", [endpoint], { tls: trusting(authority.certificate) });
    const snapshot = (version: number, certificate: Certificate) => {
      const on = { ...listener("http"), backendCertificate: certificate };
      const routes = [route("shop", on, [], forwardRule([web]))];
      return snapshotOf({ version, listeners: [on], backends: [web], routes });
    };
    const first = issue("first");
    const gateway = await startLoopbackGateway(snapshot(1, first));
    await answerOf(gateway.port);
    await gateway.serve(snapshot(2, { ...first }));
    await answerOf(gateway.port);
    expect(sample(gateway, "limpet_upstream_connects_total")).toBe(1);
    await gateway.serve(snapshot(3, issue("second")));
    await answerOf(gateway.port);
    expect(shown).toEqual(["first", "first", "second"]);
  });

  test("an authority that rotates is the one that counts for the next connection", async () => {
    const next = makeAuthority({ name: "next" });
    const { endpoint, server } = await startShop({}, (_, response) => response.end("ok"));
    const serve = (certificates: string[], version: number) =>
      snapshotOf({ version, backends: [backend("web", [endpoint], { tls: trusting(...certificates) })] });
    const gateway = await startLoopbackGateway(serve([authority.certificate], 1));
    expect(await answerOf(gateway.port)).toBe("200 ok");
    await gateway.serve(serve([authority.certificate, next.certificate], 2));
    const issued = next.issue({ names: ["shop.example"] });
    server.setSecureContext({ key: issued.privateKey, cert: issued.chain });
    expect(await answerOf(gateway.port)).toBe("200 ok");
    await gateway.serve(serve([authority.certificate], 3));
    expect(await answerOf(gateway.port)).toMatch(/^503 .*upstream-tls/);
  });

  test("20,000 requests over hundreds of connections leave no handle behind", {
    timeout: 120_000,
  }, async () => {
    const { endpoint } = await startShop({}, (_, response) => response.end("ok"));
    const gateway = await gatewayTo(endpoint, {
      tls: trusting(authority.certificate),
      limits: { maxRequestsPerConnection: 50 },
    });
    const handles = () => process.getActiveResourcesInfo().length;
    const round = async (count: number) => {
      const client = new RawClient(gateway.port);
      client.write(GET.repeat(count));
      const text = await client.until(
        (all) => all.length > 40 * count && all.split("\r\n\r\nok").length > count,
      );
      client.socket.destroy();
      return text.match(/HTTP\/1.1 200/g)?.length;
    };
    expect(await round(1000)).toBe(1000);
    await expect.poll(() => sample(gateway, "limpet_upstream_connections", "busy")).toBe(0);
    const before = handles();
    for (let count = 0; count < 20; count += 1) expect(await round(1000)).toBe(1000);
    expect(sample(gateway, "limpet_upstream_connects_total")).toBe(420);
    await expect.poll(handles).toBeLessThanOrEqual(before);
  });
});

describe("PROXY header", () => {
  test("an endpoint is told the client of each of its connections", async () => {
    const headers: string[] = [];
    const endpoint = await startRawOrigin((socket) => {
      socket.once("data", (first) => {
        const text = first.toString("latin1");
        headers.push(text.slice(0, text.indexOf("\r\n")));
        const answer = () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        if (text.includes("GET ")) answer();
        socket.on("data", answer);
      });
    });
    const gateway = await gatewayTo(endpoint, { proxyProtocol: "v1" });
    const clients = [new RawClient(gateway.port), new RawClient(gateway.port)];
    for (const round of [1, 2]) {
      for (const client of clients) {
        client.write(GET);
        await client.until((text) => text.split("\r\n\r\nok").length > round);
      }
    }
    expect(headers).toEqual(
      clients.map(({ socket }) => `PROXY TCP4 127.0.0.1 127.0.0.1 ${socket.localPort} ${gateway.port}`),
    );
  });
});

describe("limits", () => {
  const held: (() => void)[] = [];
  afterEach(() => {
    held.length = 0;
  });

  async function startBusy(limits: NonNullable<Backend["limits"]>, options = {}): Promise<LoopbackGateway> {
    const { endpoint } = await startOrigin((request, response) => {
      held.push(() => {
        request.pipe(response);
      });
    });
    return gatewayTo(endpoint, { limits }, options);
  }

  test("requests beyond the connections wait with their bodies, until there are too many", async () => {
    const gateway = await startBusy({ maxConnections: 1, maxPendingRequests: 1 });
    const post = async (body: string) => {
      const answer = await fetch(`http://127.0.0.1:${gateway.port}/`, { method: "POST", body });
      return [answer.status, answer.headers.get("retry-after"), (await answer.text()).length];
    };
    const first = post("a");
    await expect.poll(() => held.length).toBe(1);
    const second = post("b".repeat(400_000));
    await expect.poll(() => sample(gateway, "limpet_upstream_pending_requests")).toBe(1);
    const third = await fetch(`http://127.0.0.1:${gateway.port}/`);
    expect([third.status, third.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await third.text()).toContain("backend-busy");
    held[0]?.();
    expect(await first).toEqual([200, null, 1]);
    await expect.poll(() => held.length).toBe(2);
    held[1]?.();
    expect(await second).toEqual([200, null, 400_000]);
    expect(sample(gateway, "limpet_upstream_connects_total")).toBe(1);
    expect(sample(gateway, "limpet_upstream_limit_hits_total", "pending")).toBe(1);
  });

  test("a client that goes away while it waits takes its request along", async () => {
    const gateway = await startBusy({ maxConnections: 1 });
    const [first, second] = [new RawClient(gateway.port), new RawClient(gateway.port)];
    first.write(GET);
    await expect.poll(() => held.length).toBe(1);
    second.write(GET);
    await expect.poll(() => sample(gateway, "limpet_upstream_pending_requests")).toBe(1);
    second.socket.resetAndDestroy();
    await expect.poll(() => sample(gateway, "limpet_upstream_pending_requests")).toBe(0);
    held[0]?.();
    await first.until((text) => text.includes("200 OK"));
    expect(held).toHaveLength(1);
  });

  test("a worker has its share", async () => {
    const gateway = await startBusy({ maxRequests: 2 }, { workers: 2 });
    const client = new RawClient(gateway.port);
    client.write(GET);
    await expect.poll(() => held.length).toBe(1);
    expect(await answerOf(gateway.port)).toMatch(/^503 .*backend-busy/);
    held[0]?.();
    await client.until((text) => text.includes("200 OK"));
  });

  test("a WebSocket is one of the connections", async () => {
    const { endpoint, server } = await startOrigin((_, response) => response.end("ok"));
    const sockets = new WebSocketServer({ server });
    onTestFinished(() => sockets.close());
    const gateway = await gatewayTo(endpoint, { limits: { maxConnections: 1 } });
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`);
    await new Promise((resolve) => socket.on("open", resolve));
    const answer = answerOf(gateway.port);
    await expect.poll(() => sample(gateway, "limpet_upstream_pending_requests")).toBe(1);
    socket.close();
    expect(await answer).toBe("200 ok");
  });
});
