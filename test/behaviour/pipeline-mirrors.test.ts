// Mirrors: copies of requests that nobody waits for and that can harm nobody.
import { describe, expect, test } from "vitest";
import { ProxyError } from "../../src/dataplane/proxy-error.ts";
import type { Backend, Filter, Rule } from "../../src/model/index.ts";
import { MemoryGateway, settled } from "../support/memory-gateway.ts";
import type { MemoryClientStream } from "../support/memory-protocol.ts";
import { backend, cookieSession, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const MAIN = "10.0.0.1:80";
const web = backend("web", [endpoint(MAIN)]);
const shadow = backend("shadow", [endpoint("10.0.0.8:80")]);
const second = backend("second", [endpoint("10.0.0.9:80")]);

function mirror(to: Backend, numerator = 1, denominator = 1): Filter {
  return { kind: "mirror", backend: to.id, numerator, denominator };
}

function gatewayWith(rule: Partial<Rule>, backends = [web, shadow, second], options = {}): MemoryGateway {
  return new MemoryGateway(snapshotOf({ backends, rules: [forwardRule([web], rule)] }), options);
}

function at(gateway: MemoryGateway, to: Backend): MemoryClientStream[] {
  const addresses = to.endpoints.map(({ address }) => address);
  return gateway.endpoints.received.filter(({ endpoint: one }) => addresses.includes(one.address));
}

function counted(gateway: MemoryGateway, result: string): number | undefined {
  return gateway.sample("limpet_mirrored_requests_total", { backend: shadow.id, result });
}

test("gets the request as the endpoint gets it, and its answer goes nowhere", () => {
  const gateway = gatewayWith({
    filters: [
      mirror(shadow),
      { kind: "rewrite", hostname: "inner.example", path: { kind: "prefix", prefix: "/", value: "/v2" } },
      {
        kind: "requestHeaders",
        edit: { set: [{ name: "x-set", value: "1" }], add: [], remove: ["x-gone"] },
      },
    ],
  });
  const client = gateway.request({ path: "/a?b=1", fields: ["x-gone", "1", "x-kept", "1"] });
  const [copy] = at(gateway, shadow);
  const [original] = at(gateway, web);
  expect([copy?.method, copy?.authority, copy?.path]).toEqual(["GET", "inner.example", "/v2/a?b=1"]);
  expect(copy?.fields).toEqual(original?.fields);
  copy?.answer(500, ["x-from", "shadow"], "never seen");
  expect(client.response).toBeUndefined();
  original?.answer(200, [], "seen");
  expect(client.body.text).toBe("seen");
  expect(client.responseFields("x-from")).toEqual([]);
  expect(gateway.log).toHaveLength(1);
  expect(gateway.log).toMatchObject([{ upstreamAddress: MAIN, bytesOut: 4 }]);
  expect(counted(gateway, "answered")).toBe(1);
});

test("several of a rule and one of its backendRef get a copy each", () => {
  const gateway = gatewayWith({
    filters: [mirror(shadow), mirror(second)],
    action: { kind: "forward", backends: [{ backend: web.id, weight: 1, filters: [mirror(shadow)] }] },
  });
  gateway.request();
  expect([at(gateway, shadow).length, at(gateway, second).length, at(gateway, web).length]).toEqual([
    2, 1, 1,
  ]);
});

test.each([
  [1, 4, 250],
  [0, 1, 0],
  [3, 3, 1_000],
])("%i of %i requests are drawn", (numerator, denominator, expected) => {
  const gateway = gatewayWith({ filters: [mirror(shadow, numerator, denominator)] });
  for (let index = 0; index < 1_000; index++) {
    gateway.randomValue = index / 1_000;
    gateway.request();
    for (const stream of gateway.endpoints.received.splice(0)) {
      if (stream.endpoint.address !== MAIN) gateway.defects.push("copy");
      stream.answer(200);
    }
  }
  expect(gateway.defects).toHaveLength(expected);
  expect(counted(gateway, "answered") ?? 0).toBe(expected);
});

describe("a body", () => {
  test("is copied as it comes, with its trailers", async () => {
    const gateway = gatewayWith({ filters: [mirror(shadow)] });
    const client = gateway.request({ method: "POST", bodyLength: -1 });
    client.send("one ");
    client.send("two");
    client.sendEnd(["x-sum", "7"]);
    await settled();
    for (const stream of gateway.endpoints.received) {
      expect(stream.body).toMatchObject({ text: "one two", trailers: ["x-sum", "7"] });
    }
    expect(gateway.endpoints.received).toHaveLength(2);
  });

  test("does not wait for a mirror that is slow, which is given up when too much waits for it", async () => {
    const gateway = gatewayWith({ filters: [mirror(shadow)] });
    const client = gateway.request({ method: "POST", bodyLength: -1 });
    const [copy] = at(gateway, shadow);
    (copy as MemoryClientStream).body.slow = true;
    client.send("x".repeat(60_000));
    await settled();
    expect(client.bodyPaused).toBe(false);
    expect(copy?.aborted).toBe(false);
    client.send("x".repeat(60_000));
    client.send("end");
    client.sendEnd();
    await settled();
    expect(copy?.aborted).toBe(true);
    const [original] = at(gateway, web);
    expect(original?.body).toMatchObject({ ended: true });
    expect(original?.body.text).toHaveLength(120_003);
    original?.answer(200, [], "ok");
    expect(client.body.text).toBe("ok");
    expect(counted(gateway, "dropped")).toBe(1);
  });

  test("goes on to a mirror that was slow for a while", async () => {
    const gateway = gatewayWith({ filters: [mirror(shadow)] });
    const client = gateway.request({ method: "POST", bodyLength: -1 });
    const [copy] = at(gateway, shadow);
    for (let round = 0; round < 4; round++) {
      (copy as MemoryClientStream).body.slow = true;
      client.send("x".repeat(40_000));
      await settled();
      copy?.takeMore();
    }
    client.sendEnd();
    await settled();
    expect(copy?.aborted).toBe(false);
    expect(copy?.body.text).toHaveLength(160_000);
  });

  test("that breaks off takes its copy along", async () => {
    const gateway = gatewayWith({ filters: [mirror(shadow)] });
    const client = gateway.request({ method: "POST", bodyLength: 10 });
    client.send("abc");
    await settled();
    client.disappear();
    expect(at(gateway, shadow)[0]?.aborted).toBe(true);
    expect(gateway.traffic.mirrorsInFlight).toBe(0);
  });

  test("is not copied a second time when the request is sent again", async () => {
    const retry = {
      attempts: 1,
      statusCodes: [503],
      onConnectionError: true,
      onTimeout: true,
      baseBackoffMs: 0,
      maxBackoffMs: 0,
    };
    const gateway = gatewayWith({ filters: [mirror(shadow)], retry });
    const client = gateway.request({ method: "POST", bodyLength: 3 });
    client.send("abc");
    client.sendEnd();
    await settled();
    gateway.endpoints.last.answer(503);
    gateway.endpoints.last.answer(200);
    expect(at(gateway, web)).toHaveLength(2);
    expect(at(gateway, shadow).map(({ body }) => body.text)).toEqual(["abc"]);
    expect(client.response?.status).toBe(200);
  });
});

describe("cannot harm the request", () => {
  test.each([
    ["connect-failed", "yes"],
    ["upstream-closed", "never"],
  ] as const)("by %s", (code, retry) => {
    const gateway = gatewayWith({ filters: [mirror(shadow)] });
    const client = gateway.request();
    at(gateway, shadow)[0]?.fail(new ProxyError(code, "upstream", "test", { retry }));
    at(gateway, web)[0]?.answer(200, [], "ok");
    expect(client.body.text).toBe("ok");
    expect(counted(gateway, "failed")).toBe(1);
    expect(gateway.sample("limpet_errors_total")).toBeUndefined();
    expect(gateway.observed).toContainEqual(["10.0.0.8:80", code]);
  });

  test("by having no endpoints, or no such backend", () => {
    const gateway = gatewayWith({ filters: [mirror(shadow), mirror(second)] }, [web, backend("shadow", [])]);
    const client = gateway.request();
    gateway.endpoints.last.answer(200);
    expect(client.response?.status).toBe(200);
    expect(counted(gateway, "dropped")).toBe(1);
  });

  test("by answering without end", () => {
    const gateway = gatewayWith({ filters: [mirror(shadow)] });
    gateway.request();
    const [copy] = at(gateway, shadow);
    copy?.answerHead(200);
    copy?.answerData("x".repeat(70_000));
    expect(copy?.aborted).toBe(true);
    expect(gateway.traffic.mirrorsInFlight).toBe(0);
    expect([counted(gateway, "answered"), counted(gateway, "dropped")]).toEqual([1, undefined]);
  });

  test("by hanging: at so many no more copies are made", () => {
    const gateway = gatewayWith({ filters: [mirror(shadow)] }, undefined, { maxRequestsPerEndpoint: 2 });
    for (let count = 0; count < 4; count++) {
      gateway.request();
      at(gateway, web).at(-1)?.answer(200);
    }
    expect(at(gateway, shadow)).toHaveLength(2);
    expect(counted(gateway, "dropped")).toBe(2);
    for (const copy of at(gateway, shadow)) copy.answer(200);
    gateway.request();
    expect(at(gateway, shadow)).toHaveLength(3);
  });

  test("by its session: none begins there", () => {
    const gateway = gatewayWith({ filters: [mirror(shadow)], session: cookieSession("home") });
    const client = gateway.request();
    at(gateway, shadow)[0]?.answer(200);
    at(gateway, web)[0]?.answer(200);
    const token = Buffer.from(`\n\x0b${MAIN}`, "latin1").toString("base64");
    expect(client.responseFields("set-cookie")).toEqual([expect.stringContaining(token)]);
  });
});

test("its endpoint goes by the hash of its backend", async () => {
  const many = {
    ...backend(
      "shadow",
      [1, 2, 3, 4].map((id) => endpoint(`10.0.1.${id}:80`)),
    ),
    loadBalancer: { kind: "maglev", tableSize: 1021, useHostname: false } as const,
  };
  const hashPolicies = [{ kind: "header", name: "x-user", terminal: false }] as const;
  const gateway = gatewayWith({ filters: [mirror(many)], hashPolicies }, [web, many]);
  gateway.request({ fields: ["x-user", "ada"] });
  expect(counted(gateway, "dropped")).toBe(1);
  await settled();
  await settled();
  for (let count = 0; count < 8; count++) {
    gateway.randomValue = count / 8;
    gateway.request({ fields: ["x-user", "ada"] });
  }
  const addresses = at(gateway, many).map(({ endpoint: one }) => one.address);
  expect(addresses).toHaveLength(8);
  expect(new Set(addresses).size).toBe(1);
});

test("a WebSocket is not copied", () => {
  const gateway = gatewayWith({ filters: [mirror(shadow)] });
  gateway.request({ upgrade: "websocket" });
  expect(at(gateway, shadow)).toEqual([]);
});
