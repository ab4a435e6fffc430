// Sessions and endpoints that drain: how long they stay, where they go then, and who gets new ones meanwhile.
import { describe, expect, test } from "vitest";
import {
  addressOf,
  backendOf,
  cookieSession,
  decideNow,
  endpointAt,
  requestOf,
  ruleOf,
  sessionPlanOf,
  statesOf,
} from "../../test/support/affinity.ts";
import type { Endpoint, SessionPersistence } from "../model/index.ts";
import { encodeEnvoyCookie } from "./library.ts";
import { planRule } from "./plan.ts";

const STAYS = "10.0.0.1:80";
const LEAVES = "10.0.0.2:80";
const SINCE_SEC = 1_800_000_000;

const leaving = endpointAt(LEAVES, { health: "draining", drainingSinceMs: SINCE_SEC * 1000 });
const withToken = requestOf("/", [["cookie", `home=${encodeEnvoyCookie({ address: LEAVES })}`]]);

/** What becomes of a session on LEAVES so many seconds after it began to drain. */
function after(
  sec: number,
  over: Partial<SessionPersistence>,
  endpoints: readonly (string | Endpoint)[] = [STAYS, leaving],
) {
  const plan = sessionPlanOf(cookieSession(over), endpoints);
  const decision = decideNow(plan, withToken, { nowSec: SINCE_SEC + sec });
  return { outcome: decision.outcome, address: addressOf(decision), decision };
}

describe("a session on an endpoint that drains", () => {
  test("stays until the endpoint is gone, where there is no drain timeout", () => {
    expect(after(365 * 86_400, {})).toMatchObject({ outcome: "kept", address: LEAVES });
  });

  test("stays until its drain timeout is over, and moves in that second", () => {
    const { decision, ...last } = after(3599, { drainTimeoutSec: 3600 });
    expect(last).toEqual({ outcome: "kept", address: LEAVES });
    expect(decision.issue).toBeUndefined();
    const moved = after(3600, { drainTimeoutSec: 3600 });
    expect(moved).toMatchObject({ outcome: "moved", address: STAYS });
    expect(moved.decision.issue?.session).toBeDefined();
    expect(moved.decision.reason).toBe(
      `the token names ${LEAVES}, which drains for longer than the session's drain timeout of 3600 s; least session load chose ${STAYS}`,
    );
  });

  test("moves at once where the drain timeout is 0", () => {
    expect(after(0, { drainTimeoutSec: 0 })).toMatchObject({ outcome: "moved", address: STAYS });
  });

  test("stays where nobody knows since when it drains", () => {
    const unknown = endpointAt(LEAVES, { health: "draining" });
    expect(after(9e6, { drainTimeoutSec: 1 }, [STAYS, unknown])).toMatchObject({ outcome: "kept" });
  });

  test("is rejected then if it may not move, with its own status", () => {
    const session = { drainTimeoutSec: 60, onLost: { action: "reject", status: 410 } } as const;
    expect(after(59, session)).toMatchObject({ outcome: "kept", decision: { pinned: true } });
    const { decision, ...lost } = after(60, session);
    expect(lost).toEqual({ outcome: "rejected", address: undefined });
    expect(decision.failure).toEqual({ code: "session-rejected", status: 410 });
    expect(decision.reason).toContain("the session may not move");
  });

  test.each([
    ["all drain", [leaving, endpointAt(STAYS, { health: "draining" })]],
    ["the others are ill", [leaving, endpointAt(STAYS, { health: "unhealthy" })]],
    ["it is alone", [leaving]],
  ])("stays past its drain timeout where %s: there is no better place", (_why, endpoints) => {
    expect(after(9999, { drainTimeoutSec: 60 }, endpoints)).toMatchObject({
      outcome: "kept",
      address: LEAVES,
    });
  });

  test("comes back when the drain is called off before it has moved", () => {
    const session = cookieSession({ drainTimeoutSec: 60 });
    const states = statesOf(backendOf("b", [STAYS, leaving]));
    const back = states.update([backendOf("b", [STAYS, LEAVES])]);
    const plan = planRule(ruleOf(["b"], { session }), back);
    expect(addressOf(decideNow(plan, withToken, { nowSec: SINCE_SEC + 9999 }))).toBe(LEAVES);
  });
});

describe("a new session", () => {
  const session = cookieSession();
  const chosenOf = (endpoints: readonly (string | Endpoint)[]) => {
    const plan = sessionPlanOf(session, endpoints);
    return new Set(Array.from({ length: 60 }, () => addressOf(decideNow(plan, requestOf("/")))));
  };
  const ill = (last: number) => endpointAt(`10.0.1.${last}:80`, { health: "unhealthy" });

  test("does not go to an endpoint that drains", () => {
    expect(chosenOf([STAYS, leaving])).toEqual(new Set([STAYS]));
  });

  test("does not in panic either, where somebody else may serve", () => {
    const seen = chosenOf([STAYS, leaving, ill(1), ill(2), ill(3)]);
    expect(seen).toContain(STAYS);
    expect(seen).not.toContain(LEAVES);
  });

  test("does rather than to one that is ill, where nobody else is left", () => {
    expect(chosenOf([leaving, ill(1), ill(2)])).toEqual(new Set([LEAVES]));
  });
});

test("an endpoint that comes back from a flap gets back the sessions that were not moved meanwhile", () => {
  const session = cookieSession();
  const rule = ruleOf(["b"], { session });
  const up = backendOf("b", [STAYS, LEAVES, "10.0.0.3:80"]);
  const down = backendOf("b", [STAYS, endpointAt(LEAVES, { health: "unhealthy" }), "10.0.0.3:80"]);
  const meanwhile = statesOf(up).update([down]);
  const moved = decideNow(planRule(rule, meanwhile), withToken);
  expect(moved).toMatchObject({ outcome: "moved" });
  const elsewhere = addressOf(moved) as string;
  const movedToken = requestOf("/", [["cookie", `home=${encodeEnvoyCookie({ address: elsewhere })}`]]);
  const plan = planRule(rule, meanwhile.update([up]));
  expect(decideNow(plan, withToken)).toMatchObject({ outcome: "kept" });
  expect(addressOf(decideNow(plan, withToken))).toBe(LEAVES);
  expect(addressOf(decideNow(plan, movedToken))).toBe(elsewhere);
});
