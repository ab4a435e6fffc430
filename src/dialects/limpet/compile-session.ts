// What `session` of an AffinityPolicy becomes, and what there is to tell about it.
import {
  objectText,
  type SessionCarrier,
  type SessionPersistence,
  type TokenRules,
} from "../../model/index.ts";
import type { Told } from "../dialect.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import { declaredAt } from "../policies/session-origin.ts";
import { sessionRemarks } from "../policies/session-remarks.ts";
import { tokenRules } from "../policies/token-rules.ts";
import { durationMs } from "../schema/fields.ts";
import type { Reading } from "../schema/read-object.ts";
import type { TranslateOptions } from "../translation.ts";
import type { SessionValue } from "./affinity-session.ts";
import { cookieAttributes } from "./cookie-fields.ts";

const AT: FieldPath = ["spec", "session"];
const LOST_STATUS = 503;
/** By which clients of MCP know that they have to begin anew (2025-11-25, Streamable HTTP, session management). */
const UNKNOWN_SESSION_STATUS = 404;

/**
 * The session but for where it applies: `split` differs between targets, and a cookie without a name gets one for each
 * place (`policies/session-place.ts`).
 */
export function compileSession(
  value: SessionValue,
  policy: Reading,
  options: TranslateOptions,
): Told<SessionPersistence> {
  const owner = objectText(policy.object);
  const carrier = carrierOf(value);
  const { absoluteTimeout, idleTimeout, drain } = value;
  const session: SessionPersistence = {
    carrier,
    ...(isTime(absoluteTimeout) ? { absoluteTimeoutSec: wholeSeconds(absoluteTimeout) } : {}),
    ...(isTime(idleTimeout) ? { idleTimeoutSec: wholeSeconds(idleTimeout) } : {}),
    endSecond: "excluded",
    split: value.split ?? "session",
    onLost: onLost(value),
    token: token(value.token, options),
    ...(drain === undefined ? {} : { drainTimeoutSec: wholeSeconds(drain.timeout) }),
    ...(value.noCache ? { noCache: true } : {}),
    origin: declaredAt(policy.object, AT),
    scope: `${owner}/${carrier.name}`,
  };
  const findings = [
    ...sessionRemarks(policy, AT, session, value.token.format === "envoy"),
    ...rounded(value, policy),
    ...(session.token.format === "sealed" ? [] : ofSealedTokens(value, policy)),
  ];
  return { result: session, findings };
}

/** What was asked for cannot be had: no session is better than one that is not what it says. */
export function sealedWithoutKeys(policy: Reading): FindingDraft {
  const at = policy.writtenPath([...AT, "token", "format"]);
  return draftFinding("conflicting-fields", policy.object, at, {
    message: "sealed tokens are asked for and the gateway has no keys, so the policy has no effect",
    expected: "a gateway with keys",
    hint: "run it with --session-keys FILE, or remove format: without it tokens are sealed where there are keys",
  });
}

/** For findings: each place has a name of its own in its stead. */
const GENERATED_NAME = "limpet-*";

function carrierOf({ cookie, header, wrap, lifetime }: SessionValue): SessionCarrier {
  if (header !== undefined) return { kind: "header", name: header.name.toLowerCase() };
  if (wrap?.header !== undefined) return { kind: "wrappedHeader", name: wrap.header.toLowerCase() };
  if (wrap?.cookie !== undefined) return { kind: "wrappedCookie", name: wrap.cookie };
  return {
    kind: "cookie",
    name: cookie?.name ?? GENERATED_NAME,
    path: cookie?.path ?? "/",
    lifetime: lifetime ?? "Session",
    attributes: cookie === undefined ? [] : cookieAttributes(cookie),
    secureOnTls: cookie?.secure === undefined,
  };
}

function onLost({ onLost, wrap }: SessionValue): SessionPersistence["onLost"] {
  const isWrappedHeader = wrap?.header !== undefined;
  const action = onLost?.action ?? (isWrappedHeader ? "reject" : "reassign");
  if (action === "reassign") return { action };
  if (!isWrappedHeader) return { action, status: onLost?.status ?? LOST_STATUS };
  return { action, status: onLost?.status ?? UNKNOWN_SESSION_STATUS, withoutSession: true };
}

function token(value: SessionValue["token"], options: TranslateOptions): TokenRules {
  if (value.format === "envoy") return { format: "envoy" };
  const { identity, notBefore, acceptEnvoyUntil } = value;
  const rules = tokenRules(options);
  if (rules.format === "envoy") return rules;
  return {
    format: "sealed",
    identity,
    ...(acceptEnvoyUntil === undefined ? {} : { acceptEnvoyUntilSec: unixSeconds(acceptEnvoyUntil) }),
    ...(notBefore === undefined ? {} : { notBeforeSec: unixSeconds(notBefore) }),
  };
}

function unixSeconds(time: string): number {
  return Math.ceil(Date.parse(time) / 1000);
}

function isTime(duration: string | undefined): duration is string {
  return duration !== undefined && durationMs(duration) > 0;
}

/** Rounded up, because tokens count whole seconds. */
function wholeSeconds(duration: string): number {
  return Math.ceil(durationMs(duration) / 1000);
}

function rounded({ absoluteTimeout, idleTimeout, drain }: SessionValue, policy: Reading): FindingDraft[] {
  const times: [FieldPath, string | undefined][] = [
    [["absoluteTimeout"], absoluteTimeout],
    [["idleTimeout"], idleTimeout],
    [["drain", "timeout"], drain?.timeout],
  ];
  return times.flatMap(([path, duration]) => {
    if (duration === undefined || durationMs(duration) % 1000 === 0) return [];
    const name = path.at(-1);
    return [
      draftFinding("field-approximated", policy.object, policy.writtenPath([...AT, ...path]), {
        message: `${name} is rounded up to whole seconds: ${wholeSeconds(duration)}s`,
        expected: "a whole number of seconds",
        hint: `write ${name}: ${wholeSeconds(duration)}s`,
      }),
    ];
  });
}

/** What tokens of Envoy's cannot say. Of a policy that asks for the format the schema tells of times. */
function ofSealedTokens({ token }: SessionValue, policy: Reading): FindingDraft[] {
  if (token.format === "sealed") return [];
  const times = (["notBefore", "acceptEnvoyUntil"] as const).filter(
    (field) => token.format === undefined && token[field] !== undefined,
  );
  const isAsked = token.format === "envoy";
  return [...times, ...(token.identity === "hostname" ? (["identity"] as const) : [])].map((field) =>
    draftFinding("field-ignored", policy.object, policy.writtenPath([...AT, "token", field]), {
      message: `${field} is a matter of sealed tokens, and ${isAsked ? "the format is Envoy's" : "the gateway has no keys"}`,
      expected: isAsked ? "format: sealed" : "a gateway with keys",
      hint: isAsked ? `remove ${field}, or remove format: envoy` : "run it with --session-keys FILE",
    }),
  );
}
