// When changes are acted on: after a pause, or in time where there is none.
import { expect, test } from "vitest";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { Settling } from "./settling.ts";

function settling({ tookMs = 0 } = {}) {
  const clock = new ManualClock();
  const acted: number[] = [];
  const one = new Settling({
    quietMs: 50,
    longestMs: 250,
    clock,
    act: () => {
      acted.push(clock.nowMs());
      return new Promise((resolve) => clock.after(tookMs, resolve));
    },
  });
  const changes = async (everyMs: number, times: number) => {
    for (let count = 0; count < times; count++) {
      one.changed();
      await clock.advance(everyMs);
    }
  };
  return { one, clock, acted, changes };
}

test("many changes become one, once they rest", async () => {
  const { acted, changes, clock } = settling();
  await changes(10, 10);
  await clock.advance(1_000);
  expect(acted).toEqual([140]);
});

test("changes that never rest are acted on all the same", async () => {
  const { acted, changes } = settling();
  await changes(20, 40);
  expect(acted[0]).toBe(250);
  expect(acted).toHaveLength(3);
});

test("a change while it acts is acted on afterwards, no sooner than it took", async () => {
  const { one, acted, clock } = settling({ tookMs: 300 });
  one.changed();
  await clock.advance(100);
  one.changed();
  await clock.advance(2_000);
  expect(acted).toEqual([50, 650]);
});

test("nothing happens once it is stopped", async () => {
  const { one, acted, clock } = settling();
  one.changed();
  one.stop();
  await clock.advance(1_000);
  expect(acted).toEqual([]);
});
