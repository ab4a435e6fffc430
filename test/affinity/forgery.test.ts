// Tokens that nobody sealed: none is followed, and none makes a decision fail.
import { expect, test } from "vitest";
import { decideNow, NOW_SEC, requestOf, sessionPlanOf } from "../support/affinity.ts";
import { Forger } from "../support/forgeries.ts";
import { ringOf, sealedSession } from "../support/sealed.ts";

const COUNT = 100_000;
const ADDRESSES = ["10.0.0.1:80", "10.0.0.2:80", "[2001:db8::1]:80"];

test(`of ${COUNT} mutated, truncated, spliced and foreign tokens none is followed`, () => {
  const session = sealedSession({ absoluteTimeoutSec: 2 ** 32 });
  const forger = new Forger(session, 1, ADDRESSES, 4711);
  const keys = ringOf([1], 5);
  const plan = sessionPlanOf(session, ADDRESSES);
  const outcomeOf = (text: string) =>
    decideNow(plan, requestOf("/", [["cookie", `home=${text}`]]), { keys, nowSec: NOW_SEC }).outcome;
  expect(new Set(forger.honest.map(outcomeOf))).toEqual(new Set(["kept"]));
  for (const kind of forger.kinds) {
    const followed: string[] = [];
    for (let index = 0; index < COUNT / forger.kinds.length; index++) {
      const text = forger.forge(kind);
      if (outcomeOf(text) !== "invalid") followed.push(text);
    }
    expect({ kind, followed }).toEqual({ kind, followed: [] });
  }
  expect(forger.kinds.length).toBeGreaterThan(25);
});
