// What an HTTPRoute can ask for beside forwarding, from a file through `limpet run` to the client.

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";

const RULES = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: features}
spec:
  parentRefs: [{name: edge}]
  rules:
    - name: redirect
      matches: [{path: {value: /old}}]
      filters:
        - type: RequestRedirect
          requestRedirect:
            scheme: https
            hostname: new.example
            path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}
            statusCode: 301
    - name: rewrite
      matches: [{path: {value: /api}}]
      filters:
        - type: URLRewrite
          urlRewrite:
            hostname: inner.example
            path: {type: ReplacePrefixMatch, replacePrefixMatch: /}
      backendRefs: [{name: sample, port: 80}]
    - name: cors
      matches: [{path: {value: /cors}}]
      filters:
        - type: CORS
          cors:
            allowOrigins: ["https://*.app.example"]
            allowMethods: [PUT]
            allowCredentials: true
            maxAge: 600
      backendRefs: [{name: sample, port: 80}]
    - name: mirror
      matches: [{path: {value: /mirror}}]
      filters:
        - type: RequestMirror
          requestMirror: {backendRef: {name: sample, port: 80}}
      backendRefs: [{name: sample, port: 80}]
    - name: slow
      matches: [{path: {value: /slow}}]
      timeouts: {request: 150ms}
      backendRefs: [{name: sample, port: 80}]
    - name: flaky
      matches: [{path: {value: /flaky}}]
      retry: {codes: [503], attempts: 3, backoff: 10ms}
      backendRefs: [{name: sample, port: 80}]
    - name: half
      matches: [{path: {value: /half}}]
      backendRefs: [{name: sample, port: 80}, {name: missing, port: 80}]
`;

let gateway: Gateway;
let port: number;
let origin: Server;
/** Requests that the endpoint got: path and host. */
const seen: [string | undefined, string | undefined][] = [];
let failures = 0;

beforeAll(async () => {
  origin = createServer((request: IncomingMessage, response) => {
    seen.push([request.url, request.headers.host]);
    request.resume();
    if (request.url === "/slow") return;
    if (request.url === "/flaky" && failures > 0) {
      failures -= 1;
      response.statusCode = 503;
    }
    response.end("sample");
  });
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  port = await freePort();
  const sample = sampleYaml([(origin.address() as AddressInfo).port]);
  gateway = await startGateway({
    files: { "gateway.yaml": gatewayYaml({ port }), "sample.yaml": sample, "features.yaml": RULES },
  });
});

afterAll(async () => {
  await gateway.stop();
  origin.closeAllConnections();
  origin.close();
});

test("a redirect", async () => {
  const answer = await send(port, { path: "/old/page?x=1" });
  expect([answer.status, answer.headers.location]).toEqual([301, "https://new.example/new/page?x=1"]);
});

test("a rewrite", async () => {
  await send(port, { path: "/api/items?x=1" });
  expect(seen.at(-1)).toEqual(["/items?x=1", "inner.example"]);
});

describe("CORS", () => {
  const origin = "https://shop.app.example";

  test("a preflight", async () => {
    const headers = { origin, "access-control-request-method": "PUT" };
    const answer = await send(port, { method: "OPTIONS", path: "/cors", headers });
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "PUT",
      "access-control-allow-credentials": "true",
      "access-control-max-age": "600",
    });
  });

  test("the request itself", async () => {
    const answer = await send(port, { method: "PUT", path: "/cors", headers: { origin }, body: "x" });
    expect([answer.body, answer.headers["access-control-allow-origin"]]).toEqual(["sample", origin]);
  });
});

test("a mirror", async () => {
  const before = seen.length;
  expect((await send(port, { path: "/mirror" })).body).toBe("sample");
  await eventually(
    async () => seen.length,
    (count) => count === before + 2,
  );
});

test("a timeout", async () => {
  const answer = await send(port, { path: "/slow" });
  expect(answer.status).toBe(504);
  const line = await gateway.waitForAccess(({ path }) => path === "/slow");
  expect(line).toMatchObject({ error: "exchange-timeout", rule: "slow" });
});

test("retries", async () => {
  failures = 3;
  expect((await send(port, { path: "/flaky", method: "POST", body: "x" })).status).toBe(200);
  failures = 4;
  expect((await send(port, { path: "/flaky" })).status).toBe(503);
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  expect(metrics).toMatch(/limpet_upstream_retries_total\{backend="[^"]*sample[^"]*",reason="status"\} 6/);
});

test("a reference that leads nowhere answers 500 for its share", async () => {
  const statuses = new Map<number, number>();
  for (let count = 0; count < 200; count++) {
    const { status } = await send(port, { path: "/half" });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  expect([...statuses.keys()].sort()).toEqual([200, 500]);
  // Of 200 at one half: outside of this once in a hundred thousand runs.
  expect(statuses.get(500)).toBeGreaterThan(68);
  expect(statuses.get(500)).toBeLessThan(132);
});
