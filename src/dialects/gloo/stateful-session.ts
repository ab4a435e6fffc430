// `statefulSession` of Gloo: the fields of Envoy's stateful session filter, and the session that they describe.
import { z } from "zod";
import type { SessionCarrier, SessionOrigin, SessionPersistence, TokenRules } from "../../model/index.ts";
import { cutSeconds } from "../policies/cookie-rules.ts";
import { sessionHeaderName } from "../policies/session-headers.ts";
import { checked, fieldName, text } from "../schema/fields.ts";
import { goDuration, goDurationMs, goDurationSec } from "../schema/go-duration.ts";
import { exactlyOneOf } from "../schema/one-of.ts";

const cookie = checked(
  z.strictObject({
    name: fieldName,
    path: text(
      /^[^\x00-\x1f\x7f;]*$/,
      "a cookie path without ; and control characters",
      "/",
      1024,
    ).optional(),
    ttl: goDuration.optional(),
  }),
  ({ ttl }) => (ttl === undefined ? undefined : cutSeconds(goDurationMs(ttl))),
);

export const statefulSession = checked(
  z.strictObject({
    strict: z.boolean().default(false),
    cookieBased: z.strictObject({ cookie }).optional(),
    headerBased: z.strictObject({ headerName: sessionHeaderName }).optional(),
  }),
  (value) =>
    exactlyOneOf(value, {
      cookieBased: "{cookie: {name: session, ttl: 1h}}",
      headerBased: "{headerName: x-session}",
    }),
);

export type StatefulSessionValue = z.output<typeof statefulSession>;

/** What Envoy answers where a strict session's endpoint is gone. */
const STRICT_STATUS = 503;

/**
 * Exactly what Envoy does with these fields: weights choose the backend first, no attribute but Max-Age, Path and
 * HttpOnly, no Path without `path`, and outside of `path` the session is neither read nor set.
 * `scope` names the object that declares the session.
 */
export function compileStatefulSession(
  value: StatefulSessionValue,
  scope: string,
  origin: SessionOrigin,
  token: TokenRules,
): SessionPersistence | undefined {
  const ttlSec = goDurationSec(value.cookieBased?.cookie.ttl ?? "0s");
  const carrier = carrierOf(value, ttlSec);
  if (carrier === undefined) return undefined;
  return {
    carrier,
    ...(ttlSec === 0 ? {} : { absoluteTimeoutSec: ttlSec }),
    endSecond: "included",
    split: "weight",
    onLost: value.strict ? { action: "reject", status: STRICT_STATUS } : { action: "reassign" },
    token,
    origin,
    scope: `${scope}/${carrier.name}`,
  };
}

function carrierOf(
  { cookieBased, headerBased }: StatefulSessionValue,
  ttlSec: number,
): SessionCarrier | undefined {
  if (headerBased !== undefined) return { kind: "header", name: headerBased.headerName.toLowerCase() };
  if (cookieBased === undefined) return undefined;
  const { name, path = "" } = cookieBased.cookie;
  return {
    kind: "cookie",
    name,
    ...(path === "" ? {} : { path }),
    ...(path === "" || path === "/" ? {} : { onlyUnderPath: path }),
    lifetime: ttlSec === 0 ? "Session" : "Permanent",
    attributes: [],
    secureOnTls: false,
  };
}
