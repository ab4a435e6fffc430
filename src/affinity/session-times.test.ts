// Timeouts of sessions: when they end, when tokens are renewed, and what the fields say then.
import { describe, expect, test } from "vitest";
import {
  cookieSession,
  decideNow,
  headerSession,
  NOW_SEC,
  requestOf,
  sessionPlanOf,
} from "../../test/support/affinity.ts";
import type { SessionPersistence } from "../model/index.ts";
import { decodeEnvoyCookie, type EnvoyCookie, encodeEnvoyCookie } from "./library.ts";
import { sessionFields } from "./session-fields.ts";
import { encodeBase64 } from "./token/base64.ts";
import { envoyHeaderFormat } from "./token/envoy-header.ts";

const A = "10.0.0.1:80";

interface Visit {
  readonly outcome: string | undefined;
  /** Token in the response. */
  readonly token: EnvoyCookie | undefined;
  readonly text: string | undefined;
}

function visit(session: SessionPersistence, token: string | undefined, nowSec: number, tls = false): Visit {
  const isCookie = session.carrier.kind === "cookie";
  const headers =
    token === undefined
      ? []
      : [[isCookie ? "cookie" : "x-home", isCookie ? `home=${token}` : token] as const];
  const plan = sessionPlanOf(session, [A]);
  const decision = decideNow(plan, requestOf("/", headers), { nowSec });
  const fields = sessionFields(decision, tls, nowSec);
  const text = (isCookie ? fields?.add : fields?.set)?.[0]?.value;
  const value = isCookie ? text?.match(/^home="([^"]*)"/)?.[1] : text;
  return {
    outcome: decision.outcome,
    text,
    token: value === undefined ? undefined : decodeEnvoyCookie(value),
  };
}

function cookieAt(cookie: Partial<EnvoyCookie>): string {
  return encodeEnvoyCookie({ address: A, ...cookie });
}

describe("absolute timeout", () => {
  const session = cookieSession({ absoluteTimeoutSec: 60 });
  const permanent = cookieSession({ absoluteTimeoutSec: 60 }, { lifetime: "Permanent", path: "/" });

  test("a new token says when the session ends, and nothing that Envoy does not know", () => {
    expect(visit(session, undefined, NOW_SEC).token).toEqual({ address: A, expiresSec: NOW_SEC + 60 });
  });

  test("Session writes no Max-Age, Permanent exactly the timeout", () => {
    expect(visit(session, undefined, NOW_SEC).text).toMatch(/^home="[^"]*"; HttpOnly$/);
    expect(visit(permanent, undefined, NOW_SEC).text).toMatch(/; Max-Age=60; Path=\/; HttpOnly$/);
  });

  test("endSecond: excluded ends the session with the second before, so that it never outlives its timeout", () => {
    const strict = cookieSession({ absoluteTimeoutSec: 60, endSecond: "excluded" });
    const token = cookieAt({ expiresSec: NOW_SEC });
    expect(visit(strict, token, NOW_SEC - 1).outcome).toBe("kept");
    expect(visit(strict, token, NOW_SEC).outcome).toBe("expired");
  });

  test("endSecond: included, as in Envoy: the last second counts, the one after does not", () => {
    const token = cookieAt({ expiresSec: NOW_SEC });
    expect(visit(session, token, NOW_SEC)).toEqual({ outcome: "kept", token: undefined, text: undefined });
    expect(visit(session, token, NOW_SEC + 1)).toMatchObject({
      outcome: "expired",
      token: { expiresSec: NOW_SEC + 61 },
    });
  });

  test("a shorter timeout in the configuration holds for sessions whose beginning is known", () => {
    const token = cookieAt({ expiresSec: NOW_SEC + 1000, begunSec: NOW_SEC - 61 });
    expect(visit(session, token, NOW_SEC).outcome).toBe("expired");
  });

  test("a moved session begins anew", () => {
    const token = cookieAt({ address: "10.9.9.9:80", expiresSec: NOW_SEC + 5 });
    expect(visit(session, token, NOW_SEC)).toMatchObject({
      outcome: "moved",
      token: { expiresSec: NOW_SEC + 60 },
    });
  });
});

describe("idle timeout", () => {
  const session = cookieSession({ idleTimeoutSec: 160 });
  const SLACK = 10;

  test("a new token says when the session began and was last seen", () => {
    expect(visit(session, undefined, NOW_SEC).token).toEqual({
      address: A,
      lastSeenSec: NOW_SEC,
      begunSec: NOW_SEC,
    });
  });

  test("a token is renewed once it is staler than the slack, and keeps its beginning", () => {
    const token = cookieAt({ lastSeenSec: NOW_SEC, begunSec: NOW_SEC - 500 });
    expect(visit(session, token, NOW_SEC + SLACK)).toMatchObject({ outcome: "kept", token: undefined });
    expect(visit(session, token, NOW_SEC + SLACK + 1)).toMatchObject({
      outcome: "kept",
      token: { address: A, lastSeenSec: NOW_SEC + SLACK + 1, begunSec: NOW_SEC - 500 },
    });
  });

  test("it ends after the timeout and the slack", () => {
    const token = cookieAt({ lastSeenSec: NOW_SEC, begunSec: NOW_SEC });
    expect(visit(session, token, NOW_SEC + 160 + SLACK).outcome).toBe("kept");
    expect(visit(session, token, NOW_SEC + 160 + SLACK + 1).outcome).toBe("expired");
  });

  test("the slack is one second at least", () => {
    const short = cookieSession({ idleTimeoutSec: 3 });
    const token = cookieAt({ lastSeenSec: NOW_SEC, begunSec: NOW_SEC });
    expect(visit(short, token, NOW_SEC + 1).token).toBeUndefined();
    expect(visit(short, token, NOW_SEC + 2).token?.lastSeenSec).toBe(NOW_SEC + 2);
    expect(visit(short, token, NOW_SEC + 4).outcome).toBe("kept");
    expect(visit(short, token, NOW_SEC + 5).outcome).toBe("expired");
  });

  test("a token from before the timeout is kept and gets its times", () => {
    expect(visit(session, cookieAt({}), NOW_SEC)).toMatchObject({
      outcome: "kept",
      token: { lastSeenSec: NOW_SEC, begunSec: NOW_SEC },
    });
  });
});

describe("both timeouts", () => {
  const session = cookieSession({ absoluteTimeoutSec: 600, idleTimeoutSec: 60 }, { lifetime: "Permanent" });

  test("a renewal keeps the end, and Max-Age is what is left", () => {
    const token = cookieAt({ expiresSec: NOW_SEC + 100, lastSeenSec: NOW_SEC - 30, begunSec: NOW_SEC - 500 });
    const { text, token: renewed } = visit(session, token, NOW_SEC);
    expect(renewed).toEqual({
      address: A,
      expiresSec: NOW_SEC + 100,
      lastSeenSec: NOW_SEC,
      begunSec: NOW_SEC - 500,
    });
    expect(text).toContain("; Max-Age=100;");
  });

  test("the beginning is reckoned from the end where the token does not say it", () => {
    const token = cookieAt({ expiresSec: NOW_SEC + 100 });
    expect(visit(session, token, NOW_SEC).token?.begunSec).toBe(NOW_SEC - 500);
  });

  test("in its last second a session is not renewed", () => {
    const token = cookieAt({ expiresSec: NOW_SEC, lastSeenSec: NOW_SEC - 30, begunSec: NOW_SEC - 600 });
    expect(visit(session, token, NOW_SEC)).toMatchObject({ outcome: "kept", text: undefined });
  });
});

describe("header tokens", () => {
  test("without a timeout they are the address, with one they carry times", () => {
    expect(visit(headerSession(), undefined, NOW_SEC).text).toBe(encodeBase64(A));
    const timed = headerSession({ absoluteTimeoutSec: 60 });
    expect(visit(timed, undefined, NOW_SEC).token).toEqual({ address: A, expiresSec: NOW_SEC + 60 });
  });

  test("a bare address is still followed once there is a timeout, and an idle one gets its times", () => {
    const absolute = headerSession({ absoluteTimeoutSec: 60 });
    expect(visit(absolute, encodeBase64(A), NOW_SEC)).toMatchObject({ outcome: "kept", text: undefined });
    const idle = headerSession({ idleTimeoutSec: 60 });
    expect(visit(idle, encodeBase64(A), NOW_SEC).token?.lastSeenSec).toBe(NOW_SEC);
  });
});

test("Secure is written on TLS where the session asks for it", () => {
  const session = cookieSession({}, { secureOnTls: true });
  expect(visit(session, undefined, NOW_SEC, true).text).toMatch(/; Secure; HttpOnly$/);
  expect(visit(session, undefined, NOW_SEC, false).text).not.toContain("Secure");
});

describe("texts of addresses that look like a protobuf", () => {
  test.each(["10.0.0.1:80", "10.0.0.1:8080", "10.1.2.3:80", "10.0.0.100:80", "[::1]:20002"])(
    "%s",
    (address) => {
      expect(decodeEnvoyCookie(encodeBase64(address))).toEqual({ address });
      expect(envoyHeaderFormat.decode(encodeBase64(address))?.address).toBe(address);
    },
  );

  test("what is neither a protobuf nor an address is no token", () => {
    for (const text of ["hello", "10.0.0.1", ":80", "10.0.0.1:port", "\n\x0f10.0.0.1"]) {
      expect(decodeEnvoyCookie(encodeBase64(text))).toBeUndefined();
    }
  });

  test("an overlong text is not looked at", () => {
    expect(decodeEnvoyCookie(encodeEnvoyCookie({ address: "a".repeat(2000) }))).toBeUndefined();
  });
});
