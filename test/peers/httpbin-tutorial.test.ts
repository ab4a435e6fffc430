// Plays the tutorial on Istio's DestinationRule as its readers do: three replicas of the real httpbin, curl, and the replicas' logs.
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { curl } from "../support/curl.ts";
import { eventually } from "../support/eventually.ts";
import { copyExample } from "../support/example.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { type Httpbin, startHttpbin } from "../support/httpbin.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

let replicas: readonly Httpbin[] = [];

beforeAll(async () => {
  replicas = await Promise.all([1, 2, 3].map(() => startHttpbin()));
});

afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
});

async function play(rule: string): Promise<{ gateway: Gateway; url: string }> {
  const port = await freePort();
  const ports = { gateway: port, replicas: replicas.map((replica) => replica.port) };
  const files = copyExample("istio-consistent-hash", ["backend.yaml", "gateway.yaml", rule], ports);
  onTestFinished(files.dispose);
  const gateway = await startGateway({ paths: [files.folder] });
  onTestFinished(async () => {
    await gateway.stop();
  });
  return { gateway, url: `http://127.0.0.1:${port}` };
}

/** What `kubectl logs` of each pod shows, once so many requests are written down: how many of them it had. */
async function countsOf(path: string, total: number): Promise<number[]> {
  const counts = () =>
    replicas.map((one) => one.served().filter((line) => line.includes(` ${path} `)).length);
  return eventually(
    async () => counts(),
    (found) => found.reduce((sum, count) => sum + count, 0) === total,
  );
}

test("the cookie that curl was given brings every further request to the same pod", async () => {
  const { gateway, url } = await play("cookie.yaml");
  const jar = join(temporaryFolder(), "jar");
  const first = await curl(["-c", jar, "-b", jar, `${url}/status/333`]);
  expect(first.status).toBe(333);
  expect(first.header("set-cookie")).toMatch(/^sticky-session-key="[0-9a-f]{16}"; HttpOnly$/);
  const further = await curl(["-b", jar, ...Array<string>(9).fill(`${url}/status/333`)]);
  expect(further.answers.map(({ status }) => status)).toEqual(Array(9).fill(333));
  expect(further.answers.flatMap(({ headers }) => headers.get("set-cookie") ?? [])).toEqual([]);

  const counts = await countsOf("/status/333", 10);
  expect([...counts].sort()).toEqual([0, 0, 10]);
  const home = replicas[counts.indexOf(10)] as Httpbin;
  const line = await gateway.waitForAccess(({ path }) => path === "/status/333");
  expect(line.upstream_addr).toBe(`127.0.0.1:${home.port}`);
});

test("without the cookie, pods take turns; with the header of a user, one has all", async () => {
  const { url } = await play("header.yaml");
  await curl(Array<string>(40).fill(`${url}/status/200`));
  const spread = await countsOf("/status/200", 40);
  // All 40 on one of three pods by chance: once in 10^18 runs.
  expect(spread.filter((count) => count > 0).length).toBeGreaterThan(1);
  await curl(["-H", "x-user: alice", ...Array<string>(10).fill(`${url}/headers`)]);
  expect((await countsOf("/headers", 10)).sort()).toEqual([0, 0, 10]);
});
