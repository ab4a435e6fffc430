// Sessions of the application's own: what its client gets, what it gets back, and what becomes of lost ones.
import { describe, expect, test } from "vitest";
import {
  addressOf,
  cookieSession,
  decideNow,
  endpointAt,
  NOW_SEC,
  requestOf,
  sessionPlanOf,
} from "../../test/support/affinity.ts";
import { ringOf, sealedSession } from "../../test/support/sealed.ts";
import type { SessionCarrier, SessionPersistence } from "../model/index.ts";
import type { Decision } from "./decision.ts";
import { sessionFields } from "./session-fields.ts";
import { encodeEnvelope } from "./token/envelope.ts";
import { readToken } from "./token/session-token.ts";
import { wrapOriginal } from "./wrapped-session.ts";

const A = "10.0.0.1:80";
const B = "10.0.0.2:80";
const RING = ringOf([1]);

const COOKIE: SessionCarrier = { kind: "wrappedCookie", name: "JSESSIONID" };
const HEADER: SessionCarrier = { kind: "wrappedHeader", name: "Mcp-Session-Id" };
const STRICT = { action: "reject", status: 404, withoutSession: true } as const;

const sealedCookie = { ...sealedSession({ absoluteTimeoutSec: 600 }), carrier: COOKIE };
const sealedHeader: SessionPersistence = { ...sealedSession({ onLost: STRICT }), carrier: HEADER };
const plainCookie = cookieSession({ carrier: COOKIE, absoluteTimeoutSec: 600 });
const plainHeader = cookieSession({ carrier: HEADER, onLost: STRICT });

function decideWith(
  session: SessionPersistence,
  token: string | undefined,
  endpoints = [A],
  nowSec = NOW_SEC,
): Decision {
  const plan = sessionPlanOf(session, endpoints);
  const { kind } = session.carrier;
  const line = kind === "wrappedHeader" ? ["mcp-session-id", token] : ["cookie", `JSESSIONID=${token}`];
  return decideNow(plan, requestOf("/", token === undefined ? [] : [line as [string, string]]), {
    nowSec,
    keys: RING,
  });
}

function wrap(session: SessionPersistence, decision: Decision, original: string, nowSec = NOW_SEC) {
  const text = wrapOriginal(decision, original, RING, nowSec) as string;
  return { text, token: readToken(session, text, RING, nowSec) };
}

const ALL = [
  ["a sealed cookie", sealedCookie],
  ["a sealed header", sealedHeader],
  ["a cookie", plainCookie],
  ["a header", plainHeader],
] as const;

describe.each(ALL)("%s", (_, session) => {
  const kind = session.carrier.kind === "wrappedHeader" ? "header" : "cookie";
  const { name } = session.carrier;

  test("a session begins when the application begins one, and not before", () => {
    const decision = decideWith(session, undefined);
    expect(decision).toMatchObject({ outcome: "new", unwrapped: undefined, issue: { session } });
    expect(sessionFields(decision, false, NOW_SEC, RING)).toEqual({ set: [], add: [] });
  });

  test("the application gets back its own value, whatever bytes it has", () => {
    const original = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
    const { text, token } = wrap(session, decideWith(session, undefined), original);
    expect(token).toMatchObject({ address: A, original });
    const { outcome, unwrapped, issue } = decideWith(session, text, [A, B]);
    expect({ outcome, unwrapped }).toEqual({ outcome: "kept", unwrapped: { kind, name, value: original } });
    expect(issue?.session, "any response may set the value").toBe(session);
  });

  test("the token is one value: nothing in it ends a cookie", () => {
    const { text } = wrap(session, decideWith(session, undefined), "a;b c");
    expect(text).toMatch(session === plainHeader ? /^[\w+/=;:]+$/ : /^[\w+/=-]+$/);
  });

  test("values as long as a cookie can be are wrapped, and longer ones are not", () => {
    const decision = decideWith(session, undefined);
    const long = "v".repeat(4096);
    const { text, token } = wrap(session, decision, long);
    expect(token?.original).toBe(long);
    expect(decideWith(session, text).outcome).toBe("kept");
    expect(wrapOriginal(decision, `${long}v`, RING, NOW_SEC)).toBeUndefined();
  });

  test("a token that wraps nothing is none of this session's", () => {
    const bare = { ...session, carrier: cookieSession().carrier };
    const plan = sessionPlanOf(bare, [A]);
    const decision = decideNow(plan, requestOf("/"), { nowSec: NOW_SEC, keys: RING });
    const text = sessionFields(decision, false, NOW_SEC, RING)?.add[0]?.value.match(/^home="([^"]*)"/)?.[1];
    expect(readToken(bare, text as string, RING, NOW_SEC)?.address).toBe(A);
    expect(readToken(session, text as string, RING, NOW_SEC)).toBeUndefined();
    const { text: wrapped } = wrap(session, decideWith(session, undefined), "own");
    expect(readToken(bare, wrapped, RING, NOW_SEC)).toBeUndefined();
  });
});

describe("cookies: the session may move", () => {
  test.each([
    ["sealed", sealedCookie],
    ["not sealed", plainCookie],
  ])("%s: at another endpoint the application is shown the value, too", (_, session) => {
    const { text } = wrap(session, decideWith(session, undefined), "own");
    const decision = decideWith(session, text, [B]);
    expect([decision.outcome, addressOf(decision), decision.unwrapped?.value]).toEqual(["moved", B, "own"]);
  });

  test("what does not open is taken out of the request", () => {
    for (const session of [sealedCookie, plainCookie]) {
      const { outcome, unwrapped, endpoint } = decideWith(session, "made-up");
      expect(outcome).toBe("invalid");
      expect(endpoint).toBeDefined();
      expect(unwrapped).toEqual({ kind: "cookie", name: "JSESSIONID", value: undefined });
    }
  });

  test("so is what the gateway reads no cookie of that name in, and the application might", () => {
    for (const lines of ["\tJSESSIONID=own", "a=1; JSESSIONID =own", 'JSESSIONID=""']) {
      const decision = decideNow(sessionPlanOf(sealedCookie, [A]), requestOf("/", [["cookie", lines]]), {
        nowSec: NOW_SEC,
        keys: RING,
      });
      expect(decision.outcome).toBe("new");
      expect(decision.unwrapped).toEqual({ kind: "cookie", name: "JSESSIONID", value: undefined });
    }
    const without = requestOf("/", [["cookie", "a=1; b=2"]]);
    expect(decideNow(sessionPlanOf(sealedCookie, [A]), without, { keys: RING }).unwrapped).toBeUndefined();
  });

  test("so is what is past its time", () => {
    for (const session of [sealedCookie, plainCookie]) {
      const { text } = wrap(session, decideWith(session, undefined), "own");
      expect(decideWith(session, text, [A], NOW_SEC + 599).outcome).toBe("kept");
      expect(decideWith(session, text, [A], NOW_SEC + 700)).toMatchObject({
        outcome: "expired",
        unwrapped: { value: undefined },
      });
    }
  });
});

describe("headers: an unknown or lost session is answered by the gateway", () => {
  test.each([
    ["sealed", sealedHeader],
    ["not sealed", plainHeader],
  ])("%s", (_, session) => {
    const { text } = wrap(session, decideWith(session, undefined), "own");
    for (const decision of [decideWith(session, "made-up"), decideWith(session, text, [B])]) {
      expect(decision).toMatchObject({
        outcome: "rejected",
        failure: { code: "session-rejected", status: 404 },
      });
      expect(decision.endpoint).toBeUndefined();
    }
    expect(decideWith(session, "made-up").reason).toBe(
      "header Mcp-Session-Id holds no valid token; no other session may take its place",
    );
  });

  test("whichever of several lines it stands in, and of several tokens the first that leads somewhere counts", () => {
    const { text } = wrap(sealedHeader, decideWith(sealedHeader, undefined), "own");
    const asked = (...values: readonly string[]) =>
      decideNow(
        sessionPlanOf(sealedHeader, [A]),
        requestOf(
          "/",
          values.map((value) => ["mcp-session-id", value] as const),
        ),
        { nowSec: NOW_SEC, keys: RING },
      );
    expect(asked("", "made-up")).toMatchObject({ outcome: "rejected", failure: { status: 404 } });
    expect(asked("made-up", text)).toMatchObject({ outcome: "kept", unwrapped: { value: "own" } });
    expect(asked("").outcome).toBe("new");
  });

  test("over is unknown", () => {
    const session = { ...sealedHeader, absoluteTimeoutSec: 60 };
    const { text } = wrap(session, decideWith(session, undefined), "own");
    expect(decideWith(session, text, [A], NOW_SEC + 60)).toMatchObject({
      outcome: "rejected",
      failure: { status: 404 },
    });
  });

  test("without that rule, what does not open is taken out, and another session may begin", () => {
    const session = { ...sealedHeader, onLost: { action: "reject", status: 503 } as const };
    expect(decideWith(session, "made-up")).toMatchObject({
      outcome: "invalid",
      unwrapped: { value: undefined },
    });
  });
});

describe("times", () => {
  test("the same value once more goes on with the session, another one begins a session", () => {
    const { text } = wrap(sealedCookie, decideWith(sealedCookie, undefined), "own");
    const kept = decideWith(sealedCookie, text, [A], NOW_SEC + 60);
    expect(wrap(sealedCookie, kept, "own", NOW_SEC + 60).token).toMatchObject({
      begunSec: NOW_SEC,
      expiresSec: NOW_SEC + 600,
    });
    expect(wrap(sealedCookie, kept, "other", NOW_SEC + 60).token).toMatchObject({
      begunSec: NOW_SEC + 60,
      expiresSec: NOW_SEC + 660,
    });
  });

  test("idle time is the application's to count: its session is not seen by the token", () => {
    const session = { ...sealedCookie, idleTimeoutSec: 60 };
    const { text } = wrap(session, decideWith(session, undefined), "own");
    expect(decideWith(session, text, [A], NOW_SEC + 599).outcome).toBe("kept");
  });
});

test("without keys a sealed session's value cannot be wrapped, and is not handed out as it is", () => {
  expect(wrapOriginal(decideWith(sealedCookie, undefined), "own", undefined, NOW_SEC)).toBeUndefined();
});

test("a header without times is Envoy's envelope", () => {
  expect(wrap(plainHeader, decideWith(plainHeader, undefined), "own").text).toBe(
    encodeEnvelope({ address: A, original: "own" }),
  );
});

test("a sealed envelope of before is followed until its time is over", () => {
  const session: SessionPersistence = {
    ...sealedSession({ onLost: STRICT }, { acceptEnvoyUntilSec: NOW_SEC + 1 }),
    carrier: HEADER,
  };
  const text = encodeEnvelope({ address: A, original: "own" });
  expect(decideWith(session, text)).toMatchObject({ outcome: "kept", unwrapped: { value: "own" } });
  expect(decideWith(session, text, [A], NOW_SEC + 1).outcome).toBe("rejected");
});

test("so are those of sessions that have a timeout by now, sealed or not", () => {
  const timed = { onLost: STRICT, absoluteTimeoutSec: 600 };
  const text = encodeEnvelope({ address: A, original: "own" });
  for (const session of [
    { ...sealedSession(timed, { acceptEnvoyUntilSec: NOW_SEC + 1 }), carrier: HEADER },
    cookieSession({ ...timed, carrier: HEADER }),
  ]) {
    const kept = decideWith(session, text);
    expect(kept).toMatchObject({ outcome: "kept", unwrapped: { value: "own" } });
    expect(wrap(session, kept, "own").token).toMatchObject({ address: A, expiresSec: NOW_SEC + 600 });
  }
});

test("a pod that got the address later does not get the session", () => {
  const plan = (uid: string) => sessionPlanOf(sealedHeader, [endpointAt(A, { uid })]);
  const first = decideNow(plan("one"), requestOf("/"), { nowSec: NOW_SEC, keys: RING });
  const text = wrapOriginal(first, "own", RING, NOW_SEC) as string;
  const request = requestOf("/", [["mcp-session-id", text]]);
  expect(decideNow(plan("one"), request, { nowSec: NOW_SEC, keys: RING }).outcome).toBe("kept");
  expect(decideNow(plan("two"), request, { nowSec: NOW_SEC, keys: RING }).outcome).toBe("rejected");
});
