// Sealed sessions from request to response: who is followed, how long, and what becomes of tokens of other formats.
import { describe, expect, test } from "vitest";
import {
  addressOf,
  backendOf,
  cookieSession,
  decideNow,
  endpointAt,
  NOW_SEC,
  planOf,
  requestOf,
  ruleOf,
  sessionPlanOf,
} from "../../test/support/affinity.ts";
import { ringOf, sealedSession } from "../../test/support/sealed.ts";
import type { Backend, Endpoint, SessionPersistence } from "../model/index.ts";
import type { Decision } from "./decision.ts";
import { encodeEnvoyCookie } from "./library.ts";
import { sessionFields } from "./session-fields.ts";
import { encodeBase64 } from "./token/base64.ts";
import { backendMark } from "./token/sealed-layout.ts";
import type { SessionKeys } from "./token/session-keys.ts";
import { readToken, writeToken } from "./token/session-token.ts";
import type { Token } from "./token/token.ts";

const A = "10.0.0.1:80";
const B = "10.0.0.2:80";
const RING = ringOf([1]);

interface Visit {
  readonly decision: Decision;
  readonly outcome: string | undefined;
  readonly address: string | undefined;
  /** In the response. */
  readonly text: string | undefined;
  readonly token: Token | undefined;
  readonly setCookie: string | undefined;
}

interface Circumstances {
  readonly nowSec?: number;
  readonly keys?: SessionKeys | undefined;
  readonly backends?: readonly Backend[];
}

function visit(
  session: SessionPersistence,
  texts: readonly (string | undefined)[],
  { nowSec = NOW_SEC, keys = RING, backends = [backendOf("b", [A])] }: Circumstances = {},
): Visit {
  const plan = planOf(
    ruleOf(
      backends.map(({ id }) => id),
      { session },
    ),
    ...backends,
  );
  const isHeader = session.carrier.kind === "header";
  const lines = texts
    .filter((text) => text !== undefined)
    .map((text) => (isHeader ? ["x-home", text] : ["cookie", `home=${text}`]) as [string, string]);
  const decision = decideNow(plan, requestOf("/", lines), { nowSec, keys });
  const fields = sessionFields(decision, false, nowSec, keys);
  const setCookie = fields?.add[0]?.value;
  const text = isHeader ? fields?.set[0]?.value : setCookie?.match(/^home="([^"]*)"/)?.[1];
  return {
    decision,
    outcome: decision.outcome,
    address: addressOf(decision),
    text,
    token: text === undefined ? undefined : readToken(session, text, keys, nowSec),
    setCookie,
  };
}

/** A token as the gateway would have written it. */
function tokenAt(session: SessionPersistence, over: Partial<Token> = {}, keys: SessionKeys = RING): string {
  const token: Token = {
    address: A,
    begunSec: NOW_SEC,
    lastSeenSec: 0,
    expiresSec: 0,
    backendMark: 0,
    ...over,
  };
  return writeToken(session, token, keys) as string;
}

describe("a session", () => {
  const session = sealedSession({ absoluteTimeoutSec: 600 });

  test("begins with a token that says where it lives, since when and until when, and is kept by it", () => {
    const first = visit(session, []);
    expect(first.outcome).toBe("new");
    expect(first.token).toEqual({
      address: A,
      begunSec: NOW_SEC,
      expiresSec: NOW_SEC + 600,
      lastSeenSec: 0,
      backendMark: backendMark("b"),
      keyId: RING.keyIds[0],
    });
    expect(visit(session, [first.text])).toMatchObject({ outcome: "kept", address: A, text: undefined });
  });

  test("is kept by another process with the same key", () => {
    const { text } = visit(session, []);
    expect(visit(session, [text], { keys: ringOf([1], 9) }).outcome).toBe("kept");
  });

  test("travels in a header too, and ends there too", () => {
    const header: SessionPersistence = { ...session, carrier: { kind: "header", name: "X-Home" } };
    const { text } = visit(header, []);
    expect(visit(header, [text], { nowSec: NOW_SEC + 599 }).outcome).toBe("kept");
    expect(visit(header, [text], { nowSec: NOW_SEC + 600 }).outcome).toBe("expired");
  });

  test("of several cookies every one is tried", () => {
    const lost = tokenAt(session, { address: B });
    const good = tokenAt(session);
    expect(visit(session, ["x", lost, good]).outcome).toBe("kept");
    expect(visit(session, ["x", lost]).outcome).toBe("moved");
    expect(visit(session, ["x"]).outcome).toBe("invalid");
  });

  test("of another scope, of a key that is not there, or changed: it is invalid and begins anew", () => {
    const { text = "" } = visit(session, []);
    const scope = { ...session, scope: `${session.scope}2` };
    const others = [tokenAt(scope), tokenAt(session, {}, ringOf([2])), `${text}A`, text.slice(1)];
    for (const other of others) {
      expect(visit(session, [other])).toMatchObject({ outcome: "invalid", token: { begunSec: NOW_SEC } });
    }
  });

  test("without keys nothing opens and nothing is issued, sealed or not", () => {
    const { text } = visit(session, []);
    const plan = sessionPlanOf(session, [A]);
    const decision = decideNow(plan, requestOf("/", [["cookie", `home=${text}`]]), { nowSec: NOW_SEC });
    expect(decision).toMatchObject({ outcome: "invalid", source: "balance" });
    expect(sessionFields(decision, false, NOW_SEC)).toEqual({ set: [], add: [] });
  });
});

describe("who has the address", () => {
  const pod = (address: string, more: Partial<Endpoint> = {}) => endpointAt(address, more);
  const at = (...endpoints: Endpoint[]): Circumstances => ({ backends: [backendOf("b", endpoints)] });

  test.each([
    ["uid", { uid: "7d4f5c1e-90ab-4cde-8f01-23456789abcd" }, { uid: "7d4f5c1e-90ab-4cde-8f01-23456789abce" }],
    ["hostname", { hostname: "carts-0" }, { hostname: "carts-1" }],
  ] as const)("%s: another pod at the address is not followed", (identity, own, strangers) => {
    const session = sealedSession({}, { identity });
    const { text, token } = visit(session, [], at(pod(A, own)));
    expect(token?.identity).toEqual({ kind: identity, value: Object.values(own)[0] });
    expect(visit(session, [text], at(pod(A, own))).outcome).toBe("kept");
    const { outcome, decision, token: next } = visit(session, [text], at(pod(A, strangers)));
    expect(outcome).toBe("moved");
    expect(decision.reason).toContain(`the token names ${A}, whose address another pod has now`);
    expect(next?.identity?.value).toBe(Object.values(strangers)[0]);
    expect(visit(session, [text], at(pod(A))).outcome, "nor is one that says nothing of itself").toBe(
      "moved",
    );
  });

  test("a strict session is rejected rather than given to a stranger", () => {
    const session = sealedSession({ onLost: { action: "reject", status: 503 } });
    const { text } = visit(session, [], at(pod(A, { uid: "one" })));
    const { outcome, address } = visit(session, [text], at(pod(A, { uid: "two" }), pod(B, { uid: "one" })));
    expect([outcome, address]).toEqual(["rejected", undefined]);
  });

  test("address: whoever has it is followed", () => {
    const session = sealedSession({}, { identity: "address" });
    const { text } = visit(session, [], at(pod(A, { uid: "one", hostname: "a" })));
    expect(visit(session, [text], at(pod(A, { uid: "two", hostname: "b" }))).outcome).toBe("kept");
    const withUid = visit(sealedSession(), [], at(pod(A, { uid: "one" }))).text;
    expect(visit(session, [withUid], at(pod(A, { uid: "two" }))).outcome, "of older rules").toBe("kept");
  });

  test("an endpoint that has neither is known by its address", () => {
    for (const identity of ["uid", "hostname"] as const) {
      const session = sealedSession({}, { identity });
      const { text, token } = visit(session, [], at(pod(A)));
      expect(token?.identity).toBeUndefined();
      expect(visit(session, [text], at(pod(A, { uid: "u", hostname: "h" }))).outcome).toBe("kept");
    }
  });

  test("hostname: the session follows it to a new address, with a new token and the old beginning", () => {
    const session = sealedSession({ absoluteTimeoutSec: 600 }, { identity: "hostname" });
    const { text } = visit(session, [], at(pod(A, { hostname: "carts-0", uid: "1" })));
    const moved = at(pod(A, { hostname: "carts-1" }), pod(B, { hostname: "carts-0", uid: "2" }));
    const { outcome, address, token } = visit(session, [text], { ...moved, nowSec: NOW_SEC + 60 });
    expect([outcome, address]).toEqual(["kept", B]);
    expect(token).toMatchObject({ address: B, begunSec: NOW_SEC, expiresSec: NOW_SEC + 600 });
  });

  test("hostname: a name that several hosts share is not followed, several addresses of one pod are", () => {
    const session = sealedSession({}, { identity: "hostname" });
    const { text } = visit(session, [], at(pod(A, { hostname: "db" })));
    const shared = [pod(B, { hostname: "db" }), pod("10.0.0.3:80", { hostname: "db" })];
    expect(visit(session, [text], at(...shared)).outcome).toBe("moved");
    const stacks = [pod(B, { hostname: "db", uid: "1" }), pod("[::1]:80", { hostname: "db", uid: "1" })];
    expect(visit(session, [text], at(...stacks))).toMatchObject({ outcome: "kept", address: B });
  });
});

test("backends that share an endpoint: the token leads to the one that it was issued for", () => {
  const session = sealedSession();
  const backends = ["one", "two", "three"].map((id) => backendOf(id, [A]));
  for (const { id } of backends) {
    const text = tokenAt(session, { backendMark: backendMark(id) });
    const { decision } = visit(session, [text], { backends });
    expect([decision.outcome, decision.backend?.backend.id]).toEqual(["kept", id]);
  }
  const renamed = tokenAt(session, { backendMark: backendMark("before") });
  expect(visit(session, [renamed], { backends }).outcome).toBe("kept");
});

describe("lifetime", () => {
  const session = sealedSession({ absoluteTimeoutSec: 600, idleTimeoutSec: 60 });

  test("counts from the beginning through every renewal", () => {
    let { text } = visit(session, []);
    for (let nowSec = NOW_SEC + 30; nowSec < NOW_SEC + 600; nowSec += 30) {
      const next = visit(session, [text], { nowSec });
      expect(next).toMatchObject({
        outcome: "kept",
        token: { begunSec: NOW_SEC, expiresSec: NOW_SEC + 600 },
      });
      text = next.text;
    }
    expect(visit(session, [text], { nowSec: NOW_SEC + 599 }).outcome).toBe("kept");
    expect(visit(session, [text], { nowSec: NOW_SEC + 600 })).toMatchObject({
      outcome: "expired",
      token: { begunSec: NOW_SEC + 600, expiresSec: NOW_SEC + 1200 },
    });
  });

  test("counts from the beginning at another endpoint too", () => {
    const text = tokenAt(session, { address: B, expiresSec: NOW_SEC + 600, lastSeenSec: NOW_SEC });
    const { outcome, token } = visit(session, [text], { nowSec: NOW_SEC + 40 });
    expect(outcome).toBe("moved");
    expect(token).toMatchObject({
      address: A,
      begunSec: NOW_SEC,
      expiresSec: NOW_SEC + 600,
      lastSeenSec: NOW_SEC + 40,
    });
  });

  test("a shorter timeout holds at once, a longer one for new sessions", () => {
    const text = tokenAt(session, { expiresSec: NOW_SEC + 600, lastSeenSec: NOW_SEC + 500 });
    const at = (absoluteTimeoutSec: number, nowSec: number) =>
      visit({ ...session, absoluteTimeoutSec }, [text], { nowSec }).outcome;
    expect([at(500, NOW_SEC + 499), at(500, NOW_SEC + 500)]).toEqual(["kept", "expired"]);
    expect([at(900, NOW_SEC + 559), at(900, NOW_SEC + 600)]).toEqual(["kept", "expired"]);
  });

  test("idle time counts from when the session was last seen, with the slack", () => {
    const text = tokenAt(session, { lastSeenSec: NOW_SEC });
    expect(visit(session, [text], { nowSec: NOW_SEC + 63 }).outcome).toBe("kept");
    expect(visit(session, [text], { nowSec: NOW_SEC + 64 }).outcome).toBe("expired");
  });

  test("notBefore ends what began earlier, however it was renewed", () => {
    const rules = sealedSession({ idleTimeoutSec: 60 }, { notBeforeSec: NOW_SEC });
    const began = (begunSec: number) => tokenAt(rules, { begunSec, lastSeenSec: NOW_SEC + 5 });
    expect(visit(rules, [began(NOW_SEC - 1)], { nowSec: NOW_SEC + 6 }).outcome).toBe("expired");
    expect(visit(rules, [began(NOW_SEC)], { nowSec: NOW_SEC + 6 }).outcome).toBe("kept");
  });
});

describe("clocks that differ", () => {
  const session = sealedSession({ absoluteTimeoutSec: 600, idleTimeoutSec: 60 });

  test("a few seconds do no harm: the token of a replica that is ahead is kept, and not written anew for it", () => {
    const text = tokenAt(session, {
      begunSec: NOW_SEC + 5,
      expiresSec: NOW_SEC + 605,
      lastSeenSec: NOW_SEC + 5,
    });
    expect(visit(session, [text])).toMatchObject({ outcome: "kept", text: undefined });
  });

  test("a renewal by a clock that is behind does not take back what another one saw", () => {
    const text = tokenAt(session, { address: B, expiresSec: NOW_SEC + 600, lastSeenSec: NOW_SEC + 5 });
    expect(visit(session, [text]).token?.lastSeenSec).toBe(NOW_SEC + 5);
  });

  test("two replicas a few seconds apart keep a session for as long as it is used", () => {
    let text = visit(session, [], { nowSec: NOW_SEC + 5 }).text as string;
    for (let step = 1; step < 59; step++) {
      const nowSec = NOW_SEC + 10 * step + (step % 2 === 0 ? 5 : 0);
      const next = visit(session, [text], { nowSec });
      expect({ step, outcome: next.outcome }).toEqual({ step, outcome: "kept" });
      text = next.text ?? text;
    }
  });

  test("a token from an hour ahead is kept, and written anew so that the session ends in time", () => {
    const ahead = NOW_SEC + 3600;
    const text = tokenAt(session, { begunSec: ahead, expiresSec: ahead + 600, lastSeenSec: ahead });
    const { outcome, token } = visit(session, [text]);
    expect(outcome).toBe("kept");
    expect(token).toMatchObject({ begunSec: NOW_SEC, expiresSec: NOW_SEC + 600, lastSeenSec: NOW_SEC });
  });
});

describe("tokens in Envoy's format", () => {
  const UNTIL = NOW_SEC + 100;
  const session = sealedSession({ absoluteTimeoutSec: 600 }, { acceptEnvoyUntilSec: UNTIL });
  const envoy = encodeEnvoyCookie({ address: A, expiresSec: NOW_SEC + 300 });

  test("are invalid where nothing else is said", () => {
    expect(visit(sealedSession(), [encodeEnvoyCookie({ address: A })]).outcome).toBe("invalid");
  });

  test("are followed before that second, and written anew, sealed, once", () => {
    const { outcome, text, token } = visit(session, [envoy], { nowSec: UNTIL - 1 });
    expect([outcome, token?.keyId]).toEqual(["kept", RING.keyIds[0]]);
    expect(token).toMatchObject({ begunSec: NOW_SEC - 300, expiresSec: NOW_SEC + 300 });
    expect(visit(session, [text], { nowSec: UNTIL - 1 })).toMatchObject({ outcome: "kept", text: undefined });
  });

  test("are invalid from that second on", () => {
    expect(visit(session, [envoy], { nowSec: UNTIL }).outcome).toBe("invalid");
  });

  test("in a header likewise", () => {
    const header: SessionPersistence = { ...session, carrier: { kind: "header", name: "x-home" } };
    const { outcome, token } = visit(header, [encodeBase64(A)]);
    expect([outcome, token?.keyId, token?.begunSec]).toEqual(["kept", RING.keyIds[0], NOW_SEC]);
  });

  test("do not get past notBefore where their beginning is not known", () => {
    const rules = sealedSession({}, { acceptEnvoyUntilSec: UNTIL, notBeforeSec: NOW_SEC - 1000 });
    expect(visit(rules, [encodeEnvoyCookie({ address: A })]).outcome).toBe("expired");
  });

  test("a token that says it ends after the end of time does no harm", () => {
    const forged = encodeEnvoyCookie({
      address: A,
      expiresSec: 2 ** 60,
      begunSec: 2 ** 60,
      lastSeenSec: 2 ** 60,
    });
    const idle = { ...session, idleTimeoutSec: 60 };
    expect(visit(idle, [forged]).token).toMatchObject({
      begunSec: NOW_SEC,
      expiresSec: NOW_SEC + 600,
      lastSeenSec: NOW_SEC,
    });
  });

  test("sealed tokens are invalid to a session in Envoy's format", () => {
    const { text } = visit(session, []);
    expect(visit(cookieSession(), [text]).outcome).toBe("invalid");
  });
});

describe("rotation", () => {
  const session = sealedSession({ absoluteTimeoutSec: 600 });

  test("a token of an older key is kept and written anew with the first one, and keeps its beginning", () => {
    const { text } = visit(session, [], { keys: ringOf([1]) });
    const keys = ringOf([2, 1], 7);
    const { outcome, token, text: next } = visit(session, [text], { keys, nowSec: NOW_SEC + 60 });
    expect(outcome).toBe("kept");
    expect(token).toMatchObject({ keyId: keys.keyIds[0], begunSec: NOW_SEC, expiresSec: NOW_SEC + 600 });
    expect(visit(session, [next], { keys: ringOf([2], 8) })).toMatchObject({
      outcome: "kept",
      text: undefined,
    });
  });

  test("a key that is only added as the last one changes no token", () => {
    const { text } = visit(session, [], { keys: ringOf([1]) });
    expect(visit(session, [text], { keys: ringOf([1, 2]) })).toMatchObject({
      outcome: "kept",
      text: undefined,
    });
  });

  test("without its key a session begins anew", () => {
    const { text } = visit(session, [], { keys: ringOf([1]) });
    expect(visit(session, [text], { keys: ringOf([2]) }).outcome).toBe("invalid");
  });
});

test("Permanent: Max-Age is what is left of the session, with a new token too", () => {
  const session: SessionPersistence = {
    ...sealedSession({ absoluteTimeoutSec: 600 }),
    carrier: cookieSession({}, { lifetime: "Permanent" }).carrier,
  };
  expect(visit(session, []).setCookie).toContain("; Max-Age=600;");
  const lost = tokenAt(session, { address: B, expiresSec: NOW_SEC + 600 });
  expect(visit(session, [lost], { nowSec: NOW_SEC + 200 }).setCookie).toContain("; Max-Age=400;");
});
