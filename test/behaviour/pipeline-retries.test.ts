// Retries: when a request is sent again, where to, how soon, and with what.
import { describe, expect, test } from "vitest";
import { ProxyError, type RetryVerdict } from "../../src/dataplane/proxy-error.ts";
import type { Backend, LoadBalancer, Retry, Rule } from "../../src/model/index.ts";
import { MemoryGateway, settled } from "../support/memory-gateway.ts";
import { backend, cookieSession, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const A = "10.0.0.1:80";
const B = "10.0.0.2:80";
const C = "10.0.0.3:80";
const web = backend("web", [endpoint(A), endpoint(B), endpoint(C)]);
const alone = backend("alone", [endpoint(A)]);

const RETRY: Retry = {
  attempts: 2,
  statusCodes: [503],
  onConnectionError: true,
  onTimeout: true,
  baseBackoffMs: 0,
  maxBackoffMs: 0,
};

function gatewayTo(to: Backend, rule: Partial<Rule> = {}, options = {}): MemoryGateway {
  return new MemoryGateway(snapshotOf({ backends: [to], rules: [forwardRule([to], rule)] }), options);
}

function failure(code: string, retry: RetryVerdict = "never"): ProxyError {
  return new ProxyError(code, "upstream", "test", { retry });
}

const unreachable = () => failure("connect-failed", "yes");
const lost = () => failure("upstream-closed");

function addresses(gateway: MemoryGateway): string[] {
  return gateway.endpoints.received.map((stream) => stream.endpoint.address);
}

function retriesFor(gateway: MemoryGateway, reason: string): number | undefined {
  return gateway.sample("limpet_upstream_retries_total", { reason });
}

describe("without a rule for it", () => {
  test("an endpoint that cannot be reached sends the request to another, whatever the method", () => {
    const gateway = gatewayTo(web);
    const client = gateway.request({ method: "POST" });
    gateway.endpoints.last.fail(unreachable());
    gateway.endpoints.last.answer(200, [], "ok");
    expect(client.body.text).toBe("ok");
    const [first, second, ...more] = addresses(gateway);
    expect(first).not.toBe(second);
    expect(more).toEqual([]);
    expect(retriesFor(gateway, "connect-failed")).toBe(1);
    expect(gateway.observed).toEqual([
      [first, "connect-failed"],
      [second, 200],
    ]);
    expect(gateway.log).toMatchObject([{ upstreamAddress: second, status: 200, error: undefined }]);
  });

  test("to one other only", () => {
    const gateway = gatewayTo(web);
    const client = gateway.request();
    gateway.endpoints.last.fail(unreachable());
    gateway.endpoints.last.fail(unreachable());
    expect(client.response?.status).toBe(503);
    expect(gateway.endpoints.received).toHaveLength(2);
    expect(gateway.log).toMatchObject([{ error: "connect-failed" }]);
  });

  test("not where there is no other", () => {
    const gateway = gatewayTo(alone);
    const client = gateway.request();
    gateway.endpoints.last.fail(unreachable());
    expect(client.response?.status).toBe(503);
    expect(gateway.endpoints.received).toHaveLength(1);
  });

  test("with the body that was meant for the one that could not be reached", async () => {
    const gateway = gatewayTo(web);
    const client = gateway.request({ method: "POST", bodyLength: -1 });
    client.send("one ");
    await settled();
    gateway.endpoints.last.fail(unreachable());
    expect(gateway.endpoints.last.body.text).toBe("one ");
    client.send("two");
    client.sendEnd(["x-sum", "7"]);
    await settled();
    expect(gateway.endpoints.last.body).toMatchObject({ text: "one two", trailers: ["x-sum", "7"] });
    gateway.endpoints.last.answer(200);
    expect(gateway.keptBytes.held).toBe(0);
  });

  test("not with a body that is larger than what is kept", async () => {
    const gateway = gatewayTo(web, {}, { retryBufferSize: 4 });
    const client = gateway.request({ method: "POST", bodyLength: -1 });
    client.send("too long");
    await settled();
    gateway.endpoints.last.fail(unreachable());
    expect(client.response?.status).toBe(503);
    expect(gateway.keptBytes.held).toBe(0);
  });

  test("a connection that is lost half-way ends it", () => {
    const gateway = gatewayTo(web);
    const client = gateway.request();
    gateway.endpoints.last.fail(lost());
    expect(client.response?.status).toBe(502);
    expect(gateway.endpoints.received).toHaveLength(1);
  });
});

describe("by the rule", () => {
  test("an endpoint that came meanwhile gets the request", () => {
    const rule = { retry: { ...RETRY, baseBackoffMs: 100, maxBackoffMs: 100 } };
    const before = forwardRule([alone], rule);
    const gateway = new MemoryGateway(snapshotOf({ backends: [alone], rules: [before] }));
    const client = gateway.request();
    gateway.endpoints.last.fail(unreachable());
    const grown = { ...alone, endpoints: [endpoint(A), endpoint(B)] };
    gateway.serve(snapshotOf({ backends: [grown], rules: [before] }));
    gateway.pass(100);
    gateway.endpoints.last.fail(unreachable());
    gateway.pass(100);
    gateway.endpoints.last.answer(200, [], "ok");
    expect(client.body.text).toBe("ok");
    expect(addresses(gateway)).toEqual([A, A, B]);
  });

  test("where its backend is no more, the request goes on where it was", () => {
    const gateway = gatewayTo(alone, { retry: RETRY });
    const client = gateway.request();
    gateway.serve(snapshotOf({ backends: [web], rules: [forwardRule([web])] }));
    gateway.endpoints.last.fail(unreachable());
    gateway.endpoints.last.answer(200, [], "ok");
    expect(client.body.text).toBe("ok");
    expect(addresses(gateway)).toEqual([A, A]);
  });

  test("a status that it names is thrown away, for so many attempts", () => {
    const gateway = gatewayTo(web, { retry: RETRY });
    const client = gateway.request({ method: "POST" });
    gateway.endpoints.last.answer(503, [], "no");
    gateway.endpoints.last.answer(503, [], "no");
    expect(client.response).toBeUndefined();
    gateway.endpoints.last.answer(503, [], "still no");
    expect(client.response?.status).toBe(503);
    expect(client.body.text).toBe("still no");
    expect(new Set(addresses(gateway)).size).toBe(3);
    expect(retriesFor(gateway, "status")).toBe(2);
    expect(gateway.log).toMatchObject([{ status: 503, error: undefined }]);
  });

  test("other statuses pass", () => {
    const gateway = gatewayTo(web, { retry: RETRY });
    const client = gateway.request();
    gateway.endpoints.last.answer(500);
    expect(client.response?.status).toBe(500);
  });

  test("the connection of a short answer serves again, that of a long one is closed", () => {
    const gateway = gatewayTo(alone, { retry: RETRY });
    gateway.request();
    gateway.endpoints.last.answer(503, [], "no");
    expect(gateway.endpoints.connections).toHaveLength(2);
    expect(gateway.endpoints.connections[0]?.closed).toBe(false);
    gateway.endpoints.last.answerHead(503, [], 1_000_000);
    expect(gateway.endpoints.connections[1]?.closed).toBe(true);
    gateway.endpoints.last.answer(200);
  });

  test("an answer of unknown length is read for a while", () => {
    const gateway = gatewayTo(alone, { retry: RETRY });
    gateway.request();
    const first = gateway.endpoints.last;
    first.answerHead(503);
    first.answerData("x".repeat(60_000));
    expect(first.aborted).toBe(false);
    first.answerData("x".repeat(60_000));
    expect(first.aborted).toBe(true);
    gateway.endpoints.last.answer(200);
    expect(gateway.log).toMatchObject([{ status: 200 }]);
  });

  test.each([
    ["a connection that is lost", lost(), { onConnectionError: true }, true],
    ["a connection that is lost", lost(), { onConnectionError: true, onlyUnopened: true }, false],
    ["a connection that is lost", lost(), { onConnectionError: false }, false],
    ["one that cannot be opened", unreachable(), { onConnectionError: true, onlyUnopened: true }, true],
    ["silence", failure("upstream-timeout"), { onTimeout: true }, true],
    ["silence", failure("upstream-timeout"), { onTimeout: false }, false],
    ["what is no HTTP", failure("upstream-protocol"), {}, false],
    ["a backend that is busy", failure("backend-busy"), {}, false],
  ])("%s: %o with %o: %s", (_, error, more, isRetried) => {
    const gateway = gatewayTo(alone, { retry: { ...RETRY, ...more } });
    gateway.request({ method: "POST" });
    gateway.endpoints.last.fail(error);
    expect(gateway.endpoints.received).toHaveLength(isRetried ? 2 : 1);
  });

  test("connections that cannot be opened count as attempts", () => {
    const gateway = gatewayTo(web, { retry: RETRY });
    const client = gateway.request();
    for (let attempt = 0; attempt < 3; attempt++) gateway.endpoints.last.fail(unreachable());
    expect(client.response?.status).toBe(503);
    expect(new Set(addresses(gateway)).size).toBe(3);
    expect(retriesFor(gateway, "connect-failed")).toBe(2);
  });

  test("an attempt that takes too long is followed by another", () => {
    const gateway = gatewayTo(web, { retry: RETRY, timeouts: { backendRequestMs: 200 } });
    const client = gateway.request();
    gateway.pass(200);
    expect(gateway.endpoints.received).toHaveLength(2);
    expect(gateway.endpoints.received[0]?.aborted).toBe(true);
    gateway.pass(199);
    gateway.endpoints.last.answer(200);
    expect(client.response?.status).toBe(200);
    expect(retriesFor(gateway, "timeout")).toBe(1);
    expect(gateway.observed[0]?.[1]).toBe("attempt-timeout");
  });

  test("a timeout of its own for each attempt", () => {
    const retry = { ...RETRY, attemptTimeoutMs: 50 };
    const gateway = gatewayTo(web, { retry, timeouts: { backendRequestMs: 200 } });
    gateway.request();
    gateway.pass(50);
    expect(gateway.endpoints.received).toHaveLength(2);
  });

  test("the time of the whole exchange ends all of it", () => {
    const retry = { ...RETRY, baseBackoffMs: 100, maxBackoffMs: 1_000, minBackoffMs: 100 };
    const gateway = gatewayTo(web, { retry, timeouts: { requestMs: 150 } });
    const client = gateway.request();
    gateway.endpoints.last.answer(503);
    gateway.pass(100);
    gateway.endpoints.last.answer(503);
    gateway.pass(50);
    expect(client.response?.status).toBe(504);
    expect(gateway.alarms.count).toBe(0);
    expect(gateway.log).toMatchObject([{ error: "exchange-timeout" }]);
  });

  test("waits between attempts are drawn between the least and what doubles", () => {
    const retry = { ...RETRY, attempts: 4, baseBackoffMs: 100, maxBackoffMs: 500, minBackoffMs: 100 };
    const gateway = gatewayTo(alone, { retry });
    gateway.randomValue = 0.5;
    gateway.request();
    const waits = [1, 2, 3, 4].map((count) => {
      gateway.endpoints.last.answer(503);
      const since = gateway.nowMs;
      while (gateway.endpoints.received.length === count) gateway.pass(1);
      return gateway.nowMs - since;
    });
    // Between 100 and 100, 300, 500 (not 700), 500.
    expect(waits).toEqual([100, 200, 300, 300]);
  });

  test("a client that leaves between two attempts ends it", () => {
    const retry = { ...RETRY, baseBackoffMs: 100, maxBackoffMs: 100, minBackoffMs: 100 };
    const gateway = gatewayTo(web, { retry });
    const client = gateway.request();
    gateway.endpoints.last.answer(503);
    client.disappear();
    gateway.pass(1_000);
    expect(gateway.endpoints.received).toHaveLength(1);
    expect(gateway.log).toMatchObject([{ status: 499 }]);
  });

  test("interim answers of an attempt that is thrown away do no harm", () => {
    const gateway = gatewayTo(web, { retry: RETRY });
    const client = gateway.request();
    gateway.endpoints.last.inform(103);
    gateway.endpoints.last.answer(503);
    gateway.endpoints.last.answer(200);
    expect([client.informed, client.response?.status]).toEqual([[103], 200]);
  });

  test("late words of the first attempt reach nobody", () => {
    const gateway = gatewayTo(web, { retry: RETRY, timeouts: { backendRequestMs: 50 } });
    const client = gateway.request();
    const first = gateway.endpoints.last;
    gateway.pass(50);
    first.answerHead(200);
    first.answerData("late");
    gateway.endpoints.last.answer(200, [], "on time");
    expect(client.body.text).toBe("on time");
  });
});

describe("a body", () => {
  test("is sent again as far as it has come, and the rest follows", async () => {
    const gateway = gatewayTo(web, { retry: RETRY });
    const client = gateway.request({ method: "POST", bodyLength: 9 });
    client.send("one ");
    await settled();
    const first = gateway.endpoints.last;
    first.fail(lost());
    client.send("two");
    client.send(" 3");
    client.sendEnd();
    await settled();
    expect(first.body.text).toBe("one ");
    expect(gateway.endpoints.last.body).toMatchObject({ text: "one two 3", trailers: [] });
    gateway.endpoints.last.answer(503);
    expect(gateway.endpoints.last.body).toMatchObject({ text: "one two 3", trailers: [] });
    gateway.endpoints.last.answer(200);
    expect(gateway.keptBytes.held).toBe(0);
  });

  test("waits while nobody is there to take it", async () => {
    const retry = { ...RETRY, baseBackoffMs: 100, maxBackoffMs: 100, minBackoffMs: 100 };
    const gateway = gatewayTo(web, { retry });
    const client = gateway.request({ method: "POST", bodyLength: -1 });
    client.send("one ");
    await settled();
    gateway.endpoints.last.fail(lost());
    expect(client.bodyPaused).toBe(true);
    client.send("two");
    client.sendEnd();
    gateway.pass(100);
    await settled();
    expect(gateway.endpoints.last.body).toMatchObject({ text: "one two", ended: true });
  });

  test("goes slowly to an endpoint that is slow", async () => {
    const gateway = gatewayTo(web, { retry: RETRY });
    const client = gateway.request({ method: "POST", bodyLength: -1 });
    client.send("one ");
    await settled();
    const first = gateway.endpoints.last;
    first.fail(lost());
    const second = gateway.endpoints.last;
    second.body.slow = true;
    client.send("two ");
    client.send("three");
    await settled();
    expect(second.body.text).toBe("one two ");
    second.takeMore();
    await settled();
    expect(second.body.text).toBe("one two three");
  });

  test("that is gone is never sent again: the answer passes as it is", async () => {
    const gateway = gatewayTo(web, { retry: RETRY }, { retryBufferSize: 6 });
    const client = gateway.request({ method: "POST", bodyLength: -1 });
    client.send("1234");
    client.send("5678");
    client.sendEnd();
    await settled();
    gateway.endpoints.last.answer(503, [], "sorry");
    expect(client.body.text).toBe("sorry");
    expect(gateway.endpoints.received).toHaveLength(1);
    expect(gateway.keptBytes.held).toBe(0);
  });

  test("of known length that is too large is not kept at all", async () => {
    const gateway = gatewayTo(web, { retry: RETRY }, { retryBufferSize: 6 });
    const client = gateway.request({ method: "POST", bodyLength: 7 });
    client.send("12");
    await settled();
    expect(gateway.keptBytes.held).toBe(0);
    client.disappear();
  });

  test("is forgotten with the head of the answer that passes", async () => {
    const gateway = gatewayTo(web, { retry: RETRY });
    const client = gateway.request({ method: "POST", bodyLength: -1 });
    client.send("abc");
    await settled();
    expect(gateway.keptBytes.held).toBe(3);
    gateway.endpoints.last.answerHead(200);
    expect(gateway.keptBytes.held).toBe(0);
    client.send("def");
    await settled();
    expect([gateway.keptBytes.held, gateway.endpoints.last.body.text]).toEqual([0, "abcdef"]);
  });
});

describe("where to", () => {
  test("a hash leads to its next preference", async () => {
    const maglev: LoadBalancer = { kind: "maglev", tableSize: 1021, useHostname: false };
    const hashing = { ...web, loadBalancer: maglev };
    const hashPolicies = [{ kind: "header", name: "x-user", terminal: false }] as const;
    const gateway = gatewayTo(hashing, { retry: RETRY, hashPolicies });
    const paths = [];
    for (let count = 0; count < 2; count++) {
      gateway.request({ fields: ["x-user", "ada"] });
      await settled();
      await settled();
      gateway.endpoints.last.answer(503);
      gateway.endpoints.last.answer(200);
      paths.push(addresses(gateway).splice(-2));
    }
    expect(paths[0]).toEqual(paths[1]);
    expect(paths[0]?.[0]).not.toBe(paths[0]?.[1]);
  });

  test("a single endpoint is tried again", () => {
    const gateway = gatewayTo(alone, { retry: RETRY });
    gateway.request();
    gateway.endpoints.last.answer(503);
    gateway.endpoints.last.answer(200);
    expect(addresses(gateway)).toEqual([A, A]);
  });

  test("an endpoint with too much to do is not chosen", () => {
    const gateway = gatewayTo(backend("two", [endpoint(A), endpoint(B)]), {}, { maxRequestsPerEndpoint: 1 });
    gateway.randomValue = 0;
    gateway.request();
    gateway.randomValue = 0.9;
    const client = gateway.request();
    expect(addresses(gateway)).toEqual([A, B]);
    gateway.endpoints.last.fail(unreachable());
    expect(client.response?.status).toBe(503);
    expect(gateway.log).toMatchObject([{ error: "connect-failed" }]);
  });

  test("filters of the next backendRef take the place of the last one's", () => {
    const one = backend("one", [endpoint(A)]);
    const two = backend("two", [endpoint(B)]);
    const set = (name: string) => ({
      kind: "requestHeaders" as const,
      edit: { set: [{ name: `x-${name}`, value: name }], add: [], remove: ["x-secret"] },
    });
    const rule = forwardRule([], {
      retry: RETRY,
      filters: [{ kind: "rewrite", path: { kind: "prefix", prefix: "/", value: "/rule" } }],
      action: {
        kind: "forward",
        backends: [
          {
            backend: one.id,
            weight: 1,
            filters: [set("one"), { kind: "rewrite", hostname: "one.example" }],
          },
          { backend: two.id, weight: 1, filters: [set("two")] },
        ],
      },
    });
    const gateway = new MemoryGateway(snapshotOf({ backends: [one, two], rules: [rule] }));
    gateway.randomValue = 0;
    gateway.request({ method: "TRACE", path: "/a", fields: ["x-secret", "1", "max-forwards", "5"] });
    const first = gateway.endpoints.last;
    gateway.randomValue = 0.9;
    first.answer(503);
    const second = gateway.endpoints.last;
    const seen = [first, second].map((stream) => [
      stream.authority,
      stream.path,
      stream.values("x-one"),
      stream.values("x-two"),
      stream.values("x-forwarded-for"),
      stream.values("max-forwards"),
    ]);
    expect(seen).toEqual([
      ["one.example", "/rule/a", ["one"], [], ["192.0.2.7"], ["4"]],
      ["shop.example", "/rule/a", [], ["two"], ["192.0.2.7"], ["4"]],
    ]);
  });
});

describe("a session", () => {
  const session = cookieSession("home");

  function homeOf(gateway: MemoryGateway): string {
    const client = gateway.request();
    gateway.endpoints.last.answer(200);
    return client.responseFields("set-cookie").join().split(";")[0] as string;
  }

  function tokenOf(address: string): string {
    return Buffer.from(`\n\x0b${address}`, "latin1").toString("base64");
  }

  test("begins at the endpoint that answered", () => {
    const gateway = gatewayTo(web, { session });
    const client = gateway.request();
    gateway.endpoints.last.fail(unreachable());
    const { address } = gateway.endpoints.last.endpoint;
    gateway.endpoints.last.answer(200);
    expect(client.responseFields("set-cookie").join()).toContain(tokenOf(address));
    expect(address).not.toBe(addresses(gateway)[0]);
  });

  test("moves to the endpoint that answered in place of its own", () => {
    const gateway = gatewayTo(web, { session, retry: RETRY });
    const cookie = homeOf(gateway);
    const client = gateway.request({ fields: ["cookie", cookie] });
    const home = gateway.endpoints.last.endpoint.address;
    gateway.endpoints.last.answer(503);
    const moved = gateway.endpoints.last.endpoint.address;
    gateway.endpoints.last.answer(200);
    expect(moved).not.toBe(home);
    expect(client.responseFields("set-cookie").join()).toContain(tokenOf(moved));
    expect(gateway.log.at(-1)?.affinity?.outcome).toBe("moved");
  });

  describe("at an endpoint that drains, whose new connection dies without a byte,", () => {
    const leaving = backend("web", [endpoint(A, { health: "draining" }), endpoint(B), endpoint(C)]);
    const reset = () => failure("upstream-closed", "unanswered");
    const ask = (gateway: MemoryGateway, method = "GET") =>
      gateway.request({ method, fields: ["cookie", `home="${tokenOf(A)}"`] });

    test("is asked for there once more", () => {
      const gateway = gatewayTo(leaving, { session });
      const client = ask(gateway);
      gateway.endpoints.last.fail(reset());
      gateway.endpoints.last.answer(200);
      expect(addresses(gateway)).toEqual([A, A]);
      expect(client.response?.status).toBe(200);
      expect(retriesFor(gateway, "endpoint-drains")).toBe(1);
      expect(gateway.log.at(-1)?.affinity?.outcome).toBe("kept");
    });

    test.each([
      ["where nobody listens there any more", unreachable],
      ["where that dies too", reset],
    ])("moves %s", (_, then) => {
      const gateway = gatewayTo(leaving, { session });
      const client = ask(gateway);
      gateway.endpoints.last.fail(reset());
      gateway.endpoints.last.fail(then());
      gateway.endpoints.last.answer(200);
      expect(addresses(gateway).slice(0, 2)).toEqual([A, A]);
      expect([B, C]).toContain(gateway.endpoints.last.endpoint.address);
      expect(client.response?.status).toBe(200);
      expect(gateway.log.at(-1)?.affinity?.outcome).toBe("moved");
    });

    test("is not asked for twice with a POST", () => {
      const gateway = gatewayTo(leaving, { session });
      const client = ask(gateway, "POST");
      gateway.endpoints.last.fail(reset());
      expect(addresses(gateway)).toEqual([A]);
      expect(client.response?.status).toBe(502);
    });
  });

  test("stays where it was when nobody answers", () => {
    const gateway = gatewayTo(web, { session });
    const cookie = homeOf(gateway);
    const client = gateway.request({ fields: ["cookie", cookie] });
    gateway.endpoints.last.fail(unreachable());
    gateway.endpoints.last.fail(unreachable());
    expect(client.response?.status).toBe(503);
    expect(client.responseFields("set-cookie")).toEqual([]);
  });

  test("that may not move is tried where it is, and nowhere else", () => {
    const strict = cookieSession("home", { onLost: { action: "reject", status: 503 } });
    const gateway = gatewayTo(web, { session: strict, retry: RETRY });
    const cookie = homeOf(gateway);
    const client = gateway.request({ fields: ["cookie", cookie] });
    for (let attempt = 0; attempt < 3; attempt++) gateway.endpoints.last.fail(unreachable());
    expect(client.response?.status).toBe(503);
    expect(new Set(addresses(gateway).slice(1)).size).toBe(1);
    expect(addresses(gateway)).toHaveLength(4);
    expect(client.responseFields("set-cookie")).toEqual([]);
  });

  test("that may not move is not sent elsewhere by the gateway either", () => {
    const strict = cookieSession("home", { onLost: { action: "reject", status: 503 } });
    const gateway = gatewayTo(web, { session: strict });
    const cookie = homeOf(gateway);
    gateway.request({ fields: ["cookie", cookie] });
    gateway.endpoints.last.fail(unreachable());
    expect(gateway.endpoints.received).toHaveLength(2);
    expect(gateway.log.at(-1)).toMatchObject({ status: 503, error: "connect-failed" });
  });
});

describe("a session that may not move, whose endpoint leaves while it connects,", () => {
  const strict = cookieSession("home", { onLost: { action: "reject", status: 410 } });
  const rest = backend("web", [endpoint(B), endpoint(C)]);
  const askForA = (rule: Partial<Rule>, then: Backend) => {
    const gateway = gatewayTo(web, { session: strict, ...rule });
    const token = Buffer.from(`\n\x0b${A}`, "latin1").toString("base64");
    const client = gateway.request({ fields: ["cookie", `home="${token}"`] });
    gateway.serve(
      snapshotOf({ backends: [then], rules: [forwardRule([then], { session: strict, ...rule })] }),
    );
    gateway.endpoints.last.fail(unreachable());
    return { gateway, client };
  };

  test.each([
    ["without a rule for retries", {}],
    ["whatever the rule says of retries", { retry: RETRY }],
  ])("is lost, and answered so, %s", (_, rule) => {
    const { gateway, client } = askForA(rule, rest);
    expect(client.response?.status).toBe(410);
    expect(addresses(gateway)).toEqual([A]);
    expect(gateway.log.at(-1)).toMatchObject({ status: 410, error: "session-rejected" });
    expect(gateway.log.at(-1)?.affinity?.outcome).toBe("rejected");
    expect(retriesFor(gateway, "connect-failed")).toBeUndefined();
  });

  test("is not lost while the endpoint is there", () => {
    const { gateway, client } = askForA({}, backend("web", [endpoint(A), endpoint(B)]));
    expect(client.response?.status).toBe(503);
    expect(gateway.log.at(-1)).toMatchObject({ error: "connect-failed" });
    expect(gateway.log.at(-1)?.affinity?.outcome).toBe("kept");
  });
});

describe("what the backend puts up with", () => {
  test("a budget that is spent gives 503", () => {
    const retryBudget = { percent: 0, intervalMs: 10_000, minimum: { count: 1, intervalMs: 1_000 } };
    const gateway = gatewayTo({ ...alone, retryBudget }, { retry: { ...RETRY, statusCodes: [500] } });
    const first = gateway.request();
    gateway.endpoints.last.answer(500);
    gateway.endpoints.last.answer(200);
    expect(first.response?.status).toBe(200);
    const second = gateway.request();
    gateway.endpoints.last.answer(500, [], "mine");
    expect(second.response?.status).toBe(503);
    expect(second.body.text).toContain("retry-budget-spent");
    gateway.pass(1_000);
    const third = gateway.request();
    gateway.endpoints.last.answer(500);
    gateway.endpoints.last.answer(200);
    expect(third.response?.status).toBe(200);
  });

  test("so many retries at a time: beyond, the first answer passes", () => {
    const retry = { ...RETRY, baseBackoffMs: 100, maxBackoffMs: 100, minBackoffMs: 100 };
    const gateway = gatewayTo({ ...alone, limits: { maxRetries: 1 } }, { retry });
    const first = gateway.request();
    gateway.endpoints.last.answer(503);
    const second = gateway.request();
    gateway.endpoints.last.answer(503, [], "no");
    expect(second.body.text).toBe("no");
    gateway.pass(100);
    gateway.endpoints.last.answer(200);
    expect(first.response?.status).toBe(200);
    const third = gateway.request();
    gateway.endpoints.last.answer(503);
    third.disappear();
    const fourth = gateway.request();
    gateway.endpoints.last.answer(503);
    gateway.pass(100);
    gateway.endpoints.last.answer(200);
    expect(fourth.response?.status).toBe(200);
  });
});
