// Turns: in order, one for each, and only so many at a time.
import { expect, test } from "vitest";
import { TURNS_MS, TurnQueue } from "./turn-queue.ts";

const oneTimeAround = () => new Promise((resolve) => setImmediate(resolve));

test("turns come in order, and who wants another one goes to the end", async () => {
  const queue = new TurnQueue(() => 0);
  const taken: string[] = [];
  const turn = (name: string) => ({ takeTurn: () => taken.push(name) });
  const again = {
    takeTurn: () => {
      taken.push("a");
      if (taken.length < 4) queue.add(again);
    },
  };
  queue.add(again);
  queue.add(turn("b"));
  expect(taken).toEqual([]);
  while (taken.length < 4) await oneTimeAround();
  expect(taken).toEqual(["a", "b", "a", "a"]);
});

test("when their time is over the others wait for the next time around, and none is forgotten", async () => {
  let nowMs = 0;
  const queue = new TurnQueue(() => nowMs);
  let taken = 0;
  const turn = {
    takeTurn: () => {
      taken += 1;
      nowMs += TURNS_MS / 4;
    },
  };
  for (let count = 0; count < 10; count += 1) queue.add(turn);
  await oneTimeAround();
  expect(taken).toBe(4);
  while (taken < 10) await oneTimeAround();
  await oneTimeAround();
  expect(taken).toBe(10);
});
