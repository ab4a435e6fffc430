// Every filter, timeouts and retries of an HTTPRoute, from the manifest to what client and endpoints see of them.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { gatewayYaml, serviceYaml } from "../support/manifests.ts";

interface Received {
  readonly line: string;
  readonly host: string | undefined;
  readonly header: string | undefined;
  readonly body: string;
}

/** An endpoint that remembers what it got. Under /flaky every other answer is a 503; under /slow there is none. */
class TestEndpoint {
  readonly received: Received[] = [];
  readonly #server = createServer((incoming, response) => this.#serve(incoming, response));

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #serve(incoming: IncomingMessage, response: ServerResponse): void {
    let body = "";
    incoming.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    incoming.on("end", () => {
      const line = `${incoming.method} ${incoming.url}`;
      this.received.push({
        line,
        host: incoming.headers.host,
        header: incoming.headersDistinct["x-a"]?.join(),
        body,
      });
      if (incoming.url === "/slow") return;
      const seen = this.received.filter((one) => one.line === line).length;
      response.writeHead(incoming.url === "/flaky" && seen % 2 === 1 ? 503 : 200, { "x-b": "endpoint" });
      response.end("served");
    });
  }
}

const ROUTE = `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  rules:
    - matches: [{path: {value: /old}}]
      filters:
        - type: RequestRedirect
          requestRedirect: {scheme: https, statusCode: 308, path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}
    - matches: [{path: {value: /rewritten/}}]
      filters:
        - {type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: x-a, value: rule}]}}
        - type: URLRewrite
          urlRewrite: {hostname: shop.internal, path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}
      backendRefs:
        - name: app
          port: 80
          filters:
            - {type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: x-a, value: reference}]}}
            - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-b, value: gateway}]}}
    - matches: [{path: {value: /mirrored}}]
      filters:
        - {type: RequestMirror, requestMirror: {backendRef: {name: shadow, port: 80}}}
        - {type: RequestMirror, requestMirror: {backendRef: {name: shadow, port: 80}, percent: 0}}
      backendRefs: [{name: app, port: 80}]
    - matches: [{path: {value: /shared}}]
      filters:
        - {type: CORS, cors: {allowOrigins: ["https://*.Example.com:443"], allowMethods: [PUT], maxAge: 60}}
      backendRefs: [{name: app, port: 80}]
    - matches: [{path: {value: /flaky}}]
      backendRefs: [{name: app, port: 80}]
      retry: {codes: [503], backoff: 50ms}
    - matches: [{path: {value: /slow}}]
      backendRefs: [{name: app, port: 80}]
      timeouts: {request: 200ms}
    - matches: [{path: {value: /half}}]
      backendRefs:
        - name: app
          port: 80
          filters: [{type: ExtensionRef, extensionRef: {group: example.com, kind: Filter, name: none}}]
`;

const app = new TestEndpoint();
const shadow = new TestEndpoint();
let port: number;
let gateway: Gateway;

beforeAll(async () => {
  port = await freePort();
  const services = serviceYaml("app", [await app.listen()]) + serviceYaml("shadow", [await shadow.listen()]);
  gateway = await startGateway({ files: { "all.yaml": gatewayYaml({ port }) + ROUTE + services } });
});

afterAll(async () => {
  await gateway?.stop();
  app.close();
  shadow.close();
});

test("a redirect names scheme, path and query of the new place", async () => {
  const answer = await send(port, { path: "/old/cart?x=1" });
  expect(answer.status).toBe(308);
  expect(answer.headers.location).toBe("https://www.example.com/new/cart?x=1");
});

test("host and path are rewritten, and headers by the rule first, then by the reference", async () => {
  const answer = await send(port, { path: "/rewritten/cart?x=1" });
  expect(answer.headers["x-b"]).toBe("gateway");
  expect(app.received.at(-1)).toMatchObject({
    line: "GET /cart?x=1",
    host: "shop.internal",
    header: "rule,reference",
  });
});

test("a mirror gets a copy with its body, and nothing of it reaches the client", async () => {
  const answer = await send(port, { method: "POST", path: "/mirrored", body: "three socks" });
  expect(answer.body).toBe("served");
  const copies = await eventually(
    async () => shadow.received,
    ({ length }) => length > 0,
  );
  expect(copies).toMatchObject([{ line: "POST /mirrored", host: "www.example.com", body: "three socks" }]);
});

test("a browser of an allowed origin may read, one of another may not", async () => {
  const ask = (origin: string) =>
    send(port, {
      method: "OPTIONS",
      path: "/shared",
      headers: { origin, "access-control-request-method": "PUT" },
    });
  const allowed = await ask("https://a.b.example.com");
  expect(allowed.headers).toMatchObject({
    "access-control-allow-origin": "https://a.b.example.com",
    "access-control-allow-methods": "PUT",
    "access-control-max-age": "60",
  });
  expect((await ask("https://example.org")).headers["access-control-allow-origin"]).toBeUndefined();
});

test("a status of the list is tried again, not before the backoff is over", async () => {
  const began = performance.now();
  expect((await send(port, { path: "/flaky" })).status).toBe(200);
  // A timer of Node.js may fire up to a millisecond early.
  expect(performance.now() - began).toBeGreaterThanOrEqual(49);
});

test("a request that takes too long is answered 504", async () => {
  expect((await send(port, { path: "/slow" })).status).toBe(504);
});

test("a reference with a filter that is not served answers 500 for its share", async () => {
  expect((await send(port, { path: "/half" })).status).toBe(500);
});
