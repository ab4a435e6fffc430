// Sessions of the application's own through the pipeline: the client holds them wrapped, the application never sees that.
import { describe, expect, test } from "vitest";
import { encodeEnvelope } from "../../src/affinity/token/envelope.ts";
import { ProxyError } from "../../src/dataplane/proxy-error.ts";
import type { Filter, Rule, SessionPersistence } from "../../src/model/index.ts";
import { MemoryGateway } from "../support/memory-gateway.ts";
import type { MemoryServerStream } from "../support/memory-protocol.ts";
import { backend, cookieSession, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const addresses = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"];
const web = backend(
  "web",
  addresses.map((address) => endpoint(address)),
);
const shadow = backend("shadow", [endpoint("10.0.0.9:80")]);

function wrappedHeader(more: Partial<SessionPersistence> = {}): SessionPersistence {
  return cookieSession("", {
    carrier: { kind: "wrappedHeader", name: "Mcp-Session-Id" },
    onLost: { action: "reject", status: 404, withoutSession: true },
    ...more,
  });
}

function gatewayWith(session: SessionPersistence, rule: Partial<Rule> = {}): MemoryGateway {
  return new MemoryGateway(
    snapshotOf({ backends: [web, shadow], rules: [forwardRule([web], { session, ...rule })] }),
  );
}

/** Begins a session: the application answers with its value; gives the token and the endpoint. */
function begun(gateway: MemoryGateway): { token: string; home: string } {
  const client = gateway.request({ method: "POST" });
  const { last } = gateway.endpoints;
  last.answer(200, ["mcp-session-id", "own"]);
  return { token: client.responseFields("mcp-session-id")[0] as string, home: last.endpoint.address };
}

function outcomes(gateway: MemoryGateway): unknown[] {
  return gateway.log.map(({ affinity }) => affinity?.outcome);
}

describe("a header of the application", () => {
  test("reaches the client wrapped and comes back unwrapped, to where it began", () => {
    const gateway = gatewayWith(wrappedHeader());
    const { token, home } = begun(gateway);
    expect(token).toBe(encodeEnvelope({ address: home, original: "own" }));
    for (const method of ["POST", "GET", "DELETE", "HEAD"]) {
      gateway.randomValue = method.length / 10;
      const client = gateway.request({ method, fields: ["accept", "*/*", "mcp-session-id", token] });
      const { last } = gateway.endpoints;
      expect([last.method, last.endpoint.address, last.values("mcp-session-id")]).toEqual([
        method,
        home,
        ["own"],
      ]);
      last.answer(200);
      expect(client.responseFields("mcp-session-id"), "the application said nothing").toEqual([]);
    }
    expect(outcomes(gateway)).toEqual(["new", "kept", "kept", "kept", "kept"]);
  });

  test("is wrapped alike in every response that has it, whatever the status", () => {
    const gateway = gatewayWith(wrappedHeader());
    const { token } = begun(gateway);
    for (const status of [200, 202, 304, 400, 500]) {
      const client = gateway.request({ fields: ["mcp-session-id", token] });
      gateway.endpoints.last.answer(status, ["mcp-session-id", "own"]);
      expect(client.responseFields("mcp-session-id")).toEqual([token]);
    }
  });

  test("no session begins before the application begins one", () => {
    const gateway = gatewayWith(wrappedHeader());
    for (const fields of [[], ["mcp-session-id", ""]]) {
      const client = gateway.request();
      gateway.endpoints.last.answer(200, fields);
      expect(client.responseFields("mcp-session-id").join("")).toBe("");
    }
  });

  test("a session that is lost, and a text that is none, get the status that says so", () => {
    const gateway = gatewayWith(wrappedHeader());
    const { token, home } = begun(gateway);
    const rest = { ...web, endpoints: web.endpoints.filter(({ address }) => address !== home) };
    const rule = forwardRule([rest], { session: wrappedHeader() });
    gateway.serve(snapshotOf({ version: 2, backends: [rest], rules: [rule] }));
    const asked = gateway.endpoints.received.length;
    for (const text of [
      token,
      "own",
      "x;UV:x",
      encodeEnvelope({ address: "10.9.9.9:80", original: "own" }),
    ]) {
      const client = gateway.request({ fields: ["mcp-session-id", text] });
      expect([text, client.response?.status]).toEqual([text, 404]);
    }
    expect(gateway.endpoints.received).toHaveLength(asked);
  });

  test("only its head is touched: the body streams on, and trailers stay as they are", () => {
    const gateway = gatewayWith(wrappedHeader());
    const client = gateway.request({ fields: ["accept", "text/event-stream"] });
    const { last } = gateway.endpoints;
    last.answerHead(200, ["mcp-session-id", "own", "content-type", "text/event-stream"]);
    expect(client.responseFields("mcp-session-id")).toHaveLength(1);
    last.answerData("data: own\n\n");
    expect(client.body.text).toBe("data: own\n\n");
    last.answerEnd(["mcp-session-id", "own"]);
    expect(client.body.trailers).toEqual(["mcp-session-id", "own"]);
  });

  test("a retry finds the same endpoint, and the same value", () => {
    const retry = {
      attempts: 2,
      statusCodes: [503],
      onConnectionError: true,
      onTimeout: true,
      baseBackoffMs: 0,
      maxBackoffMs: 0,
    };
    const gateway = gatewayWith(wrappedHeader(), { retry });
    const { token, home } = begun(gateway);
    const client = gateway.request({ fields: ["mcp-session-id", token] });
    gateway.endpoints.last.answer(503);
    gateway.endpoints.last.fail(new ProxyError("connect-failed", "upstream", "test", { retry: "yes" }));
    const { last } = gateway.endpoints;
    last.answer(200, ["mcp-session-id", "own"]);
    expect(client.response?.status).toBe(200);
    expect(client.responseFields("mcp-session-id")).toEqual([token]);
    expect(gateway.endpoints.received.slice(1).map((one) => one.endpoint.address)).toEqual([
      home,
      home,
      home,
    ]);
    expect(last.values("mcp-session-id")).toEqual(["own"]);
  });

  test("a session that begins with a retry begins where it was answered", () => {
    const gateway = gatewayWith(wrappedHeader());
    const client = gateway.request({ method: "POST" });
    gateway.endpoints.last.fail(new ProxyError("connect-failed", "upstream", "test", { retry: "yes" }));
    const { last } = gateway.endpoints;
    last.answer(200, ["mcp-session-id", "own"]);
    expect(gateway.endpoints.received).toHaveLength(2);
    expect(client.responseFields("mcp-session-id")).toEqual([
      encodeEnvelope({ address: last.endpoint.address, original: "own" }),
    ]);
  });

  test("a mirror gets what the endpoint gets", () => {
    const mirror: Filter = { kind: "mirror", backend: shadow.id, numerator: 1, denominator: 1 };
    const gateway = gatewayWith(wrappedHeader(), { filters: [mirror] });
    gateway.request({ method: "POST" });
    const first = gateway.endpoints.received.find((one) => one.endpoint.address !== "10.0.0.9:80");
    first?.answer(200, ["mcp-session-id", "own"]);
    const token = encodeEnvelope({ address: first?.endpoint.address as string, original: "own" });
    gateway.request({ fields: ["mcp-session-id", token] });
    const [copy, original] = gateway.endpoints.received.slice(-2);
    expect([copy?.endpoint.address, original?.endpoint.address]).toEqual([
      "10.0.0.9:80",
      first?.endpoint.address,
    ]);
    expect(copy?.values("mcp-session-id")).toEqual(["own"]);
    expect(original?.values("mcp-session-id")).toEqual(["own"]);
  });

  test("an upgrade is unwrapped and wrapped like any request", () => {
    const gateway = gatewayWith(wrappedHeader());
    const { token, home } = begun(gateway);
    const client = gateway.request({ upgrade: "websocket", fields: ["mcp-session-id", token] });
    const { last } = gateway.endpoints;
    expect([last.endpoint.address, last.values("mcp-session-id")]).toEqual([home, ["own"]]);
    last.acceptUpgrade(["mcp-session-id", "own"]);
    expect(client.response?.status).toBe(101);
    expect(client.responseFields("mcp-session-id")).toEqual([token]);
  });

  test("a filter that removes the application's field leaves nothing of it", () => {
    const remove: Filter = {
      kind: "responseHeaders",
      edit: { set: [], add: [], remove: ["Mcp-Session-Id"] },
    };
    const gateway = gatewayWith(wrappedHeader(), { filters: [remove] });
    const client = gateway.request();
    gateway.endpoints.last.answer(200, ["mcp-session-id", "own"]);
    expect(client.responseFields("mcp-session-id")).toEqual([]);
  });
});

describe("what cannot be wrapped is left out, and everything else passes", () => {
  const cookie: SessionPersistence["carrier"] = { kind: "wrappedCookie", name: "id" };
  const sealed: SessionPersistence["token"] = { format: "sealed", identity: "uid" };
  const long = "x".repeat(4097);

  test.each([
    ["a session that is to be sealed, without a key", sealed, "own"],
    ["a value above 4 KiB", { format: "envoy" } as const, long],
  ])("%s", (_, token, value) => {
    const ofHeader = gatewayWith(wrappedHeader({ token, noCache: true }));
    const first = ofHeader.request();
    ofHeader.endpoints.last.answer(200, ["mcp-session-id", value, "x-other", "1"]);
    expect(first.response?.fields).toEqual(["x-other", "1"]);

    const ofCookie = gatewayWith(wrappedHeader({ carrier: cookie, token, noCache: true }));
    const second = ofCookie.request();
    ofCookie.endpoints.last.answer(200, ["set-cookie", `id=${value}; Path=/`, "set-cookie", "a=1"]);
    expect(second.response?.fields).toEqual(["set-cookie", "a=1"]);
  });
});

describe("noCache", () => {
  const cached = ["cache-control", "public, max-age=60"];
  const controlOf = (client: MemoryServerStream) => client.responseFields("cache-control").join("; ");

  test.each([
    [true, "private, max-age=60"],
    [undefined, "public, max-age=60"],
  ])("%s: a response with a new token says so", (noCache, expected) => {
    const gateway = gatewayWith(cookieSession("home", noCache === undefined ? {} : { noCache }));
    const first = gateway.request();
    gateway.endpoints.last.answer(200, cached);
    expect(controlOf(first)).toBe(expected);
    const cookie = first.responseFields("set-cookie").join().split(";")[0] as string;
    const second = gateway.request({ fields: ["cookie", cookie] });
    gateway.endpoints.last.answer(200, cached);
    expect(controlOf(second), "without a new token").toBe("public, max-age=60");
  });

  test("of what filters say about caches nothing is left that invites them", () => {
    const set: Filter = {
      kind: "responseHeaders",
      edit: { set: [{ name: "Cache-Control", value: "public, s-maxage=60" }], add: [], remove: [] },
    };
    const gateway = gatewayWith(cookieSession("home", { noCache: true }), { filters: [set] });
    const client = gateway.request();
    gateway.endpoints.last.answer(200, ["cdn-cache-control", "max-age=60"]);
    expect(controlOf(client)).toBe("private");
    expect(client.responseFields("cdn-cache-control")).toEqual([]);
  });

  test("a wrapped session is kept out of caches where the application sets it, and only there", () => {
    const gateway = gatewayWith(wrappedHeader({ noCache: true }));
    const { token } = begun(gateway);
    const silent = gateway.request({ fields: ["mcp-session-id", token] });
    gateway.endpoints.last.answer(200, cached);
    expect(controlOf(silent)).toBe("public, max-age=60");
    const set = gateway.request({ fields: ["mcp-session-id", token] });
    gateway.endpoints.last.answer(200, [...cached, "mcp-session-id", "own"]);
    expect(controlOf(set)).toBe("private, max-age=60");
  });
});
