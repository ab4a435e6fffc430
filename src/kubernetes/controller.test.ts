// When a controller says that the cluster is another, and what becomes of who waits for it.
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ApiServerDouble } from "../../test/support/api-server-double.ts";
import { logLines } from "../../test/support/log-lines.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { reached } from "../../test/support/reached.ts";
import { translate } from "../dialects/translate.ts";
import { ApiClient } from "./api/api-client.ts";
import { Controller } from "./controller.ts";
import { apiPath } from "./watch/cluster-view.ts";
import { BUILT_IN_KINDS, SECRETS, SERVICES } from "./watch/watched-kinds.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const KEYS = {
  metadata: { name: "limpet-session-keys", namespace: "limpet-system" },
  data: { keys: Buffer.from("abc\n").toString("base64") },
};

let server: ApiServerDouble;
let clock: ManualClock;
let client: ApiClient;
let controller: Controller;
/** How often the cluster was told to be another. */
let changes: number;

beforeEach(async () => {
  server = await ApiServerDouble.start();
  for (const path of [CRDS, ...BUILT_IN_KINDS.map((kind) => apiPath(kind))]) server.serve(path);
  clock = new ManualClock();
  changes = 0;
  client = new ApiClient({
    connection: {
      server: new URL(`http://127.0.0.1:${server.port}`),
      namespace: "limpet-system",
      credentials: { get: async () => ({ tls: {} }) },
      origin: "",
    },
    userAgent: "limpet/test",
    clock,
  });
  controller = new Controller({
    client,
    namespace: "limpet-system",
    identity: "limpet-a",
    addressSource: { kind: "services", type: "LoadBalancer" },
    sessionKeysSecret: "limpet-session-keys",
    randomBytes,
    clock,
    random: () => 0.5,
    logger: logLines().logger,
  });
});

afterEach(async () => {
  await controller.stop();
  client.close();
  await server.stop();
});

/** Reads, and follows, what the cluster says once all of it was heard of. */
async function begin() {
  controller.start();
  const read = settled(controller.state());
  await reached(read.isSettled, clock);
  controller.follow(async () => {
    changes += 1;
    await controller.state();
  });
  await clock.advance(1_000);
  return read.promise;
}

function settled<T>(promise: Promise<T>) {
  let isSettled = false;
  const end = () => {
    isSettled = true;
  };
  promise.then(end, end);
  return { promise, isSettled: () => isSettled };
}

const service = (port: number) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "cart", namespace: "shop" },
  spec: { ports: [{ port }] },
});

test("the cluster is another once its objects are, and have come to rest", async () => {
  const { resources } = await begin();
  expect([resources.length, changes]).toEqual([0, 0]);
  for (const port of [80, 81, 82]) server.put(apiPath(SERVICES), service(port));
  const ports = () => controller.view.objects("", "Service").map(({ spec }) => spec);
  await reached(() => JSON.stringify(ports()).includes("82"), clock);
  await clock.advance(1_000);
  expect(changes).toBe(1);
  expect((await controller.state()).resources.map(({ value }) => value)).toMatchObject([service(82)]);
  server.put(apiPath(SERVICES), { ...service(82), status: { loadBalancer: {} } });
  const isHeard = () => controller.view.objects("", "Service")[0]?.["status"] !== undefined;
  await reached(isHeard, clock);
  await clock.advance(1_000);
  expect(changes).toBe(1);
});

test("a listener that could not be bound is tried again, until it is bound or the controller stops", async () => {
  const state = await begin();
  const { memory: _, ...translation } = translate(state.resources, {});
  const unbound = new Map([["Gateway/shop/edge/http", "the port is taken"]]);
  controller.report(state, translation, unbound);
  await clock.advance(6_000);
  expect(changes).toBe(1);
  controller.report(state, translation, new Map());
  await clock.advance(60_000);
  expect(changes).toBe(1);
});

test("the keys of sessions are those that the cluster has, and waited for until it was heard of", async () => {
  server.put(apiPath(SECRETS), KEYS);
  controller.start();
  const keys = settled(controller.sessionKeys.read());
  await reached(keys.isSettled, clock);
  expect(await keys.promise).toBe("abc\n");
});

test("whoever waits for a cluster that never speaks hears of the end", async () => {
  server.neglect = () => "silence";
  controller.start();
  const waiting = [settled<unknown>(controller.state()), settled<unknown>(controller.sessionKeys.read())];
  await clock.advance(1_000);
  expect(waiting.map(({ isSettled }) => isSettled())).toEqual([false, false]);
  const stopped = settled(controller.stop());
  await reached(stopped.isSettled, clock);
  for (const { promise } of waiting) await expect(promise).rejects.toThrow("stopped");
});
