// The pipeline over an in-memory protocol: requests reach endpoints, answers reach clients, in neutral words alone.
import { expect, test } from "vitest";
import { MemoryGateway, settled } from "../support/memory-gateway.ts";
import { backend, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const web = backend("web", [endpoint("10.0.0.1:80")]);

test("a request without a body reaches the endpoint and its answer reaches the client", () => {
  const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
  const client = gateway.request({ path: "/cart?x=1", fields: ["accept", "text/html"] });
  const upstream = gateway.endpoints.last;
  expect(upstream.endpoint.address).toBe("10.0.0.1:80");
  expect([upstream.method, upstream.authority, upstream.path]).toEqual(["GET", "shop.example", "/cart?x=1"]);
  expect(upstream.values("accept")).toEqual(["text/html"]);
  expect(upstream.body.ended).toBe(true);
  upstream.answer(201, ["x-app", "1"], "made");
  expect(client.response).toEqual({ status: 201, fields: ["x-app", "1"], length: 4 });
  expect(client.body.text).toBe("made");
  expect(client.body.ended).toBe(true);
});

test("bodies and trailers pass both ways", async () => {
  const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
  const client = gateway.request({ method: "POST", bodyLength: -1 });
  client.send("one ");
  client.send("two");
  client.sendEnd(["x-sum", "7"]);
  await settled();
  const upstream = gateway.endpoints.last;
  expect(upstream.body.text).toBe("one two");
  expect(upstream.body.trailers).toEqual(["x-sum", "7"]);
  upstream.answerHead(200);
  upstream.answerData("three");
  upstream.answerEnd(["x-time", "1"]);
  expect(client.body.text).toBe("three");
  expect(client.body.trailers).toEqual(["x-time", "1"]);
});

test("a slow endpoint pauses the client, and the client goes on when it drains", async () => {
  const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
  const client = gateway.request({ method: "POST", bodyLength: 6 });
  const upstream = gateway.endpoints.last;
  upstream.body.slow = true;
  client.send("abc");
  client.send("def");
  await settled();
  expect(upstream.body.text).toBe("abc");
  expect(client.bodyPaused).toBe(true);
  upstream.takeMore();
  await settled();
  expect(upstream.body.text).toBe("abcdef");
});

test("a slow client pauses the endpoint, and the endpoint goes on when it drains", async () => {
  const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
  const client = gateway.request();
  client.body.slow = true;
  const upstream = gateway.endpoints.last;
  upstream.answerHead(200);
  upstream.answerData("abc");
  upstream.answerData("def");
  expect(client.body.text).toBe("abc");
  expect(upstream.bodyPaused).toBe(true);
  client.takeMore();
  await settled();
  expect(client.body.text).toBe("abcdef");
});

test("interim answers pass", () => {
  const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
  const client = gateway.request();
  gateway.endpoints.last.inform(103);
  gateway.endpoints.last.answer(200);
  expect(client.informed).toEqual([103]);
  expect(client.response?.status).toBe(200);
});

test("an answer before the end of the request body ends the exchange and spoils the endpoint's connection", async () => {
  const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
  const client = gateway.request({ method: "POST", bodyLength: 100 });
  client.send("abc");
  await settled();
  const upstream = gateway.endpoints.last;
  upstream.answer(413, [], "no");
  client.send("def");
  await settled();
  expect(client.body.text).toBe("no");
  expect(upstream.aborted).toBe(true);
  expect(upstream.body.text).toBe("abc");
  expect(gateway.log).toHaveLength(1);
});

test("dot segments are resolved before the request is forwarded", () => {
  const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
  gateway.request({ path: "/a/../b/%2e/c?d=/../e" });
  expect(gateway.endpoints.last.path).toBe("/b/c?d=/../e");
});

test("filters of the rule, then those of the chosen backendRef, change request and response", () => {
  const edit = (tag: string) => ({
    set: [{ name: "X-Set", value: tag }],
    add: [{ name: "X-Add", value: tag }],
    remove: [`x-remove-${tag}`],
  });
  const rule = forwardRule([web], {
    filters: [
      { kind: "requestHeaders", edit: edit("rule") },
      { kind: "responseHeaders", edit: edit("rule") },
    ],
    action: {
      kind: "forward",
      backends: [
        {
          backend: web.id,
          weight: 1,
          filters: [
            { kind: "requestHeaders", edit: edit("ref") },
            { kind: "responseHeaders", edit: edit("ref") },
          ],
        },
      ],
    },
  });
  const gateway = new MemoryGateway(snapshotOf({ backends: [web], rules: [rule] }));
  const fields = ["x-set", "old", "x-add", "old", "x-remove-rule", "1", "x-remove-ref", "1", "x-keep", "1"];
  const client = gateway.request({ fields });
  const upstream = gateway.endpoints.last;
  upstream.answer(200, fields);
  for (const values of [
    (name: string) => upstream.values(name),
    (name: string) => client.responseFields(name),
  ]) {
    expect(values("x-set")).toEqual(["ref"]);
    expect(values("x-add")).toEqual(["old", "rule", "ref"]);
    expect(values("x-remove-rule")).toEqual([]);
    expect(values("x-remove-ref")).toEqual([]);
    expect(values("x-keep")).toEqual(["1"]);
  }
});

test("a filter cannot change how a message is framed or whom it is for", () => {
  const rule = forwardRule([web], {
    filters: [
      {
        kind: "requestHeaders",
        edit: { set: [{ name: "Content-Length", value: "9" }], add: [], remove: ["host"] },
      },
    ],
  });
  const gateway = new MemoryGateway(snapshotOf({ backends: [web], rules: [rule] }));
  gateway.request({ fields: ["host", "shop.example"] });
  expect(gateway.endpoints.last.values("host")).toEqual(["shop.example"]);
  expect(gateway.endpoints.last.values("content-length")).toEqual([]);
});

test("connections are used again, the most recent one first", () => {
  const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
  gateway.request();
  gateway.request();
  const [first, second] = gateway.endpoints.received;
  second?.answer(200);
  first?.answer(200);
  gateway.request();
  expect(gateway.endpoints.connections).toHaveLength(2);
  expect(gateway.endpoints.connections[0]?.served).toBe(true);
  expect(gateway.endpoints.last.reused).toBe(true);
  expect(gateway.sample("limpet_upstream_connects_total", { backend: web.id })).toBe(2);
  expect(gateway.sample("limpet_upstream_reuses_total", { backend: web.id })).toBe(1);
});

test("a request in flight finishes on the snapshot that it began with", () => {
  const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
  const client = gateway.request();
  const upstream = gateway.endpoints.last;
  const other = backend("web", [endpoint("10.0.0.2:80")]);
  gateway.serve(snapshotOf({ version: 2, backends: [other] }));
  upstream.answer(200, [], "old");
  expect(client.body.text).toBe("old");
  expect(gateway.endpoints.connections[0]?.closed).toBe(true);
  gateway.request();
  expect(gateway.endpoints.last.endpoint.address).toBe("10.0.0.2:80");
});

test("OPTIONS * belongs to the host, and the asterisk stays", () => {
  const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
  gateway.request({ method: "OPTIONS", path: "*" });
  expect(gateway.endpoints.last.path).toBe("*");
});
