// Endpoints that are told to drain while a gateway runs: by an operator over the admin port, or by their Pods.
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { startReplicas } from "../../src/demo/replicas.ts";
import { type ClientAnswer, cookiePair, replicasOf, send, sendMany } from "../support/client.ts";
import { limpet } from "../support/command-line.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { handOver, stopAll } from "../support/hand-over.ts";
import { gatewayYaml, serviceYaml } from "../support/manifests.ts";

const REPLICAS = ["carts-1", "carts-2", "carts-3"] as const;

interface Setup {
  readonly args?: readonly string[];
  readonly drainTimeout?: string;
  /** What the Pod carts-1 says. */
  readonly annotation?: string;
}

/** Three replicas behind a Service; sessions in the cookie `home`. */
class Shop {
  readonly gateway: Gateway;
  readonly port: number;
  readonly #ports: readonly number[];

  private constructor(gateway: Gateway, port: number, ports: readonly number[]) {
    this.gateway = gateway;
    this.port = port;
    this.#ports = ports;
  }

  static async open(setup: Setup = {}): Promise<Shop> {
    const { replicas, stop } = await startReplicas({ count: 3, name: "carts" });
    const ports = replicas.map((replica) => replica.port);
    const port = await freePort();
    const gateway = await startGateway({
      files: { "gateway.yaml": gatewayYaml({ port }), "shop.yaml": shopYaml(ports, setup) },
      args: ["--access-log", "off", ...(setup.args ?? [])],
    });
    onTestFinished(async () => {
      await stopAll(gateway);
      await stop();
    });
    return new Shop(gateway, port, ports);
  }

  /** `127.0.0.1:PORT` of carts-1. */
  get first(): string {
    return `127.0.0.1:${this.#ports[0]}`;
  }

  /** Writes the configuration anew. */
  write(setup: Setup): void {
    this.gateway.write("shop.yaml", shopYaml(this.#ports, setup));
  }

  /** The cookie of a session that lives on this replica. */
  async sessionOn(name: string): Promise<string> {
    const found = await eventually(
      () => send(this.port),
      ({ replica }) => replica === name,
    );
    return cookiePair(found.setCookie[0]);
  }

  with(cookie: string): Promise<ClientAnswer> {
    return send(this.port, { headers: { cookie } });
  }

  /** The replicas that 40 new sessions reach: one that takes them is missed once in ten million times. */
  async newSessions(): Promise<string[]> {
    return replicasOf(await sendMany(this.port, 40));
  }

  /** `limpet drain` with these arguments. */
  async drain(...args: string[]): Promise<{ readonly code: number; readonly text: string }> {
    const { code, out, error } = await limpet("drain", ...args, "--admin", this.gateway.adminUrl);
    return { code, text: error + out };
  }
}

function shopYaml(ports: readonly number[], { drainTimeout, annotation }: Setup): string {
  const endpointsOf = (pod: string) =>
    `[{addresses: [127.0.0.1], conditions: {ready: true}, targetRef: {kind: Pod, name: ${pod}}}]`;
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  rules:
    - backendRefs: [{name: carts, port: 80}]
---
apiVersion: limpet.dev/v1alpha1
kind: AffinityPolicy
metadata: {name: carts}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}]
  session:
    cookie: {name: home}
    ${drainTimeout === undefined ? "" : `drain: {timeout: ${drainTimeout}}`}
${serviceYaml("carts", ports, endpointsOf)}${
  annotation === undefined
    ? ""
    : `---
apiVersion: v1
kind: Pod
metadata: {name: carts-1, annotations: {limpet.dev/drain: "${annotation}"}}
`
}`;
}

const OTHERS = REPLICAS.slice(1);

describe("limpet drain", () => {
  test("holds over a reload, the death of a worker and a hand-over, and is undone", {
    timeout: 60_000,
  }, async () => {
    const shop = await Shop.open({ args: ["--workers", "2"] });
    const { gateway } = shop;
    const cookie = await shop.sessionOn("carts-1");
    const begun = await shop.drain("carts-1");
    expect(begun.code).toBe(0);
    expect(begun.text).toMatch(
      new RegExp(
        `^${shop.first} \\(carts-1\\): drains since .*Z, says an operator; 0 in flight, .*; Service/default/carts:80\n$`,
      ),
    );
    const check = async () => {
      expect(await shop.newSessions()).toEqual(OTHERS);
      expect(await shop.with(cookie)).toMatchObject({ replica: "carts-1", setCookie: [] });
    };
    await check();

    shop.write({ drainTimeout: "1h" });
    await gateway.stderr.waitFor((line) => line.includes("configuration published"), "the reload");
    await check();

    const { workers } = (await (await fetch(`${gateway.adminUrl}/snapshot`)).json()) as { workers: number[] };
    process.kill(workers[0] as number, "SIGKILL");
    await gateway.stderr.waitFor((line) => line.includes("worker serves again"), "the new worker");
    await check();

    const since = /since (\S+Z)/.exec(begun.text)?.[1];
    await handOver(gateway, gateway.process.pid as number);
    await check();
    const listed = await shop.drain("--list", "--json");
    expect(JSON.parse(listed.text)).toMatchObject({
      drains: [{ endpoint: shop.first, hostname: "carts-1", since, by: "operator", requestsInFlight: 0 }],
    });

    const ended = await shop.drain(shop.first, "--undo");
    expect(ended).toEqual({ code: 0, text: `${shop.first} (carts-1): no operator has it drain any more\n` });
    expect(await shop.newSessions()).toEqual([...REPLICAS]);
    expect((await shop.with(cookie)).replica).toBe("carts-1");
    expect((await shop.drain("--list")).text).toBe("nothing drains\n");
  });

  test("comes back with --wait when the last tunnel is closed", async () => {
    const shop = await Shop.open();
    const cookie = await shop.sessionOn("carts-1");
    const socket = new WebSocket(`ws://127.0.0.1:${shop.port}/ws`, { headers: { cookie } });
    await new Promise((resolve) => socket.once("open", resolve));
    const waiting = shop.drain("carts-1", "--wait");
    const listed = await eventually(
      () => shop.drain("--list"),
      ({ text }) => text.includes("1 in flight"),
    );
    expect(listed.text).toMatch(/carts-1.*says an operator; 1 in flight, \d+ session requests lately/);
    socket.close();
    expect(await waiting).toMatchObject({ code: 0, text: expect.stringContaining("0 in flight") });
  });

  test("says what may have been meant, and where there is no gateway", async () => {
    const shop = await Shop.open();
    expect(await shop.drain("cart-1")).toEqual({
      code: 1,
      text: `error: ${shop.gateway.adminUrl} answers 404: no backend has an endpoint called cart-1 (did you mean carts-1?)\n`,
    });
    expect(await shop.drain("carts-1", "--undo")).toMatchObject({
      code: 1,
      text: expect.stringContaining("no operator"),
    });
    await shop.gateway.stop();
    expect(await shop.drain("carts-1")).toMatchObject({
      code: 1,
      text: expect.stringMatching(/^error: http.*ECONNREFUSED.*: say which one with --admin$/m),
    });
  });
});

describe("the annotation of a Pod", () => {
  test("drains its endpoint as soon as it is written, and until it is gone", async () => {
    const shop = await Shop.open();
    const cookie = await shop.sessionOn("carts-1");
    const drains = async () =>
      ((await (await fetch(`${shop.gateway.adminUrl}/api/drains`)).json()) as { drains: object[] }).drains;
    shop.write({ annotation: "true" });
    await eventually(drains, (list) => list.length === 1);
    expect(await drains()).toMatchObject([{ hostname: "carts-1", by: "discovery" }]);
    // The page tells what the primary knows; the worker hears of it a moment later.
    await eventually(
      () => shop.newSessions(),
      (replicas) => !replicas.includes("carts-1"),
    );
    expect((await shop.with(cookie)).replica).toBe("carts-1");
    shop.write({});
    await eventually(drains, (list) => list.length === 0);
    await eventually(
      () => shop.newSessions(),
      (replicas) => replicas.length === REPLICAS.length,
    );
  });

  test("says since when, so sessions leave when their drain timeout is over, at every replica of the gateway alike", async () => {
    const shop = await Shop.open({ drainTimeout: "30m" });
    const cookie = await shop.sessionOn("carts-1");
    const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    const since = async () =>
      ((await (await fetch(`${shop.gateway.adminUrl}/api/drains`)).json()) as { drains: { since: string }[] })
        .drains[0]?.since;
    const recently = minutesAgo(20);
    shop.write({ drainTimeout: "30m", annotation: recently });
    await eventually(since, (told) => told === recently);
    expect(await shop.with(cookie)).toMatchObject({ replica: "carts-1", setCookie: [] });
    const earlier = minutesAgo(31);
    shop.write({ drainTimeout: "30m", annotation: earlier });
    await eventually(since, (told) => told === earlier);
    const moved = await shop.with(cookie);
    expect(OTHERS).toContain(moved.replica);
    expect(await shop.with(cookiePair(moved.setCookie[0]))).toMatchObject({
      replica: moved.replica,
      setCookie: [],
    });
  });
});
