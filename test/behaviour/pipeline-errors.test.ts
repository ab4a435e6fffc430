// The pipeline when something goes wrong: each failure has its status, its code, one line in the log, and no leftovers.
import { describe, expect, test } from "vitest";
import { ProxyError, type RetryVerdict } from "../../src/dataplane/proxy-error.ts";
import type { Rule } from "../../src/model/index.ts";
import { MemoryGateway, settled } from "../support/memory-gateway.ts";
import { listener, match, prefix, route } from "../support/routes.ts";
import { backend, cookieSession, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const web = backend("web", [endpoint("10.0.0.1:80")]);

function upstreamError(code: string, retry: RetryVerdict = "never"): ProxyError {
  return new ProxyError(code, "upstream", "test", { retry });
}

function gatewayWithRule(rule: Rule): MemoryGateway {
  return new MemoryGateway(snapshotOf({ backends: [web], rules: [rule] }));
}

describe("answers without an endpoint", () => {
  test.each([
    ["/../secret", 400, "bad-path"],
    ["/a#b", 400, "bad-path"],
    ["/elsewhere", 404, "no-route"],
  ])("%s gets %i %s", (path, status, code) => {
    const gateway = gatewayWithRule(forwardRule([web], { matches: [match(prefix("/shop"))] }));
    const client = gateway.request({ path });
    expect(client.response?.status).toBe(status);
    expect(client.body.text).toContain(`(${code}, request `);
    expect(client.body.ended).toBe(true);
    expect(gateway.log).toMatchObject([{ status, error: code, path }]);
    expect(gateway.endpoints.received).toEqual([]);
  });

  test("a host that no listener serves gets 404 and the log names no listener", () => {
    const on = listener("shop", "shop.example");
    const gateway = new MemoryGateway(
      snapshotOf({ listeners: [on], backends: [web], routes: [route("shop", on, [], forwardRule([web]))] }),
    );
    expect(gateway.request({ authority: "other.example" }).response?.status).toBe(404);
    expect(gateway.request({ authority: "shop.example" }).response).toBeUndefined();
    expect(gateway.log).toMatchObject([{ error: "no-listener", listener: undefined, route: undefined }]);
  });

  test("a rule in error answers with its status", () => {
    const gateway = gatewayWithRule(
      forwardRule([web], { action: { kind: "respond", status: 500, reason: "unhandled filter" } }),
    );
    expect(gateway.request().response?.status).toBe(500);
    expect(gateway.log).toMatchObject([{ error: "rule-in-error", rule: "all" }]);
  });

  test("a backend that does not exist answers 500, one without endpoints 503", () => {
    const missing = gatewayWithRule(
      forwardRule([], { action: { kind: "forward", backends: [{ weight: 1, filters: [] }] } }),
    );
    expect(missing.request().response?.status).toBe(500);
    const empty = new MemoryGateway(snapshotOf({ backends: [backend("web", [])] }));
    const client = empty.request();
    expect(client.response?.status).toBe(503);
    expect(client.responseFields("retry-after")).toEqual(["1"]);
  });

  test("JSON is for those who ask for it, and HEAD gets no body", () => {
    const gateway = gatewayWithRule(forwardRule([web], { matches: [match(prefix("/shop"))] }));
    const json = gateway.request({ fields: ["accept", "application/json", "x-request-id", "r-1"] });
    expect(JSON.parse(json.body.text)).toMatchObject({ error: "no-route", request_id: "r-1" });
    expect(json.responseFields("content-type")).toEqual(["application/json"]);
    const head = gateway.request({ method: "HEAD" });
    expect(head.response?.length).toBeGreaterThan(0);
    expect(head.body).toMatchObject({ text: "", trailers: [] });
  });
});

describe("the endpoint fails", () => {
  test.each([
    ["connect-failed", 503],
    ["connect-timeout", 504],
    ["upstream-timeout", 504],
    ["upstream-closed", 502],
    ["upstream-protocol", 502],
    ["a-code-of-a-protocol-to-come", 502],
  ])("%s before the head gives %i", (code, status) => {
    const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
    const client = gateway.request();
    gateway.endpoints.last.fail(upstreamError(code));
    expect(client.response?.status).toBe(status);
    expect(gateway.log).toMatchObject([{ status, error: code, upstreamAddress: "10.0.0.1:80" }]);
    expect(gateway.sample("limpet_errors_total", { code })).toBe(1);
  });

  test("after the head the client's body is cut short", () => {
    const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
    const client = gateway.request();
    gateway.endpoints.last.answerHead(200, [], 10);
    gateway.endpoints.last.answerData("abc");
    gateway.endpoints.last.fail(upstreamError("upstream-closed"));
    expect(client.body).toMatchObject({ text: "abc", ended: false });
    expect(client.aborted?.code).toBe("upstream-closed");
    expect(gateway.log).toMatchObject([{ status: 200, error: "upstream-closed", bytesOut: 3 }]);
  });

  test("an endpoint that could not be reached issues no session", () => {
    const gateway = gatewayWithRule(forwardRule([web], { session: cookieSession("home") }));
    const client = gateway.request();
    gateway.endpoints.last.fail(upstreamError("connect-failed", "yes"));
    expect(client.responseFields("set-cookie")).toEqual([]);
    expect(gateway.sample("limpet_upstream_connect_failures_total", { backend: web.id })).toBe(1);
  });
});

describe("a reused connection dies before any byte of the answer", () => {
  /** A second request, on the connection of the first. */
  function reuse(method: string, bodyLength = 0) {
    const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
    gateway.request();
    gateway.endpoints.last.answer(200);
    const client = gateway.request({ method, bodyLength });
    return { gateway, client };
  }
  const death = () => upstreamError("upstream-closed", "unanswered");

  test("an idempotent request is sent once more, on a new connection to the same endpoint", () => {
    const { gateway, client } = reuse("GET");
    gateway.endpoints.last.fail(death());
    expect(gateway.endpoints.received).toHaveLength(3);
    expect(gateway.endpoints.last.reused).toBe(false);
    gateway.endpoints.last.answer(200, [], "at last");
    expect(client.body.text).toBe("at last");
    expect(gateway.sample("limpet_upstream_retries_total", { backend: web.id })).toBe(1);
    expect(gateway.log).toHaveLength(2);
  });

  test("once only", () => {
    const { gateway, client } = reuse("GET");
    gateway.endpoints.last.fail(death());
    gateway.endpoints.last.fail(death());
    expect(gateway.endpoints.received).toHaveLength(3);
    expect(client.response?.status).toBe(502);
  });

  test("not a POST", () => {
    const { gateway, client } = reuse("POST");
    gateway.endpoints.last.fail(death());
    expect(gateway.endpoints.received).toHaveLength(2);
    expect(client.response?.status).toBe(502);
  });

  test("not once a body was sent", async () => {
    const { gateway, client } = reuse("PUT", 6);
    client.send("abc");
    await settled();
    gateway.endpoints.last.fail(death());
    expect(client.response?.status).toBe(502);
  });

  test("a PUT whose body has not begun is sent again with it", async () => {
    const { gateway, client } = reuse("PUT", 3);
    gateway.endpoints.last.fail(death());
    client.send("abc");
    client.sendEnd();
    await settled();
    expect(gateway.endpoints.last.body).toMatchObject({ text: "abc", ended: true });
  });

  test("a fresh connection is not tried again", () => {
    const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
    const client = gateway.request();
    gateway.endpoints.last.fail(death());
    expect(client.response?.status).toBe(502);
  });
});

describe("the client goes away", () => {
  const gone = () => new ProxyError("client-closed", "downstream", "test");

  test("its endpoint's exchange is given up, and the log says so once", () => {
    const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
    const client = gateway.request();
    client.leave(gone());
    client.leave(gone());
    expect(gateway.endpoints.last.aborted).toBe(true);
    expect(gateway.log).toMatchObject([{ status: 499, error: "client-closed" }]);
    expect(gateway.sample("limpet_requests_in_flight")).toBe(0);
  });

  test("after the head, its status stays", () => {
    const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
    const client = gateway.request();
    gateway.endpoints.last.answerHead(200);
    client.leave(gone());
    expect(gateway.endpoints.last.aborted).toBe(true);
    expect(gateway.log).toMatchObject([{ status: 200, error: "client-closed" }]);
  });

  test("what the endpoint says afterwards reaches nobody", () => {
    const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
    const client = gateway.request();
    client.leave(gone());
    gateway.endpoints.last.answer(200, [], "too late");
    expect(client.response).toBeUndefined();
    expect(gateway.log).toHaveLength(1);
  });
});

test("a defect of the gateway gives 500 and goes to the log of the process, not to the client", () => {
  const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
  const broken = new Error("boom");
  gateway.pipeline.plan = {
    ...gateway.pipeline.plan,
    planOf: () => {
      throw broken;
    },
  };
  const client = gateway.request();
  expect(client.response?.status).toBe(500);
  expect(client.body.text).not.toContain("boom");
  expect(gateway.defects).toEqual(["a stage of the pipeline failed: boom"]);
});

test("a response that cannot be edited gives 500 and lets go of the endpoint", () => {
  const gateway = gatewayWithRule(forwardRule([web], { session: cookieSession("home") }));
  const client = gateway.request();
  const { wallMs } = gateway.clock;
  gateway.clock.wallMs = () => {
    throw new Error("no clock");
  };
  gateway.endpoints.last.answerHead(200);
  gateway.clock.wallMs = wallMs;
  expect(client.response?.status).toBe(500);
  expect(gateway.endpoints.last.aborted).toBe(true);
  expect(gateway.defects).toEqual(["editing a response failed: no clock"]);
});

test("a body that the protocol refuses half-way ends the endpoint's exchange", async () => {
  const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
  const client = gateway.request({ method: "POST", bodyLength: -1 });
  client.send("abc");
  await settled();
  client.leave(new ProxyError("body-too-large", "downstream", "test"));
  expect(gateway.endpoints.last).toMatchObject({ aborted: true, body: { text: "abc" } });
  expect(gateway.log).toMatchObject([{ status: 413, error: "body-too-large", bytesIn: 3 }]);
});

test("input that never became a request is logged without one", () => {
  const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
  const { connection } = gateway.request();
  gateway.pipeline.onRejected(connection, new ProxyError("bad-request", "downstream", "test"), 400);
  expect(gateway.log).toMatchObject([
    { status: 400, error: "bad-request", method: undefined, clientIp: "192.0.2.7" },
  ]);
  expect(gateway.sample("limpet_requests_rejected_total", { code: "bad-request" })).toBe(1);
});
