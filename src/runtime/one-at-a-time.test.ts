// Tests of work that everybody who asks meanwhile shares.
import { expect, test } from "vitest";
import { oneAtATime } from "./one-at-a-time.ts";

test("who asks while it is under way gets that answer, and who asks afterwards a new one", async () => {
  const begun: PromiseWithResolvers<string>[] = [];
  const ask = oneAtATime(() => {
    const work = Promise.withResolvers<string>();
    begun.push(work);
    return work.promise;
  });
  const both = Promise.all([ask(), ask()]);
  begun[0]?.resolve("first");
  expect([await both, begun.length]).toEqual([["first", "first"], 1]);
  const next = ask();
  begun[1]?.resolve("second");
  expect(await next).toBe("second");
});

test("what fails fails for those who asked, and is tried again for the next", async () => {
  let tries = 0;
  const ask = oneAtATime(async () => {
    tries += 1;
    if (tries === 1) throw new Error("not now");
    return tries;
  });
  const both = [ask(), ask()];
  for (const one of both) await expect(one).rejects.toThrow("not now");
  expect(await ask()).toBe(2);
});
