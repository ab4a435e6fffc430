// Ejection and return by Envoy's rules, with results as workers tell them and a clock that the test sets.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backendOf, statesOf } from "../../../test/support/affinity.ts";
import type { OutlierDetection } from "../../model/index.ts";
import { type Observation, ObservationBatch } from "./observation.ts";
import { OutlierDetector } from "./outlier-detector.ts";
import { addFailure, addSuccess, FailureRun, newStreak } from "./streak.ts";

const RULES: OutlierDetection = {
  consecutive5xx: 5,
  consecutiveGatewayErrors: 0,
  consecutiveLocalErrors: 0,
  splitLocalErrors: false,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectionPercent: 100,
};

/** A status, or the code of an error. */
type Result = number | string;

const ADDRESSES = Array.from({ length: 10 }, (_, i) => `10.0.0.${i}:80`);

function detectorOf(rules: Partial<OutlierDetection> = {}, addresses = ADDRESSES) {
  const all = { ...RULES, ...rules };
  const detector = new OutlierDetector(all);
  detector.follow(addresses);
  const backend = statesOf(backendOf("b", addresses, { outlierDetection: all })).get("b");
  if (backend === undefined) throw new Error("no backend");
  const observe = (address: string, results: readonly Result[], nowMs = 0) => {
    let told: readonly Observation[] = [];
    const batch = new ObservationBatch((observations) => {
      told = observations;
    });
    const endpoint = backend.byAddress.get(address);
    if (endpoint === undefined) throw new Error("no endpoint");
    for (const result of results) {
      if (typeof result === "number") batch.answered(backend, endpoint, result);
      else batch.failed(backend, endpoint, result);
    }
    batch.flush();
    return told.map((observation) => detector.observe(observation, nowMs));
  };
  return { detector, observe };
}

const [A = "", B = "", C = ""] = ADDRESSES;
const times = <T>(count: number, value: T) => Array.from({ length: count }, () => value);

describe("consecutive failures", () => {
  test("eject at the threshold, over batches too", () => {
    const { observe } = detectorOf();
    expect(observe(A, times(4, 500))).toEqual([undefined]);
    expect(observe(A, [502])).toEqual([{ address: A, kind: "ejected", reason: "consecutive5xx" }]);
  });

  test("begin anew after a success", () => {
    const { observe, detector } = detectorOf();
    observe(A, [...times(4, 500), 200, ...times(4, 500)]);
    expect(observe(A, [404, ...times(4, 500)])).toEqual([undefined]);
    expect(detector.isEjected(A)).toBe(false);
  });

  test("of connections count as gateway errors", () => {
    const { observe } = detectorOf({ consecutiveGatewayErrors: 3 });
    expect(observe(A, ["connect-failed", "upstream-timeout", "upstream-closed"])).toEqual([
      { address: A, kind: "ejected", reason: "consecutiveGatewayErrors" },
    ]);
    expect(observe(B, ["connect-failed", 500, "connect-failed", 503])).toEqual([undefined]);
  });

  test("of connections count apart where they are split off", () => {
    const { observe } = detectorOf({ splitLocalErrors: true, consecutiveLocalErrors: 3 });
    expect(observe(A, times(3, "connect-failed"))).toEqual([
      { address: A, kind: "ejected", reason: "consecutiveLocalErrors" },
    ]);
    expect(observe(B, ["connect-failed", "connect-timeout", 200, "connect-failed"])).toEqual([undefined]);
    expect(observe(C, times(20, "upstream-timeout"))).toEqual([undefined]);
  });

  test("that the gateway itself caused count for nothing", () => {
    for (const code of ["endpoint-busy", "backend-busy", "retry-budget-spent"])
      expect(detectorOf().observe(A, times(9, code))).toEqual([]);
  });

  test("give the same verdict however results are cut into batches", () => {
    const results = fc.array(fc.boolean(), { maxLength: 60 });
    const threshold = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(fc.array(results, { maxLength: 8 }), threshold, (batches, limit) => {
        const run = new FailureRun();
        let length = 0;
        for (const batch of batches) {
          const streak = newStreak();
          let reached = false;
          for (const failed of batch) {
            if (failed) addFailure(streak);
            else addSuccess(streak);
            length = failed ? length + 1 : 0;
            if (length === limit) {
              reached = true;
              length = 0;
            }
          }
          expect(run.reaches(streak, limit)).toBe(reached);
        }
      }),
    );
  });
});

describe("how many", () => {
  test("never more than the percentage, and nothing of fewer than ten at 10 %", () => {
    const { observe, detector } = detectorOf({ maxEjectionPercent: 10 });
    observe(A, times(5, 500));
    expect(observe(B, times(5, 500))).toEqual([undefined]);
    expect([detector.ejected, detector.overflows]).toEqual([1, 1]);
    const few = detectorOf({ maxEjectionPercent: 10 }, ADDRESSES.slice(0, 3));
    expect(few.observe(A, times(5, 500))).toEqual([undefined]);
  });

  test("one always, where that is said", () => {
    const { observe, detector } = detectorOf({ maxEjectionPercent: 10, alwaysEjectOne: true }, [A, B, C]);
    observe(A, times(5, 500));
    observe(B, times(5, 500));
    expect([A, B].map((address) => detector.isEjected(address))).toEqual([true, false]);
  });

  test("endpoints that are gone make room", () => {
    const { observe, detector } = detectorOf({ maxEjectionPercent: 50 }, [A, B]);
    observe(A, times(5, 500));
    detector.follow([B, C]);
    expect(detector.ejected).toBe(0);
    observe(B, times(5, 500));
    expect(detector.isEjected(B)).toBe(true);
  });

  test("the number of ejected endpoints stays within its bounds whatever happens", () => {
    const step = fc.record({
      address: fc.constantFrom(...ADDRESSES),
      results: fc.array(fc.constantFrom<Result>(200, 500, 503, "connect-failed"), { maxLength: 12 }),
      passedMs: fc.integer({ min: 0, max: 40_000 }),
      members: fc.option(fc.subarray(ADDRESSES, { minLength: 1 }), { freq: 6, nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 100 }), (steps, percent) => {
        const { detector, observe } = detectorOf({ maxEjectionPercent: percent });
        let nowMs = 0;
        let members: readonly string[] = ADDRESSES;
        for (const { address, results, passedMs, members: next } of steps) {
          if (next !== undefined) {
            members = next;
            detector.follow(members);
          }
          nowMs += passedMs;
          const before = detector.ejected;
          observe(address, results, nowMs);
          if (detector.ejected > before)
            expect(detector.ejected * 100).toBeLessThanOrEqual(percent * members.length);
          detector.look(nowMs);
          expect(detector.ejected).toBe(ADDRESSES.filter((one) => detector.isEjected(one)).length);
        }
        // Nobody stays out for ever.
        detector.look(nowMs + RULES.maxEjectionMs);
        expect(detector.ejected).toBe(0);
      }),
    );
  });
});

describe("the way back", () => {
  test("is at the first look after the time of ejection, which grows with every further one", () => {
    const { observe, detector } = detectorOf();
    observe(A, times(5, 500), 0);
    expect(detector.look(29_999)).toEqual([]);
    expect(detector.look(30_000)).toEqual([{ address: A, kind: "returned" }]);
    observe(A, times(5, 500), 31_000);
    expect(detector.look(31_000 + 59_999)).toEqual([]);
    expect(detector.look(31_000 + 60_000)).toEqual([{ address: A, kind: "returned" }]);
  });

  test("is never longer than the longest time", () => {
    const { observe, detector } = detectorOf({ maxEjectionMs: 45_000 });
    let nowMs = 0;
    for (let i = 0; i < 5; i++) {
      observe(A, times(5, 500), nowMs);
      nowMs += 45_000;
      expect(detector.look(nowMs)).toEqual([{ address: A, kind: "returned" }]);
    }
  });

  test("is forgiven interval by interval", () => {
    const { observe, detector } = detectorOf();
    observe(A, times(5, 500), 0);
    detector.look(30_000);
    detector.look(40_000);
    observe(A, times(5, 500), 41_000);
    expect(detector.look(71_000)).toEqual([{ address: A, kind: "returned" }]);
  });

  test("begins with no failures counted", () => {
    const { observe, detector } = detectorOf();
    observe(A, times(9, 500), 0);
    detector.look(30_000);
    expect(observe(A, times(4, 500), 30_000)).toEqual([undefined]);
  });

  test("is at once when an active check passes", () => {
    const { observe, detector } = detectorOf();
    observe(A, times(5, 500), 0);
    expect(detector.checksPass(A, 1000)).toEqual({ address: A, kind: "returned" });
    expect(detector.checksPass(A, 1000)).toBeUndefined();
  });
});

describe("success rates", () => {
  const successRate = { minimumHosts: 5, requestVolume: 100, stdevFactor: 1900 };
  const off = { consecutive5xx: 0 };
  const mixed = (failed: number) => [...times(failed, 500), ...times(100 - failed, 200)];

  test("eject who is further below the mean than so many deviations: Envoy's own example", () => {
    const { observe, detector } = detectorOf({ ...off, successRate }, ADDRESSES.slice(0, 5));
    for (const address of ADDRESSES.slice(1, 5)) observe(address, mixed(0));
    observe(A, mixed(50));
    // 50, 100, 100, 100, 100: mean 90, deviation 20, threshold 52.
    expect(detector.look(10_000)).toEqual([{ address: A, kind: "ejected", reason: "successRate" }]);
  });

  test("need enough endpoints with enough requests in one interval", () => {
    const { observe, detector } = detectorOf({ ...off, successRate }, ADDRESSES.slice(0, 5));
    for (const address of ADDRESSES.slice(1, 4)) observe(address, mixed(0));
    observe(A, mixed(90));
    expect(detector.look(10_000)).toEqual([]);
    for (const address of ADDRESSES.slice(1, 5)) observe(address, mixed(0));
    expect(detector.look(20_000), "what the interval before saw counts no more").toEqual([]);
  });

  test("a share of failures ejects by itself", () => {
    const failurePercentage = { thresholdPercent: 85, minimumHosts: 2, requestVolume: 50 };
    const { observe, detector } = detectorOf({ ...off, failurePercentage }, [A, B, C]);
    observe(A, mixed(85));
    observe(B, mixed(84));
    expect(detector.look(10_000)).toEqual([{ address: A, kind: "ejected", reason: "failurePercentage" }]);
  });

  test("of connections are compared by themselves where they are split off", () => {
    const failurePercentage = { thresholdPercent: 50, minimumHosts: 1, requestVolume: 10 };
    const rules = { ...off, splitLocalErrors: true, failurePercentage };
    const { observe, detector } = detectorOf(rules, [A, B]);
    observe(A, [...times(10, "connect-failed"), 200]);
    observe(B, times(20, 200));
    expect(detector.look(10_000)).toEqual([{ address: A, kind: "ejected", reason: "failurePercentage" }]);
  });
});
