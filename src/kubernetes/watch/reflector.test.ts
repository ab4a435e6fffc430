// A copy of a collection against everything that befalls lists and watches, over real sockets to a double of the API server.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ApiServerDouble, type HeardRequest } from "../../../test/support/api-server-double.ts";
import { logLines } from "../../../test/support/log-lines.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { reached } from "../../../test/support/reached.ts";
import { ApiClient } from "../api/api-client.ts";
import type { KubernetesObject } from "../api/client.ts";
import {
  type Copy,
  QUIET_LIMIT_MS,
  REFUSED_FOR_GOOD_MS,
  Reflector,
  type ReflectorOptions,
} from "./reflector.ts";
import { ServerProbe } from "./server-probe.ts";

const PATH = "/api/v1/services";
const PROBED = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** Names in order of arrival. */
class Names implements Copy<string> {
  names: readonly string[] = [];
  replacements = 0;
  keep({ metadata }: KubernetesObject): string {
    return metadata.name;
  }
  replace(all: readonly string[]): void {
    this.names = all;
    this.replacements += 1;
  }
  put(name: string): void {
    if (!this.names.includes(name)) this.names = [...this.names, name];
  }
  remove({ metadata }: KubernetesObject): void {
    this.names = this.names.filter((name) => name !== metadata.name);
  }
}

let server: ApiServerDouble;
let clock: ManualClock;
let copy: Names;
let log: ReturnType<typeof logLines>;
let stop: AbortController;
let settled: number;
let running: Promise<void>[];
let client: ApiClient;
let probe: ServerProbe;

beforeEach(async () => {
  server = await ApiServerDouble.start();
  clock = new ManualClock();
  copy = new Names();
  log = logLines();
  stop = new AbortController();
  settled = 0;
  running = [];
  const credentials = { get: async () => ({ tls: {} }) };
  const url = new URL(`http://127.0.0.1:${server.port}`);
  const connection = { server: url, namespace: "", credentials, origin: "" };
  client = new ApiClient({ connection, userAgent: "limpet/test", clock });
  probe = new ServerProbe({ client, clock, random: () => 0, logger: log.logger, signal: stop.signal });
});

afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  client.close();
  await server.stop();
});

/** Waits for nothing between tries, unless a test says so. */
function begin(more: Partial<ReflectorOptions<string>> = {}): Reflector<string> {
  const reflector = new Reflector({
    client,
    path: PATH,
    name: "services",
    copy,
    probe,
    clock,
    random: () => 0,
    logger: log.logger,
    onSettled: () => {
      settled += 1;
    },
    ...more,
  });
  running.push(reflector.run(stop.signal));
  return reflector;
}

function until(condition: () => boolean): Promise<void> {
  return reached(condition, clock);
}

const isWatched = () => server.watchers(PATH) === 1;

function put(...names: readonly string[]): void {
  for (const name of names) server.put(PATH, { metadata: { name } });
}

const isWatch = ({ path, query }: HeardRequest) => path === PATH && query.get("watch") === "true";

describe("a list", () => {
  test("comes in pages, replaces all at once, and settles", async () => {
    put("a", "b", "c", "d", "e");
    begin({ pageSize: 2, fieldSelector: "type!=x" });
    await until(isWatched);
    expect(copy).toMatchObject({ names: ["a", "b", "c", "d", "e"], replacements: 1 });
    expect(settled).toBe(1);
    expect(server.heard(PATH, { limit: "2", fieldSelector: "type!=x" })).toBe(3);
    expect(server.heard(PATH, { watch: "true", fieldSelector: "type!=x" })).toBe(1);
  });

  test("begins again where its next page is gone", async () => {
    put("a", "b", "c");
    let compactions = 0;
    server.refuse = ({ query }) => {
      if (query.has("continue") && compactions++ === 0) server.compact();
      return undefined;
    };
    begin({ pageSize: 2 });
    await until(isWatched);
    expect(copy).toMatchObject({ names: ["a", "b", "c"], replacements: 1 });
    expect(server.heard(PATH, { limit: "2" })).toBe(4);
  });
});

describe("a watch", () => {
  test("tells what comes, changes and goes", async () => {
    put("a");
    begin();
    await until(isWatched);
    put("b", "a");
    server.remove(PATH, { metadata: { name: "a" } });
    await until(() => copy.names.join() === "b");
    expect(copy.replacements).toBe(1);
  });

  test("asks for bookmarks, and for an end after five to ten minutes", async () => {
    put("a");
    begin({ random: () => 0.5 });
    await until(isWatched);
    const watch = server.requests.find(isWatch);
    expect(watch?.query.get("allowWatchBookmarks")).toBe("true");
    expect(watch?.query.get("timeoutSeconds")).toBe("450");
  });

  test.each([
    ["it ended", () => server.endWatches(PATH)],
    ["its connection broke", () => server.dropWatches(PATH)],
  ])("goes on where it was when %s: nothing is lost, and nothing listed", async (_, interrupt) => {
    put("a");
    const reflector = begin();
    await until(isWatched);
    await clock.advance(60_000);
    put("b");
    await until(() => copy.names.length === 2);
    server.refuse = (request) => (isWatch(request) ? { status: 500 } : undefined);
    interrupt();
    await until(() => !isWatched());
    put("c");
    server.remove(PATH, { metadata: { name: "a" } });
    server.refuse = () => undefined;
    await until(() => copy.names.join() === "b,c");
    expect(reflector.counts.lists).toBe(1);
  });

  test("goes on after the last bookmark", async () => {
    put("a");
    begin();
    await until(isWatched);
    server.bookmark(PATH);
    put("b");
    await until(() => copy.names.length === 2);
    server.bookmark(PATH);
    const last = () => server.requests.filter(isWatch).at(-1)?.query.get("resourceVersion");
    const before = last();
    server.endWatches(PATH);
    await until(() => last() !== before);
    await until(isWatched);
    put("c");
    await until(() => copy.names.length === 3);
    expect(copy.replacements).toBe(1);
  });

  test("that is silent for long is begun again where it was: there may be nothing to say", async () => {
    put("a");
    const reflector = begin({ random: () => 0.5 });
    await until(isWatched);
    await clock.advance(QUIET_LIMIT_MS - 1);
    expect(reflector.counts.watches).toBe(1);
    expect(reflector.silentMs).toBe(QUIET_LIMIT_MS - 1);
    await clock.advance(1);
    await until(() => reflector.counts.watches === 2 && reflector.silentMs === 0);
    await until(isWatched);
    put("b");
    await until(() => copy.names.length === 2);
    expect(reflector.counts).toMatchObject({ lists: 1, failures: new Map() });
  });

  test("whose connection is dead is an outage as soon as it is begun again in vain", async () => {
    put("a");
    const reflector = begin();
    await until(isWatched);
    server.neglect = () => "silence";
    await clock.advance(QUIET_LIMIT_MS);
    await until(() => server.heard(PATH, { watch: "true" }) === 2);
    expect(probe.isDown).toBe(false);
    await clock.advance(30_000);
    await until(() => server.heard(PROBED) === 1);
    await clock.advance(5_000);
    await until(() => probe.isDown);
    expect(reflector.counts.failures).toEqual(new Map([["none", 1]]));
    expect(reflector.silentMs).toBe(QUIET_LIMIT_MS + 35_000);
    server.neglect = () => undefined;
    await clock.advance(500);
    await until(() => isWatched() && reflector.silentMs === 0);
  });

  test("that is refused after a while was none: it gives way to a list all the same", async () => {
    put("a");
    const reflector = begin();
    await until(isWatched);
    server.neglect = (request) => (isWatch(request) ? "silence" : undefined);
    server.dropWatches(PATH);
    for (let tries = 2; tries <= 3; tries++) {
      await until(() => server.heard(PATH, { watch: "true" }) === tries);
      await clock.advance(30_000);
    }
    await until(() => reflector.counts.lists === 2);
  });

  test("that ends as soon as it begins is not begun again at once", async () => {
    put("a");
    const reflector = begin({ random: () => 0.9 });
    await until(isWatched);
    server.endWatches(PATH);
    await until(() => reflector.counts.failures.get("none") === 1 && server.heard(PROBED) === 1);
    expect(reflector.counts.watches).toBe(1);
    await clock.advance(450);
    await until(() => reflector.counts.watches === 2);
  });

  test("that cannot be taken up, whatever the reason, gives way to a list", async () => {
    put("a");
    const reflector = begin();
    await until(isWatched);
    server.refuse = (request) =>
      isWatch(request) && Number(request.query.get("resourceVersion")) <= 101
        ? { status: 504, reason: "Timeout", message: "Too large resource version" }
        : undefined;
    server.dropWatches(PATH);
    await until(() => reflector.counts.watches >= 2);
    put("b");
    await until(() => copy.names.length === 2 && isWatched());
    expect(reflector.counts.lists).toBe(2);
  });
});

describe("410 Gone", () => {
  /** Something goes while nobody listens, and history is lost. */
  function loseHistory(): void {
    server.remove(PATH, { metadata: { name: "a" } });
    put("c");
    server.compact();
  }

  test("as a status: the collection is listed anew, and what is gone is gone", async () => {
    put("a", "b");
    const reflector = begin();
    await until(isWatched);
    server.refuse = (request) => (isWatch(request) ? { status: 503 } : undefined);
    server.dropWatches(PATH);
    await until(() => !isWatched());
    loseHistory();
    server.refuse = () => undefined;
    await until(() => copy.names.join() === "b,c" && isWatched());
    expect(copy.replacements).toBe(2);
    expect(reflector.counts.failures.get("410")).toBe(1);
  });

  test("as an event", async () => {
    put("a", "b");
    const reflector = begin();
    await until(isWatched);
    server.expire(PATH);
    await until(() => reflector.counts.lists === 2 && isWatched());
    expect(reflector.counts.failures.get("410")).toBe(1);
    expect(log.lines.filter(({ level }) => level !== "debug")).toEqual([]);
  });

  test("many who are told at once list at different times", async () => {
    put("a");
    const randoms = [0.2, 0.8];
    const reflectors = randoms.map((random) => begin({ random: () => random }));
    await until(() => server.watchers(PATH) === 2);
    server.expire(PATH);
    const gone = () => reflectors.map(({ counts }) => counts.failures.get("410"));
    await until(() => gone().join() === "1,1");
    const lists = () => reflectors.map(({ counts }) => counts.lists).join();
    expect(lists()).toBe("1,1");
    await clock.advance(100);
    expect(lists()).toBe("2,1");
    await clock.advance(300);
    expect(lists()).toBe("2,2");
  });
});

describe("an outage", () => {
  test("is told once, and asked about once a second, however many kinds wait; then all go on", async () => {
    const paths = ["/api/v1/services", "/api/v1/pods", "/api/v1/secrets"];
    for (const path of paths) server.put(path, { metadata: { name: "a" } });
    for (const path of paths) begin({ path });
    await until(() => paths.every((path) => server.watchers(path) === 1));
    server.refuse = () => ({ status: 503 });
    const before = server.requests.length;
    for (const path of paths) server.dropWatches(path);
    await until(() => server.heard(PROBED) === 1 && probe.isDown);
    for (let asked = 2; asked <= 60; asked++) {
      await clock.advance(500);
      await until(() => server.heard(PROBED) === asked);
    }
    expect(server.requests.length - before).toBe(60);
    expect(copy.names).toEqual(["a"]);
    server.refuse = () => undefined;
    await clock.advance(500);
    await until(() => paths.every((path) => server.watchers(path) === 1));
    expect(log.lines.filter(({ level }) => level === "warn").map(({ msg }) => msg)).toEqual([
      expect.stringContaining("does not answer"),
    ]);
    expect(log.lines.find(({ level }) => level === "info")).toMatchObject({
      msg: expect.stringContaining("answers again"),
      seconds: 30,
    });
    expect(probe.isDown).toBe(false);
  });

  test("at the start settles nothing", async () => {
    server.refuse = () => ({ status: 503 });
    begin();
    await until(() => probe.isDown);
    for (let asked = 2; asked <= 40; asked++) {
      await clock.advance(500);
      await until(() => server.heard(PROBED) === asked);
    }
    expect(settled).toBe(0);
    put("a");
    server.refuse = () => undefined;
    await clock.advance(500);
    await until(() => settled === 1);
  });
});

describe("a refusal", () => {
  test("of an API server that only begins is no news", async () => {
    put("a");
    server.refuse = ({ path }) => (path === PATH ? { status: 403 } : undefined);
    begin();
    await until(() => server.heard(PATH) > 3);
    expect(settled).toBe(0);
    server.refuse = () => undefined;
    await until(isWatched);
    expect(log.lines).toEqual([]);
  });

  test("that stays names the permission once, settles, and ends when the permission is given", async () => {
    put("a");
    server.refuse = ({ path }) => (path === PATH ? { status: 403, reason: "Forbidden" } : undefined);
    const reflector = begin();
    await until(() => reflector.counts.failures.has("403"));
    await clock.advance(REFUSED_FOR_GOOD_MS);
    await until(() => settled === 1);
    const tries = server.heard(PATH);
    await until(() => server.heard(PATH) > tries + 3);
    const warnings = log.lines.filter(({ level }) => level === "warn");
    expect(warnings).toMatchObject([{ resource: "services", verbs: "list, watch" }]);
    server.refuse = () => undefined;
    await until(isWatched);
    put("b");
    await until(() => copy.names.length === 2);
    expect(log.lines.at(-1)).toMatchObject({ level: "info", msg: "the kind can be watched again" });
  });

  test("waits for as long as the server asks, and longer each time it does not", async () => {
    put("a");
    let retryAfter = "7";
    server.refuse = ({ path }) =>
      path === PATH ? { status: 429, headers: { "retry-after": retryAfter } } : undefined;
    const reflector = begin({ random: () => 0.5 });
    const failures = (count: number) => until(() => reflector.counts.failures.get("429") === count);
    await failures(1);
    await clock.advance(6_999);
    expect(reflector.counts.lists).toBe(1);
    retryAfter = "0";
    await clock.advance(1);
    await failures(2);
    for (const [index, delayMs] of [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000].entries()) {
      await clock.advance(delayMs - 1);
      expect(reflector.counts.lists).toBe(2 + index);
      await clock.advance(1);
      await failures(3 + index);
    }
  });
});

test("after a watch that worked, tries begin again without delay", async () => {
  put("a");
  const reflector = begin({ random: () => 0.5 });
  const refused = () => reflector.counts.failures.get("429") ?? 0;
  await until(isWatched);
  server.refuse = ({ path }) => (path === PATH ? { status: 429 } : undefined);
  server.endWatches(PATH);
  for (const delayMs of [250, 500, 1_000, 2_000]) {
    await until(() => server.heard(PROBED) === 1);
    const before = refused();
    await clock.advance(delayMs);
    await until(() => refused() > before);
  }
  server.refuse = () => undefined;
  await clock.advance(4_000);
  await until(isWatched);
  put("b");
  await until(() => copy.names.length === 2);
  server.endWatches(PATH);
  server.refuse = ({ path }) => (path === PATH ? { status: 429 } : undefined);
  const before = refused();
  await until(() => refused() > before);
  await clock.advance(250);
  await until(() => refused() > before + 1);
});

test.each([429, 401])(
  "a watch that is answered with %s again and again goes on where it was",
  async (status) => {
    put("a");
    const reflector = begin();
    await until(isWatched);
    await clock.advance(60_000);
    server.refuse = ({ path }) => (path === PATH ? { status } : undefined);
    server.endWatches(PATH);
    await until(() => (reflector.counts.failures.get(String(status)) ?? 0) > 10);
    put("b");
    server.refuse = () => undefined;
    await until(() => copy.names.length === 2);
    expect(reflector.counts.lists).toBe(1);
  },
);

test("what cannot be taken is told, and the collection listed anew", async () => {
  put("a");
  const reflector = begin();
  await until(isWatched);
  copy.put = () => {
    throw new RangeError("mine");
  };
  put("b");
  await until(() => reflector.counts.lists === 2 && isWatched());
  expect(copy.names).toEqual(["a", "b"]);
  expect(log.lines.find(({ level }) => level === "error")).toMatchObject({ err: { message: "mine" } });
});
