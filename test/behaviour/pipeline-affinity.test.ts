// Session persistence and affinity through the pipeline: clients come home, over a protocol that is not HTTP/1.1.
import { describe, expect, test } from "vitest";
import { ProxyError } from "../../src/dataplane/proxy-error.ts";
import type { LoadBalancer } from "../../src/model/index.ts";
import { seededRandom } from "../support/affinity.ts";
import { MemoryGateway, settled } from "../support/memory-gateway.ts";
import type { MemoryServerStream } from "../support/memory-protocol.ts";
import { backend, cookieSession, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const addresses = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"];
const web = backend(
  "web",
  addresses.map((address) => endpoint(address)),
);
const maglev: LoadBalancer = { kind: "maglev", tableSize: 1021, useHostname: false };

/** Sends a request, lets the endpoint answer, and gives the endpoint's address. */
function exchange(gateway: MemoryGateway, fields: readonly string[] = []): [string, MemoryServerStream] {
  const client = gateway.request({ fields });
  const upstream = gateway.endpoints.last;
  upstream.answer(200);
  return [upstream.endpoint.address, client];
}

function cookieOf(client: MemoryServerStream): string {
  return client.responseFields("set-cookie").join().split(";")[0] as string;
}

describe("a session in a cookie", () => {
  const snapshot = snapshotOf({
    backends: [web],
    rules: [forwardRule([web], { session: cookieSession("home") })],
  });

  test("is issued with the first answer, brings the client back, and is not issued again", () => {
    const gateway = new MemoryGateway(snapshot);
    const [home, first] = exchange(gateway);
    const cookie = cookieOf(first);
    expect(cookie).toBe(`home="${Buffer.from(`\n\x0b${home}`, "latin1").toString("base64")}"`);
    for (const randomValue of [0, 0.3, 0.6, 0.99]) {
      gateway.randomValue = randomValue;
      const [address, client] = exchange(gateway, ["cookie", cookie]);
      expect(address).toBe(home);
      expect(client.responseFields("set-cookie")).toEqual([]);
    }
    expect(gateway.log.map(({ affinity }) => affinity?.outcome)).toEqual([
      "new",
      "kept",
      "kept",
      "kept",
      "kept",
    ]);
    expect(gateway.sample("limpet_session_outcomes_total", { outcome: "kept" })).toBe(4);
  });

  test("moves when its endpoint is gone", () => {
    const gateway = new MemoryGateway(snapshot);
    const [home, first] = exchange(gateway);
    const rest = { ...web, endpoints: web.endpoints.filter(({ address }) => address !== home) };
    gateway.serve(
      snapshotOf({
        version: 2,
        backends: [rest],
        rules: [forwardRule([rest], { session: cookieSession("home") })],
      }),
    );
    const [moved, second] = exchange(gateway, ["cookie", cookieOf(first)]);
    expect(moved).not.toBe(home);
    expect(cookieOf(second)).not.toBe("");
    expect(gateway.log.at(-1)?.affinity?.outcome).toBe("moved");
  });

  test("is refused with the configured status where the configuration says so", () => {
    const session = cookieSession("home", { onLost: { action: "reject", status: 404 } });
    const gateway = new MemoryGateway(
      snapshotOf({ backends: [web], rules: [forwardRule([web], { session })] }),
    );
    const token = Buffer.from("\n\x0b10.0.0.9:80", "latin1").toString("base64");
    const client = gateway.request({ fields: ["cookie", `home="${token}"`] });
    expect(client.response?.status).toBe(404);
    expect(client.responseFields("set-cookie")).toEqual([]);
    expect(gateway.log).toMatchObject([{ affinity: { outcome: "rejected" }, error: "session-rejected" }]);
  });

  test("goes with the application's own cookies, and with its errors", () => {
    const gateway = new MemoryGateway(snapshot);
    const client = gateway.request();
    gateway.endpoints.last.answer(500, ["set-cookie", "app=1"]);
    expect(client.responseFields("set-cookie")).toHaveLength(2);
    expect(client.responseFields("set-cookie")[0]).toBe("app=1");
  });
});

test("a session in a header replaces the endpoint's own field", () => {
  const session = cookieSession("", { carrier: { kind: "header", name: "X-Session" } });
  const gateway = new MemoryGateway(
    snapshotOf({ backends: [web], rules: [forwardRule([web], { session })] }),
  );
  const client = gateway.request();
  const home = gateway.endpoints.last.endpoint.address;
  gateway.endpoints.last.answer(200, ["x-session", "theirs"]);
  const token = Buffer.from(home).toString("base64");
  expect(client.responseFields("x-session")).toEqual([token]);
  expect(exchange(gateway, ["x-session", token])[0]).toBe(home);
});

describe("hashing", () => {
  const hashing = { ...web, loadBalancer: maglev };
  const rule = forwardRule([hashing], {
    hashPolicies: [{ kind: "header", name: "x-user", terminal: false }],
  });
  const snapshot = snapshotOf({ backends: [hashing], rules: [rule] });

  test("the first requests wait for the table, which is built once, and agree", async () => {
    const gateway = new MemoryGateway(snapshot);
    gateway.request({ fields: ["x-user", "ada"] });
    gateway.request({ fields: ["x-user", "ada"] });
    expect(gateway.endpoints.received).toEqual([]);
    await settled();
    await settled();
    const [first, second] = gateway.endpoints.received;
    expect(first?.endpoint.address).toBe(second?.endpoint.address);
    gateway.request({ fields: ["x-user", "ada"] });
    expect(gateway.endpoints.last.endpoint.address).toBe(first?.endpoint.address);
    expect(gateway.endpoints.received).toHaveLength(3);
  });

  test("a client that leaves while the table is built is forgotten", async () => {
    const gateway = new MemoryGateway(snapshot);
    const client = gateway.request({ fields: ["x-user", "ada"] });
    client.leave(new ProxyError("client-closed", "downstream", "test"));
    await settled();
    await settled();
    expect(gateway.endpoints.received).toEqual([]);
    expect(gateway.log).toMatchObject([{ status: 499 }]);
    gateway.request({ fields: ["x-user", "ada"] });
    await settled();
    await settled();
    expect(gateway.endpoints.received).toHaveLength(1);
  });

  test("a request without a key is balanced plainly and counted", async () => {
    const gateway = new MemoryGateway(snapshot);
    gateway.request();
    await settled();
    await settled();
    expect(gateway.endpoints.received).toHaveLength(1);
    gateway.endpoints.last.answer(200);
    expect(gateway.sample("limpet_hash_key_missing_total")).toBe(1);
  });

  test("a table that is in use is ready before the next snapshot serves", async () => {
    const gateway = new MemoryGateway(snapshot);
    gateway.request({ fields: ["x-user", "ada"] });
    await settled();
    await settled();
    const fewer = { ...hashing, endpoints: hashing.endpoints.slice(0, 2) };
    const next = forwardRule([fewer], { hashPolicies: rule.hashPolicies });
    gateway.serve(snapshotOf({ version: 2, backends: [fewer], rules: [next] }));
    gateway.request({ fields: ["x-user", "ada"] });
    expect(gateway.endpoints.received).toHaveLength(2);
  });
});

test("least request knows what is in flight", () => {
  const two = { ...web, endpoints: web.endpoints.slice(0, 2) };
  const gateway = new MemoryGateway(snapshotOf({ backends: [two] }));
  const values = [0.1, 0.9];
  const counts = new Map<string, number>();
  for (let index = 0; index < 20; index++) {
    gateway.randomValue = values[index % 2] as number;
    gateway.request();
    const { address } = gateway.endpoints.last.endpoint;
    counts.set(address, (counts.get(address) ?? 0) + 1);
  }
  for (const upstream of gateway.endpoints.received) upstream.answer(200);
  expect([...counts.values()].reduce((sum, count) => sum + count)).toBe(20);
  expect(counts.size).toBe(2);
});

describe("hashing by the client's network", () => {
  const hashing = { ...web, loadBalancer: maglev };
  const policy = { kind: "sourceIp", v4PrefixBits: 24, v6PrefixBits: 56, terminal: false } as const;
  const snapshot = snapshotOf({
    backends: [hashing],
    rules: [forwardRule([hashing], { hashPolicies: [policy] })],
  });

  /** Where a client that the peer 192.0.2.7 speaks for is sent. */
  async function sentTo(gateway: MemoryGateway, forwardedFor: string): Promise<string> {
    const before = gateway.endpoints.received.length;
    gateway.request({ fields: ["x-forwarded-for", forwardedFor] });
    while (gateway.endpoints.received.length === before) await settled();
    gateway.endpoints.last.answer(200);
    return gateway.endpoints.last.endpoint.address;
  }

  const networks = Array.from({ length: 20 }, (_, net) => [
    `198.51.${net}.7`,
    `198.51.${net}.250`,
    `::ffff:198.51.${net}.9`,
  ]);

  test("keeps a network together, IPv4 written as IPv6 too, and networks apart", async () => {
    const gateway = new MemoryGateway(snapshot, { trustedProxies: ["192.0.2.0/24"] });
    const endpoints = new Set<string>();
    for (const clients of networks) {
      const seen = new Set<string>();
      for (const client of clients) seen.add(await sentTo(gateway, client));
      expect(seen.size).toBe(1);
      for (const address of seen) endpoints.add(address);
    }
    expect(endpoints.size).toBe(addresses.length);
  });

  test("does not believe a peer that nobody trusts", async () => {
    const gateway = new MemoryGateway(snapshot);
    const seen = new Set<string>();
    for (const [client = ""] of networks) seen.add(await sentTo(gateway, client));
    expect(seen.size).toBe(1);
  });
});

test("sessions begin at the endpoint whose sessions ask for least", () => {
  const two = { ...web, endpoints: web.endpoints.slice(0, 2) };
  const gateway = new MemoryGateway(
    snapshotOf({ backends: [two], rules: [forwardRule([two], { session: cookieSession("home") })] }),
  );
  const [busy, first] = exchange(gateway);
  for (let i = 0; i < 50; i++) exchange(gateway, ["cookie", cookieOf(first)]);
  Object.defineProperty(gateway, "randomValue", { get: seededRandom(1) });
  const begun = Array.from({ length: 30 }, () => exchange(gateway)[0]);
  // One of four draws finds the other endpoint in 15 of 16 cases.
  expect(begun.filter((address) => address === busy).length).toBeLessThan(8);
});
