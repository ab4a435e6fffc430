// Where new sessions go: loads that fade, weights, and an endpoint that is added to full ones.
import { describe, expect, test } from "vitest";
import {
  addressOf,
  backendOf,
  cookieSession,
  decideNow,
  endpointAt,
  NOW_SEC,
  requestOf,
  ruleOf,
  seededRandom,
  statesAt,
} from "../../test/support/affinity.ts";
import type { LiveBackend } from "./backend-states.ts";
import type { EndpointState } from "./decision.ts";
import { planRule } from "./plan.ts";
import { SessionLoad } from "./session-load.ts";

const ADDRESSES = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"];
const byLeastRequest = { kind: "leastRequest", choiceCount: 2 } as const;
const NO_HASH = { high: 0, low: 0 };

function live(endpoints: Parameters<typeof backendOf>[1], wallMs = () => NOW_SEC * 1000): LiveBackend {
  return statesAt(wallMs, backendOf("b", endpoints)).get("b") as LiveBackend;
}

/** How often each of the endpoints is chosen for a new session, with loads as they are. */
function shares(backend: LiveBackend, count = 4000): number[] {
  const random = seededRandom(1);
  const lookup = backend.lookup(byLeastRequest, true);
  const chosen = new Map<EndpointState, number>();
  for (let i = 0; i < count; i++) {
    const endpoint = lookup.pick(NO_HASH, 0, random);
    chosen.set(endpoint, (chosen.get(endpoint) ?? 0) + 1 / count);
  }
  return backend.endpoints.map((endpoint) => chosen.get(endpoint) ?? 0);
}

function ask({ sessions }: EndpointState, requests: number, nowSec = NOW_SEC): void {
  for (let i = 0; i < requests; i++) sessions.add(nowSec);
}

describe("the load of sessions", () => {
  test("halves every 20 seconds", () => {
    const load = new SessionLoad();
    for (let i = 0; i < 8; i++) load.add(NOW_SEC);
    const faded = [0, 20, 40, 60].map((sec) => load.at(NOW_SEC + sec));
    for (const [index, expected] of [8, 4, 2, 1].entries()) expect(faded[index]).toBeCloseTo(expected);
  });

  test("is the same however often it is looked at", () => {
    const [often, once] = [new SessionLoad(), new SessionLoad()];
    for (let sec = 0; sec < 100; sec++) {
      often.add(NOW_SEC + sec);
      once.add(NOW_SEC + sec);
      for (let i = 0; i < 3; i++) often.at(NOW_SEC + sec);
    }
    expect(often.at(NOW_SEC + 200)).toBeCloseTo(once.at(NOW_SEC + 200));
  });

  test("counts a request that comes late as one of now", () => {
    const load = new SessionLoad();
    load.add(NOW_SEC);
    load.add(NOW_SEC - 30);
    expect(load.at(NOW_SEC)).toBe(2);
  });

  test("fades by a clock that was set back, as that of an endpoint does that has come since", () => {
    const [old, young] = [new SessionLoad(), new SessionLoad()];
    for (let i = 0; i < 8; i++) old.add(NOW_SEC);
    const back = NOW_SEC - 3600;
    for (let i = 0; i < 8; i++) young.add(back);
    expect(old.at(back)).toBe(8);
    for (const load of [old, young]) expect(load.at(back + 40)).toBeCloseTo(2);
  });
});

describe("a new session", () => {
  test("goes anywhere alike where nobody has any", () => {
    for (const share of shares(live(ADDRESSES))) expect(share).toBeCloseTo(0.25, 1);
  });

  test("goes where sessions ask for least", () => {
    const backend = live(ADDRESSES);
    for (const [index, endpoint] of backend.endpoints.entries()) ask(endpoint, 10 * (index + 1));
    const seen = shares(backend);
    expect(seen).toEqual(seen.toSorted((a, b) => b - a));
    expect(seen[0]).toBeGreaterThan(0.6);
    expect(seen[3]).toBeLessThan(0.02);
  });

  test("sees tunnels by their being in flight", () => {
    const backend = live(ADDRESSES);
    for (const endpoint of backend.endpoints.slice(1)) endpoint.active = 50;
    expect(shares(backend)[0]).toBeGreaterThan(0.6);
  });

  test("reads the load for its weight", () => {
    const backend = live([endpointAt("10.0.0.1:80", { weight: 4 }), "10.0.0.2:80"]);
    const [heavy, light] = backend.endpoints as [EndpointState, EndpointState];
    ask(heavy, 20);
    ask(light, 10);
    expect(shares(backend)[0]).toBeGreaterThan(0.95);
    ask(heavy, 40);
    expect(shares(backend)[0]).toBeLessThan(0.6);
  });

  test("is not what rules without sessions balance by", () => {
    const backend = live(ADDRESSES);
    ask(backend.endpoints[0] as EndpointState, 1000);
    const random = seededRandom(2);
    const lookup = backend.lookup(byLeastRequest);
    const chosen = Array.from({ length: 400 }, () => lookup.pick(NO_HASH, 0, random));
    expect(chosen.filter((endpoint) => endpoint === backend.endpoints[0]).length).toBeGreaterThan(60);
  });

  test("is told of in the reason", () => {
    const states = statesAt(() => NOW_SEC * 1000, backendOf("b", ADDRESSES.slice(0, 1)));
    const withSession = planRule(ruleOf(["b"], { session: cookieSession() }), states);
    const without = planRule(ruleOf(["b"]), states);
    expect(decideNow(withSession, requestOf("/")).reason).toBe(
      "no token in cookie home; least session load chose 10.0.0.1:80",
    );
    expect(decideNow(without, requestOf("/")).reason).toBe("least request chose 10.0.0.1:80");
  });

  test("spares an endpoint in slow start", () => {
    const slow = { windowMs: 60_000, aggression: 1, minWeightPercent: 10 };
    const endpoints = [...ADDRESSES.slice(0, 3), "10.0.0.4:80"].map((address, index) =>
      endpointAt(address, index === 3 ? { slowStartSinceMs: NOW_SEC * 1000 - 6_000 } : {}),
    );
    const backend = statesAt(() => NOW_SEC * 1000, backendOf("b", endpoints, { slowStart: slow })).get(
      "b",
    ) as LiveBackend;
    for (const endpoint of backend.endpoints.slice(0, 3)) ask(endpoint, 10);
    expect(shares(backend)[3]).toBeLessThan(0.2);
  });
});

interface Session {
  readonly home: string;
  readonly gateway: number;
  readonly endSec: number;
}

/**
 * Sessions that come and go at three gateways, which share nothing, for ten minutes after a fifth endpoint was added to
 * four full ones. Answers with the fifth's share of all sessions, second by second, and of the new ones.
 */
function addFifth(lifeSec: number, seed: number): { ofAll: number[]; ofNew: number } {
  const random = seededRandom(seed);
  const [gateways, population, requestsPerSec] = [3, 600, 0.1];
  let nowSec = NOW_SEC;
  const endSec = () => nowSec - lifeSec * Math.log(1 - random());
  const rule = ruleOf(["b"], { session: cookieSession() });
  const states = Array.from({ length: gateways }, () =>
    statesAt(() => nowSec * 1000, backendOf("b", ADDRESSES)),
  );
  const fifth = "10.0.0.5:80";
  let sessions: Session[] = Array.from({ length: population }, (_, index) => ({
    home: ADDRESSES[index % 4] as string,
    gateway: index % gateways,
    endSec: endSec(),
  }));
  const asks = ({ home, gateway }: Session) =>
    states[gateway]?.get("b")?.byAddress.get(home)?.sessions.add(nowSec);
  for (; nowSec < NOW_SEC + 120; nowSec++)
    for (const one of sessions) if (random() < requestsPerSec) asks(one);
  sessions = sessions.map((one) => ({ ...one, endSec: endSec() }));
  const plans = states.map((before, gateway) => {
    states[gateway] = before.update([backendOf("b", [...ADDRESSES, fifth])]);
    return planRule(rule, states[gateway]);
  });
  const ofAll: number[] = [];
  let [begun, begunAtFifth] = [0, 0];
  for (const untilSec = nowSec + 600; nowSec < untilSec; nowSec++) {
    sessions = sessions.filter((one) => one.endSec > nowSec);
    for (const one of sessions) if (random() < requestsPerSec) asks(one);
    while (sessions.length < population) {
      const gateway = Math.floor(random() * gateways);
      const home = addressOf(decideNow(plans[gateway]!, requestOf("/"), { random, nowSec })) as string;
      const session = { home, gateway, endSec: endSec() };
      sessions.push(session);
      asks(session);
      if (ofAll.length > 30) continue;
      begun += 1;
      if (home === fifth) begunAtFifth += 1;
    }
    ofAll.push(sessions.filter(({ home }) => home === fifth).length / population);
  }
  return { ofAll, ofNew: begunAtFifth / begun };
}

describe("an endpoint that is added to four full ones", () => {
  test.each([
    ["short", 30],
    ["middling", 120],
    ["long", 600],
  ])("fills until it is level, without a stampede, where sessions are %s", (_length, lifeSec) => {
    const { ofAll, ofNew } = addFifth(lifeSec, lifeSec);
    // Its share of new sessions is bounded by what four choices of five endpoints find: 59 %.
    if (lifeSec > 30) expect(ofNew).toBeGreaterThan(0.45);
    expect(ofNew).toBeLessThan(0.66);
    expect(Math.max(...ofAll)).toBeLessThan(0.36);
    const settled = ofAll.slice(450);
    const mean = settled.reduce((sum, share) => sum + share, 0) / settled.length;
    expect(mean).toBeGreaterThan(0.17);
    expect(mean).toBeLessThan(0.23);
  });
});
