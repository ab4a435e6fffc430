// When the configuration is read again: with reloads that take as long, and fail as often, as the test says.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ReloadTurns } from "./reload-turns.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function turnsWith(reload: () => Promise<void>) {
  const failures: string[] = [];
  const reloads: number[] = [];
  const turns = new ReloadTurns({
    reload: () => {
      reloads.push(Date.now());
      return reload();
    },
    onFailed: ({ message }) => failures.push(message),
  });
  return { turns, reloads, failures };
}

const second = () => new Promise<void>((resolve) => setTimeout(resolve, 1_000));

test("however many ask while one is under way, one more follows, and all of them wait for it", async () => {
  const { turns, reloads } = turnsWith(second);
  turns.begin();
  const over: string[] = [];
  void turns.ask().then(() => over.push("first"));
  await vi.advanceTimersByTimeAsync(500);
  for (let i = 0; i < 100; i++) void turns.ask().then(() => over.push("later"));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(over).toEqual(["first"]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(over).toHaveLength(101);
  expect(reloads).toHaveLength(2);
});

test("what is asked for before anything is served is done as soon as something is", async () => {
  const { turns, reloads } = turnsWith(second);
  await turns.ask();
  expect(reloads).toEqual([]);
  turns.begin();
  await vi.advanceTimersByTimeAsync(1_000);
  await turns.rest;
  expect(reloads).toHaveLength(1);
});

test("nobody asked: nothing is read again", async () => {
  const { turns, reloads } = turnsWith(second);
  turns.begin();
  await turns.rest;
  expect(reloads).toEqual([]);
});

test("one that fails is told of and tried again, with longer and longer pauses, until one does not fail", async () => {
  let left = 3;
  const { turns, reloads, failures } = turnsWith(async () => {
    if (left-- > 0) throw new Error("a worker refused");
  });
  turns.begin();
  const startMs = Date.now();
  await turns.ask();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(failures).toEqual(Array(3).fill("a worker refused"));
  expect(reloads.map((ms) => ms - startMs)).toEqual([0, 1_000, 3_000, 7_000]);
});

test("stopped, it reads nothing, neither again nor what was asked for while one was under way", async () => {
  const { turns, reloads, failures } = turnsWith(async () => {
    await second();
    throw new Error("stopped");
  });
  turns.begin();
  void turns.ask();
  await vi.advanceTimersByTimeAsync(500);
  void turns.ask();
  turns.stop();
  await vi.advanceTimersByTimeAsync(600_000);
  expect([reloads.length, failures]).toEqual([1, ["stopped"]]);
  expect(vi.getTimerCount()).toBe(0);
});
