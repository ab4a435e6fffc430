// Timeouts of rules: for the whole exchange and for each attempt, before and after the head of a response.
import { describe, expect, test } from "vitest";
import type { Rule } from "../../src/model/index.ts";
import { MemoryGateway, settled } from "../support/memory-gateway.ts";
import { backend, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const web = backend("web", [endpoint("10.0.0.1:80")]);

function gatewayWith(rule: Partial<Rule>): MemoryGateway {
  return new MemoryGateway(snapshotOf({ backends: [web], rules: [forwardRule([web], rule)] }));
}

describe.each([
  ["requestMs", "exchange-timeout"],
  ["backendRequestMs", "attempt-timeout"],
] as const)("%s", (name, code) => {
  const timeouts = { [name]: 200 };

  test("gives 504 where no head has come, and lets go of the endpoint", () => {
    const gateway = gatewayWith({ timeouts });
    const client = gateway.request();
    gateway.pass(199);
    expect(client.response).toBeUndefined();
    gateway.pass(1);
    expect(client.response?.status).toBe(504);
    expect(gateway.endpoints.last.aborted).toBe(true);
    expect(gateway.log).toMatchObject([{ status: 504, error: code, durationMs: 200 }]);
    expect(gateway.observed).toEqual([["10.0.0.1:80", code]]);
    expect(gateway.alarms.count).toBe(0);
  });

  test("truncates what has begun, and holds nothing against the endpoint", () => {
    const gateway = gatewayWith({ timeouts });
    const client = gateway.request();
    gateway.pass(150);
    gateway.endpoints.last.answerHead(200);
    gateway.endpoints.last.answerData("abc");
    gateway.pass(50);
    expect(client.body).toMatchObject({ text: "abc", ended: false });
    expect(client.aborted?.code).toBe(code);
    expect(gateway.endpoints.last.aborted).toBe(true);
    expect(gateway.log).toMatchObject([{ status: 200, error: code }]);
    expect(gateway.observed).toEqual([["10.0.0.1:80", 200]]);
  });

  test("is forgotten once the answer is whole", () => {
    const gateway = gatewayWith({ timeouts });
    gateway.request();
    gateway.endpoints.last.answer(200);
    expect(gateway.alarms.count).toBe(0);
    gateway.pass(1_000);
    expect(gateway.log).toMatchObject([{ status: 200, error: undefined }]);
  });

  test("does not cut a WebSocket", () => {
    const gateway = gatewayWith({ timeouts });
    const client = gateway.request({ upgrade: "websocket" });
    gateway.endpoints.last.acceptUpgrade();
    expect(gateway.alarms.count).toBe(0);
    gateway.pass(1_000);
    expect(client.tunnel?.destroyed).toBe(false);
  });

  test("is forgotten when the client leaves", async () => {
    const gateway = gatewayWith({ timeouts });
    const client = gateway.request({ method: "POST", bodyLength: -1 });
    client.send("abc");
    await settled();
    client.disappear();
    expect(gateway.alarms.count).toBe(0);
    expect(gateway.log).toMatchObject([{ status: 499 }]);
  });
});

test("a body that is still on its way does not keep the client waiting", async () => {
  const gateway = gatewayWith({ timeouts: { requestMs: 200 } });
  const client = gateway.request({ method: "POST", bodyLength: 10 });
  client.send("abc");
  await settled();
  gateway.pass(200);
  expect(client.response?.status).toBe(504);
  client.send("defghij");
  client.sendEnd();
  await settled();
  expect(gateway.endpoints.last.body.text).toBe("abc");
});

test("waiting for a hash table counts", async () => {
  const hashing = { ...web, loadBalancer: { kind: "maglev", tableSize: 1021, useHostname: false } as const };
  const rule = forwardRule([hashing], {
    hashPolicies: [{ kind: "header", name: "x-user", terminal: false }],
    timeouts: { requestMs: 200 },
  });
  const gateway = new MemoryGateway(snapshotOf({ backends: [hashing], rules: [rule] }));
  const client = gateway.request({ fields: ["x-user", "ada"] });
  gateway.pass(200);
  expect(client.response?.status).toBe(504);
  await settled();
  await settled();
  expect(gateway.endpoints.received).toEqual([]);
});

test("rules without timeouts set no alarm", () => {
  const gateway = gatewayWith({});
  gateway.request();
  expect(gateway.alarms.count).toBe(0);
});
