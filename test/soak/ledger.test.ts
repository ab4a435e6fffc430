// The ledger excuses exactly what a killed worker takes with it.
import { expect, test, vi } from "vitest";
import { Ledger, type Loss } from "./ledger.ts";

function loss(more: Partial<Loss> = {}): Loss {
  return { kind: "get", reason: "ECONNRESET", broken: true, repeatable: true, openedMs: Date.now(), ...more };
}

function killed(): Ledger {
  vi.useFakeTimers({ toFake: ["Date"], now: 10_000 });
  const ledger = new Ledger();
  ledger.workerKilled();
  vi.setSystemTime(11_000);
  return ledger;
}

test("what breaks without a kill is a failure", () => {
  const ledger = new Ledger();
  expect(ledger.lost(loss())).toBe("go on");
  expect(ledger.failed).toBe(1);
});

test("a repeatable request on a connection of before the kill is repeated", () => {
  const ledger = killed();
  expect(ledger.lost(loss({ openedMs: 9_000 }))).toBe("repeat");
  expect([ledger.failed, ledger.repeated.get]).toEqual([0, 1]);
});

test("one that is not is lost with the worker, and no failure", () => {
  const ledger = killed();
  expect(ledger.lost(loss({ openedMs: 9_000, repeatable: false }))).toBe("go on");
  expect([ledger.failed, ledger.lostWithWorkers.get]).toEqual([0, 1]);
});

test("a connection of after the kill, a wrong answer, or news that come too late are failures", () => {
  const ledger = killed();
  ledger.lost(loss({ openedMs: 10_500 }));
  ledger.lost(loss({ openedMs: 9_000, broken: false }));
  vi.setSystemTime(14_000);
  ledger.lost(loss({ openedMs: 9_000 }));
  expect(ledger.failed).toBe(3);
  expect(ledger.failures[2]).toBe("get: ECONNRESET, 4000 ms after the last kill");
  vi.useRealTimers();
});
