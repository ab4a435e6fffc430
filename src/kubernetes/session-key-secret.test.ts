// That all replicas have the same keys of session tokens, whoever makes them, and learn of others.
import { randomBytes } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { ClusterDouble, ViewDouble } from "../../test/support/cluster-double.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { ApiError } from "./api/client.ts";
import { SessionKeySecret } from "./session-key-secret.ts";
import { SECRETS } from "./watch/watched-kinds.ts";

const KINDS = [SECRETS];
const PATH = "/api/v1/namespaces/limpet-system/secrets/limpet-session-keys";

function replica(cluster: ClusterDouble) {
  const clock = new ManualClock();
  const view = new ViewDouble(cluster, KINDS);
  const log: string[] = [];
  const keys = new SessionKeySecret({
    client: cluster,
    view,
    namespace: "limpet-system",
    name: "limpet-session-keys",
    randomBytes,
    clock,
    random: () => 0.5,
    logger: {
      info: (details: object, text?: string) => log.push(`${JSON.stringify(details)} ${text}`),
      warn: (details: object, text?: string) => log.push(`${JSON.stringify(details)} ${text}`),
    },
  });
  onTestFinished(() => keys.stop());
  return { keys, view, clock, log };
}

function write(cluster: ClusterDouble, text: string): void {
  cluster.put({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "limpet-session-keys", namespace: "limpet-system" },
    data: { keys: Buffer.from(text).toString("base64") },
  });
}

test("the first replica makes a key of 32 bytes, in the form of a key file", async () => {
  const cluster = new ClusterDouble(KINDS);
  const { keys, log } = replica(cluster);
  const text = await keys.read();
  expect(text).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
  expect(cluster.at(PATH)).toMatchObject({ type: "Opaque" });
  expect(log.join()).not.toContain(text.trim());
});

test("replicas that start at the same moment have the same key", async () => {
  const cluster = new ClusterDouble(KINDS);
  const replicas = [replica(cluster), replica(cluster), replica(cluster)];
  for (const { view } of replicas) view.freeze();
  const texts = replicas.map(({ keys }) => keys.read());
  for (const { view, keys, clock } of replicas) {
    await clock.advance(0);
    view.catchUp();
    keys.viewChanged();
  }
  expect(new Set(await Promise.all(texts)).size).toBe(1);
});

test("whoever cannot make a key waits until he can", async () => {
  const cluster = new ClusterDouble(KINDS);
  const { keys, clock, log } = replica(cluster);
  let isDown = true;
  cluster.before = () => {
    if (isDown) throw new ApiError("no answer", { status: 0 });
  };
  const text = keys.read();
  await clock.advance(10_000);
  expect(log.length).toBeGreaterThan(1);
  isDown = false;
  await clock.advance(30_000);
  expect(await text).toMatch(/=\n$/);
});

test("a Secret that an operator made is read as it is, and each of its changes told", async () => {
  const cluster = new ClusterDouble(KINDS);
  write(cluster, "# mine\nabc\n");
  const { keys } = replica(cluster);
  let changes = 0;
  keys.follow(() => {
    changes += 1;
  });
  expect(await keys.read()).toBe("# mine\nabc\n");
  keys.viewChanged();
  expect(changes).toBe(0);
  write(cluster, "def\nabc\n");
  keys.viewChanged();
  expect(changes).toBe(1);
  expect(await keys.read()).toBe("def\nabc\n");
});

test("keys under another name than the one that is read are none, and the place says which that is", async () => {
  const cluster = new ClusterDouble(KINDS);
  cluster.put({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "limpet-session-keys", namespace: "limpet-system" },
    data: { key: "abc" },
  });
  const { keys } = replica(cluster);
  expect(await keys.read()).toBe("");
  expect(keys.place).toBe("Secret limpet-system/limpet-session-keys, data.keys");
});

test("a change between reading and following is told", async () => {
  const cluster = new ClusterDouble(KINDS);
  write(cluster, "abc\n");
  const { keys } = replica(cluster);
  await keys.read();
  write(cluster, "def\n");
  keys.viewChanged();
  let changes = 0;
  keys.follow(() => {
    changes += 1;
  });
  expect(changes).toBe(1);
});

test("while the Secret is gone nothing is told, and those that have keys go on with them and make no others", async () => {
  const cluster = new ClusterDouble(KINDS);
  const { keys } = replica(cluster);
  keys.follow(() => expect.unreachable());
  const text = await keys.read();
  const made = cluster.at(PATH);
  if (made !== undefined) cluster.delete(made);
  keys.viewChanged();
  expect(await keys.read()).toBe(text);
  expect(cluster.at(PATH)).toBeUndefined();
});
