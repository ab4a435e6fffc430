// JSESSIONID from end to end: a stateful application with three replicas keeps its own cookie, and the client comes home.
import { randomBytes } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { KeyRing } from "../../src/affinity/token/key-ring.ts";
import type {
  Backend,
  HashPolicy,
  LoadBalancer,
  Rule,
  SessionPersistence,
  Snapshot,
} from "../../src/model/index.ts";
import { type CartAnswer, type CartReplica, startCartReplica } from "../support/cart-application.ts";
import { cookiePair, send } from "../support/client.ts";
import { type LoopbackGateway, startLoopbackGateway } from "../support/loopback-gateway.ts";
import { startRawOrigin } from "../support/origin.ts";
import { RawClient } from "../support/raw-client.ts";
import { backend, cookieSession, forwardRule, snapshotOf } from "../support/snapshots.ts";

const SESSION: SessionPersistence = cookieSession("", {
  carrier: { kind: "wrappedCookie", name: "JSESSIONID" },
  token: { format: "sealed", identity: "uid" },
  scope: "HTTPRoute/default/shop/all/JSESSIONID",
});

let replicas: readonly CartReplica[];

beforeEach(async () => {
  replicas = await Promise.all(["one", "two", "three"].map((name) => startCartReplica(name)));
});

function snapshotWith(
  version: number,
  more: Partial<SessionPersistence> = {},
  gone?: CartReplica,
  ofBackend: Partial<Backend> = {},
  ofRule: Partial<Rule> = {},
): Snapshot {
  const left = replicas.filter((replica) => replica !== gone);
  const shop = backend(
    "shop",
    left.map(({ endpoint, name }) => ({ ...endpoint, uid: `uid-of-${name}` })),
    ofBackend,
  );
  return snapshotOf({
    version,
    backends: [shop],
    rules: [forwardRule([shop], { session: { ...SESSION, ...more }, ...ofRule })],
  });
}

async function startGateway(keys: KeyRing, more?: Partial<SessionPersistence>): Promise<LoopbackGateway> {
  const gateway = await startLoopbackGateway(snapshotWith(1, more));
  gateway.engine.sessionKeys = keys;
  return gateway;
}

function newKeys(): KeyRing {
  return new KeyRing([randomBytes(32)], randomBytes);
}

interface Visit extends CartAnswer {
  /** The Set-Cookie line of JSESSIONID. */
  readonly setCookie: string | undefined;
}

async function visit({ port }: LoopbackGateway, path: string, cookie?: string): Promise<Visit> {
  const answer = await send(port, { path, headers: cookie === undefined ? {} : { cookie } });
  expect(answer.status).toBe(200);
  return {
    ...(JSON.parse(answer.body) as CartAnswer),
    setCookie: answer.setCookie.find((line) => line.startsWith("JSESSIONID=")),
  };
}

function replicaOf({ replica }: Visit): CartReplica {
  return replicas.find(({ name }) => name === replica) as CartReplica;
}

test("the application sees its own value, and the client holds it sealed with the endpoint", async () => {
  const gateway = await startGateway(newKeys());
  const first = await visit(gateway, "/add/tea");
  const own = first.session as string;
  expect(first.setCookie).toMatch(/^JSESSIONID=[\w-]{60,}; Path=\/; HttpOnly;SameSite=lax$/);
  const token = cookiePair(first.setCookie);
  const inside = Buffer.from(token, "base64url").toString("latin1");
  for (const secret of [own, "127.0.0.1", `uid-of-${first.replica}`]) expect(inside).not.toContain(secret);
  for (let count = 2; count <= 12; count++) {
    const { session, items, setCookie } = await visit(gateway, "/add/tea", `a=1; ${token}; seen="x y"`);
    expect([session, items.length, setCookie]).toEqual([own, count, undefined]);
  }
  const { cookies } = replicaOf(first);
  expect(new Set(cookies.slice(1))).toEqual(new Set([`a=1; JSESSIONID=${own}; seen="x y"`]));
  expect(gateway.log.map(({ affinity }) => affinity?.outcome)).toEqual(["new", ...Array(11).fill("kept")]);
});

test("who has no session yet is balanced, and gets none from the gateway", async () => {
  const gateway = await startGateway(newKeys());
  const names = new Set<string>();
  for (let count = 0; count < 60 && names.size < 3; count++) {
    const looked = await visit(gateway, "/look");
    expect([looked.session, looked.setCookie]).toEqual([undefined, undefined]);
    names.add(looked.replica);
  }
  expect(names.size).toBe(3);
});

test("gateways that share a key share sessions", async () => {
  const secret = randomBytes(32);
  const [here, there] = await Promise.all([
    startGateway(new KeyRing([secret], randomBytes)),
    startGateway(new KeyRing([secret], randomBytes)),
  ]);
  const first = await visit(here, "/add/tea");
  const token = cookiePair(first.setCookie);
  for (const gateway of [there, here, there]) {
    expect((await visit(gateway, "/look", token)).session).toBe(first.session);
  }
});

test("a value that does not open is taken out, and the application begins anew", async () => {
  const gateway = await startGateway(newKeys());
  const first = await visit(gateway, "/add/tea");
  const foreign = await visit(await startGateway(newKeys()), "/add/tea");
  for (const strange of [`JSESSIONID=${first.session}`, cookiePair(foreign.setCookie), "JSESSIONID=x"]) {
    const next = await visit(gateway, "/add/salt", `a=1; ${strange}`);
    expect(next.items).toEqual(["salt"]);
    expect(replicaOf(next).cookies.at(-1)).toBe("a=1");
    expect(next.setCookie).toMatch(/^JSESSIONID=[\w-]{60,};/);
    expect(gateway.log.at(-1)?.affinity?.outcome).toBe("invalid");
  }
});

test("of several cookies of that name the one that opens counts, and is the only one that goes on", async () => {
  const gateway = await startGateway(newKeys());
  const first = await visit(gateway, "/add/tea");
  const again = await visit(gateway, "/look", `JSESSIONID=stale; ${cookiePair(first.setCookie)}; b=2`);
  expect(again.session).toBe(first.session);
  expect(replicaOf(again).cookies.at(-1)).toBe(`JSESSIONID=${first.session}; b=2`);
});

test("the application ends its session as it always does", async () => {
  const gateway = await startGateway(newKeys());
  const first = await visit(gateway, "/add/tea");
  const left = await visit(gateway, "/leave", cookiePair(first.setCookie));
  expect(left.setCookie).toBe("JSESSIONID=gone; Max-Age=0; Expires=Thu, 01-Jan-1970 00:00:10 GMT; Path=/");
  expect(replicaOf(first).carts.size).toBe(0);
});

test("a session whose replica is gone moves, and the application there begins anew", async () => {
  const gateway = await startGateway(newKeys());
  const first = await visit(gateway, "/add/tea");
  await gateway.serve(snapshotWith(2, {}, replicaOf(first)));
  const moved = await visit(gateway, "/add/salt", cookiePair(first.setCookie));
  expect([moved.replica === first.replica, moved.items]).toEqual([false, ["salt"]]);
  expect(gateway.log.at(-1)?.affinity?.outcome).toBe("moved");
  const token = cookiePair(moved.setCookie);
  for (let count = 0; count < 5; count++) {
    expect((await visit(gateway, "/look", token)).session).toBe(moved.session);
  }
});

test("a hash over the cookie holds a moved session together until the application sets it again", async () => {
  const hashing: LoadBalancer = { kind: "maglev", tableSize: 1021, useHostname: false };
  const hashPolicies: HashPolicy[] = [
    { kind: "cookie", name: "JSESSIONID", attributes: [], terminal: false },
  ];
  const serving = (version: number, gone?: CartReplica) =>
    snapshotWith(version, {}, gone, { loadBalancer: hashing }, { hashPolicies });
  const gateway = await startLoopbackGateway(serving(1));
  gateway.engine.sessionKeys = newKeys();
  const first = await visit(gateway, "/add/tea");
  await gateway.serve(serving(2, replicaOf(first)));
  const names = new Set<string>();
  // To look at a cart sets no cookie, as an application does not that finds the session elsewhere.
  for (let count = 0; count < 12; count++) {
    const { replica, setCookie } = await visit(gateway, "/look", cookiePair(first.setCookie));
    expect(setCookie).toBeUndefined();
    names.add(replica);
  }
  expect([...names]).toHaveLength(1);
  expect(gateway.log.at(-1)?.affinity).toMatchObject({ outcome: "moved", source: "hash" });
});

test("a session whose replica is gone is refused where it may not move", async () => {
  const onLost: SessionPersistence["onLost"] = { action: "reject", status: 410 };
  const gateway = await startGateway(newKeys(), { onLost });
  const first = await visit(gateway, "/add/tea");
  await gateway.serve(snapshotWith(2, { onLost }, replicaOf(first)));
  const { status } = await send(gateway.port, {
    path: "/look",
    headers: { cookie: cookiePair(first.setCookie) },
  });
  expect(status).toBe(410);
});

test("an interim response is wrapped like the one that follows it", async () => {
  const hint = await startRawOrigin((socket) => {
    socket.once("data", () => {
      const setCookie = "Set-Cookie: a=1\r\nSet-Cookie: JSESSIONID=own; Path=/\r\n";
      socket.write(`HTTP/1.1 103 Early Hints\r\n${setCookie}Link: </a.css>\r\n\r\n`);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${setCookie}\r\n`);
    });
  });
  const shop = backend("shop", [hint]);
  const rules = [forwardRule([shop], { session: SESSION })];
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [shop], rules }));
  gateway.engine.sessionKeys = newKeys();
  const client = new RawClient(gateway.port);
  client.write("GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n");
  const text = await client.until((received) => /200 OK[\s\S]*\r\n\r\n$/.test(received));
  expect(text).not.toContain("JSESSIONID=own");
  expect(text.match(/JSESSIONID=[\w-]{60,}; Path=\/\r\n/g)).toHaveLength(2);
  expect(text.match(/a=1\r\n/g)).toHaveLength(2);
});

test("a WebSocket begins with the application's own cookie, where its session is", async () => {
  const gateway = await startGateway(newKeys());
  const first = await visit(gateway, "/add/tea");
  const client = new RawClient(gateway.port);
  client.write(
    "GET /events HTTP/1.1\r\nhost: shop.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
      `sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\ncookie: ${cookiePair(first.setCookie)}\r\n\r\n`,
  );
  const text = await client.untilClosed();
  expect(text).toMatch(/^HTTP\/1\.1 101 /);
  expect(text.endsWith(`\r\n\r\n${first.replica} ${first.session}`)).toBe(true);
});
