// Random histories of endpoints, weights, clocks, keys and tokens: what must hold of every decision in all of them.
//
// - a session whose endpoint serves is never moved
// - a strict session never reaches another host, on a retry neither
// - sessions stay no longer than their drain timeout while somebody else serves
// - nobody is asked again who failed the request while somebody else serves
// - a stranger at the session's address is not followed, nor what nobody issued
// - a token names the endpoint that was chosen and answered
// - a session ends at its absolute timeout, whatever is issued anew, and when it was not seen for too long
// - replicas with the same keys and endpoints follow a token to the same endpoint
// - of all this nothing changes where their clocks differ by seconds, but by these seconds when a time is over
// - new sessions never go to draining endpoints while somebody else serves
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SessionPersistence } from "../../src/model/index.ts";
import { cookieSession } from "../support/affinity.ts";
import { sealedSession } from "../support/sealed.ts";
import { type Happening, SessionWorld } from "../support/session-world.ts";

const number = fc.nat({ max: 11 });
const asks: fc.Arbitrary<Happening> = fc.record({
  kind: fc.constant("asks"),
  client: number,
  fails: fc.constantFrom(0, 0, 0, 0, 1, 2),
});
const passes: fc.Arbitrary<Happening> = fc.record({
  kind: fc.constant("passes"),
  sec: fc.constantFrom(1, 3, 10, 20, 30, 100),
});
const others: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ kind: fc.constant("starts"), at: number }),
  fc.record({ kind: fc.constantFrom("drains", "falls ill", "gets well", "goes"), pod: number }),
  fc.record({ kind: fc.constant("moves house"), pod: number, at: number }),
  fc.record({ kind: fc.constant("weighs"), weights: fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 })) }),
  passes,
  passes,
  fc.record({ kind: fc.constant("rotates keys") }),
  fc.record({ kind: fc.constantFrom("loses its token", "forges a token"), client: number }),
);
const history = fc.array(fc.oneof({ weight: 3, arbitrary: asks }, { weight: 2, arbitrary: others }), {
  minLength: 20,
  maxLength: 80,
});

/** The clock of one replica before that of the other. */
const aheadSec = fc.constantFrom(0, 0, 3, -3);

const STRICT = { action: "reject", status: 503 } as const;
const TIMES = { absoluteTimeoutSec: 60, idleTimeoutSec: 40 };

const SESSIONS: readonly (readonly [string, SessionPersistence])[] = [
  ["sealed, by uid", sealedSession(TIMES)],
  ["sealed, by hostname", sealedSession({ ...TIMES, drainTimeoutSec: 20 }, { identity: "hostname" })],
  ["sealed and strict", sealedSession({ ...TIMES, onLost: STRICT, drainTimeoutSec: 20 })],
  ["sealed and strict, by hostname", sealedSession({ onLost: STRICT }, { identity: "hostname" })],
  ["sealed, weights first", sealedSession({ split: "weight", absoluteTimeoutSec: 60 })],
  ["sealed and strict, weights first", sealedSession({ split: "weight", onLost: STRICT })],
  ["sealed, without times", sealedSession({ drainTimeoutSec: 20 })],
];

test.each(SESSIONS)("sessions that are %s", (_name, session) => {
  let asked = 0;
  fc.assert(
    fc.property(history, fc.integer(), aheadSec, (happenings, seed, ahead) => {
      const world = new SessionWorld(session, seed, ahead);
      for (const happening of happenings) world.live(happening);
      asked += happenings.filter(({ kind }) => kind === "asks").length;
    }),
    { numRuns: 60 },
  );
  expect(asked).toBeGreaterThan(1000);
});

test("sessions in Envoy's format, where every pod keeps its address", () => {
  const session = cookieSession({ ...TIMES, endSecond: "excluded", drainTimeoutSec: 20 });
  const settled = history.map((all) => all.filter(({ kind }) => kind !== "starts" && kind !== "moves house"));
  fc.assert(
    fc.property(settled, fc.integer(), (happenings, seed) => {
      const world = new SessionWorld(session, seed);
      for (const happening of happenings) world.live(happening);
    }),
    { numRuns: 20 },
  );
});
