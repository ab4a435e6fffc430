// What the book of a rollout lets pass, and what it calls a defect.
import { expect, test } from "vitest";
import { type Outcome, type Session, SessionLedger } from "./session-ledger.ts";

const GONE = 410;

function rollout(rejectStatus?: number) {
  const time = { nowMs: 0 };
  const ledger = new SessionLedger(rejectStatus, () => time.nowMs);
  ledger.enter("a", "stays");
  ledger.enter("b", "stays");
  const session: Session = { id: "7", cookie: undefined, home: undefined };
  const judge = (outcome: Partial<Outcome>) =>
    ledger.judge(session, {
      status: 200,
      gateway: "gateway-1",
      replica: undefined,
      known: true,
      sentMs: time.nowMs,
      ...outcome,
    });
  judge({ replica: "a", known: false });
  return { ledger, session, judge, time };
}

test("a session begins, is kept also while its replica drains, and moves once that leaves", () => {
  const { ledger, session, judge } = rollout();
  judge({ replica: "a" });
  ledger.enter("a", "drains");
  judge({ replica: "a" });
  ledger.enter("a", "leaves");
  judge({ replica: "a" });
  judge({ replica: "b", known: false });
  judge({ replica: "b" });
  ledger.judgeHomes([session]);
  expect(ledger.failures).toEqual([]);
  expect(ledger).toMatchObject({ begun: 1, kept: 4, keptWhileDraining: 1, moved: 1, requests: 6 });
});

test.each(["stays", "drains"] as const)("a session that moves although its replica %s is lost", (phase) => {
  const { ledger, judge, time } = rollout();
  ledger.enter("a", phase);
  time.nowMs = 1500;
  judge({ replica: "b", known: false });
  expect(ledger.failures).toEqual([
    `1.50 s: session 7 was moved from a to b, although its replica ${phase} (a, since 0.00 s); by gateway-1, asked at 1.50 s`,
  ]);
});

test("nobody may come to a replica that everybody knew to drain, but who had been sent before may", () => {
  const { ledger, judge, time } = rollout();
  ledger.enter("a", "leaves");
  time.nowMs = 1000;
  ledger.enter("b", "drains");
  judge({ replica: "b", known: false, sentMs: 999 });
  expect(ledger.failures).toEqual([]);
  ledger.enter("b", "leaves");
  ledger.enter("c", "drains");
  judge({ replica: "c", known: false, sentMs: 1001 });
  expect(ledger.failures).toEqual([
    expect.stringContaining("was moved to a replica that drains (c, since 1.00 s)"),
  ]);
});

test("a replica that does not know its session, or knows one that has only begun, tells of a mistake", () => {
  const { ledger, session, judge } = rollout();
  judge({ replica: "a", known: false });
  session.home = undefined;
  judge({ replica: "b", known: true });
  expect(ledger.failures).toHaveLength(2);
});

test("a request that is not answered with 200 is lost", () => {
  const { ledger, judge } = rollout();
  judge({ status: 503 });
  expect(ledger.failures).toEqual(["0.00 s: session 7 got 503; by gateway-1, asked at 0.00 s"]);
});

test("who still lives on a replica that has left is told of", () => {
  const { ledger, session } = rollout();
  ledger.enter("a", "leaves");
  ledger.judgeHomes([session]);
  expect(ledger.failures).toEqual(["0.00 s: session 7 still lives on a, which is gone"]);
});

test("a session that may not move is rejected once its replica leaves, and begins anew", () => {
  const { ledger, session, judge } = rollout(GONE);
  ledger.enter("a", "leaves");
  judge({ status: GONE });
  expect(session).toMatchObject({ home: undefined, cookie: undefined });
  judge({ replica: "b", known: false });
  expect(ledger.failures).toEqual([]);
  expect(ledger).toMatchObject({ rejected: 1, begun: 2, moved: 0 });
});

test("a session that may not move must neither move nor be rejected before", () => {
  const { ledger, judge } = rollout(GONE);
  judge({ status: GONE });
  expect(ledger.failures).toEqual([expect.stringContaining("was rejected, although its replica stays")]);
  const other = rollout(GONE);
  other.ledger.enter("a", "leaves");
  other.judge({ replica: "b", known: false });
  expect(other.ledger.failures).toEqual([expect.stringContaining("and may never be")]);
});

test("only the first failures are kept, and all are counted", () => {
  const { ledger, judge } = rollout();
  for (let count = 0; count < 100; count++) judge({ status: 502 });
  expect(ledger.failures).toHaveLength(20);
  expect(ledger.failed).toBe(100);
});
