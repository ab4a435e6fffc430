// How long addresses are kept, what a failure changes, and when somebody is told: with a clock that the test moves.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Resolution } from "./name-resolver.ts";
import { FIRST_RETRY_MS, MAX_TTL_MS, MIN_TTL_MS, NameWatch } from "./name-watch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** `answers` in turn; the last one goes on. An Error is thrown. */
function watchOf(...answers: (Resolution | Error)[]) {
  const changes: string[] = [];
  const log: object[] = [];
  let asked = 0;
  const watch = new NameWatch({
    resolve: async () => {
      const answer = answers[Math.min(asked, answers.length - 1)];
      asked += 1;
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error("no answer");
      return answer;
    },
    logger: {
      warn: (details, message) => log.push([message, details]),
      info: (details, message) => log.push([message, details]),
    },
    onChange: (host) => changes.push(host),
  });
  return { watch, changes, log, asked: () => asked };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const failing = (watch: NameWatch) =>
  watch.samples().find(({ name }) => name === "limpet_names_failing")?.value;

test("a name is asked for again when its time is over, and a change is told", async () => {
  const { watch, changes, asked } = watchOf(
    { addresses: ["10.0.0.2", "10.0.0.1"], ttlSec: 30 },
    { addresses: ["10.0.0.1", "10.0.0.2"], ttlSec: 30 },
    { addresses: ["10.0.0.3"], ttlSec: 30 },
  );
  watch.watch(["carts.example"]);
  await watch.settled(1000);
  expect(watch.addresses("carts.example")).toEqual(["10.0.0.1", "10.0.0.2"]);
  await pass(29_999);
  expect(asked()).toBe(1);
  await pass(1);
  expect([asked(), changes.length]).toEqual([2, 1]);
  await pass(30_000);
  expect(watch.addresses("carts.example")).toEqual(["10.0.0.3"]);
  expect(changes).toEqual(["carts.example", "carts.example"]);
  watch.stop();
});

test.each([
  [0, MIN_TTL_MS],
  [86_400, MAX_TTL_MS],
])("a time of %i s is brought into bounds", async (ttlSec, boundMs) => {
  const { watch, asked } = watchOf({ addresses: ["10.0.0.1"], ttlSec });
  watch.watch(["carts.example"]);
  await pass(boundMs - 1);
  expect(asked()).toBe(1);
  await pass(1);
  expect(asked()).toBe(2);
  watch.stop();
});

test("half an answer changes the addresses of its own family alone", async () => {
  const { watch, changes } = watchOf(
    { addresses: ["10.0.0.1", "2001:db8::1"], ttlSec: 30 },
    { addresses: ["10.0.0.2"], ttlSec: 30, unknownFamily: 6 },
    { addresses: ["2001:db8::2"], ttlSec: 30, unknownFamily: 4 },
    { addresses: ["10.0.0.2"], ttlSec: 30 },
  );
  watch.watch(["carts.example"]);
  await watch.settled(1000);
  const seen = [watch.addresses("carts.example")];
  for (let count = 0; count < 3; count += 1) {
    await pass(30_000);
    seen.push(watch.addresses("carts.example"));
  }
  expect(seen).toEqual([
    ["10.0.0.1", "2001:db8::1"],
    ["10.0.0.2", "2001:db8::1"],
    ["10.0.0.2", "2001:db8::2"],
    ["10.0.0.2"],
  ]);
  expect(changes).toHaveLength(4);
  watch.stop();
});

test("a failure leaves the last addresses, is told once, and is tried again later and later", async () => {
  const { watch, changes, log, asked } = watchOf(
    { addresses: ["10.0.0.1"], ttlSec: 1 },
    Object.assign(new Error("servfail"), { code: "ESERVFAIL" }),
    new Error("again"),
    { addresses: ["10.0.0.1"], ttlSec: 60 },
  );
  watch.watch(["carts.example"]);
  await pass(1000);
  expect(watch.addresses("carts.example")).toEqual(["10.0.0.1"]);
  expect(failing(watch)).toBe(1);
  await pass(FIRST_RETRY_MS);
  await pass(2 * FIRST_RETRY_MS - 1);
  expect(asked()).toBe(3);
  await pass(1);
  expect(failing(watch)).toBe(0);
  expect(changes).toHaveLength(1);
  expect(log).toEqual([
    [
      "host name does not resolve: its last addresses stay",
      { host: "carts.example", reason: "ESERVFAIL", addresses: ["10.0.0.1"] },
    ],
    ["host name resolves again", { host: "carts.example", addresses: ["10.0.0.1"] }],
  ]);
  watch.stop();
});

test("nobody waits for a name longer than it may take", async () => {
  const { watch } = watchOf();
  const slow = new NameWatch({
    resolve: () => new Promise(() => {}),
    logger: { warn: () => {}, info: () => {} },
    onChange: () => {},
  });
  slow.watch(["slow.example"]);
  let isOver = false;
  void slow.settled(3000).then(() => {
    isOver = true;
  });
  await pass(2999);
  expect(isOver).toBe(false);
  await pass(1);
  expect(isOver).toBe(true);
  expect(slow.addresses("slow.example")).toEqual([]);
  await expect(watch.settled(1000)).resolves.toBeUndefined();
});

test("names that nobody uses any more are asked for no more", async () => {
  const { watch, asked, changes } = watchOf({ addresses: ["10.0.0.1"], ttlSec: 1 });
  watch.watch(["carts.example"]);
  watch.retain(new Set());
  await pass(10_000);
  expect([asked(), changes.length]).toEqual([1, 0]);
});
