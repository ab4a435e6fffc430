// The sessions of an explanation: what each token of the request says, and what follows from it.
import { DecisionDraft } from "../affinity/decision-draft.ts";
import type { PlannedReference, RulePlan } from "../affinity/plan.ts";
import { appliesTo, tokenTexts } from "../affinity/session.ts";
import { absoluteEndSec, begunSec } from "../affinity/session-times.ts";
import { type SessionVisit, visitSession } from "../affinity/session-visit.ts";
import type { SessionKeys } from "../affinity/token/session-keys.ts";
import { readToken } from "../affinity/token/session-token.ts";
import { shownAddress, type Token } from "../affinity/token/token.ts";
import type { RequestHead, SessionPersistence } from "../model/index.ts";
import type { Course } from "./course.ts";
import type { SessionReport, TokenReport } from "./explanation.ts";
import type { Outlook } from "./outlook.ts";
import { lookIntoToken, timeText, tokenTimes } from "./token-reading.ts";

/** A session with the references that its tokens may lead to. */
interface Sought {
  readonly session: SessionPersistence;
  readonly references: readonly PlannedReference[];
}

export function explainSessions(
  course: Course,
  head: RequestHead,
  plan: RulePlan,
  outlook: Outlook,
): SessionReport[] {
  return soughtSessions(plan, outlook)
    .filter(({ session }) => appliesTo(session, head.path))
    .map((sought) => {
      const { session } = sought;
      const { carrier, origin } = session;
      return {
        carrier: `${carrier.kind} ${carrier.name}`,
        scope: session.scope,
        declaredBy: origin?.declaredBy ?? null,
        overrides: origin?.overrides ?? [],
        split: session.split,
        onLost: session.onLost.action === "reject" ? `reject with ${session.onLost.status}` : "reassign",
        absoluteTimeoutSec: session.absoluteTimeoutSec ?? null,
        idleTimeoutSec: session.idleTimeoutSec ?? null,
        tokens: tokenTexts(session, head)
          .filter((text) => text !== "")
          .map((text) => explainToken(text, sought, course, head, plan)),
      };
    });
}

/** Those that win over the weights first, then those of the references that the weights may lead to. */
function soughtSessions(plan: RulePlan, { decision, candidates }: Outlook): Sought[] {
  const sought: Sought[] = [...plan.freeSessions];
  for (const planned of plan.references) {
    const { session, reference } = planned;
    const isPossible = candidates.length > 0 ? reference.weight > 0 : reference === decision.reference;
    if (session?.split === "weight" && isPossible) sought.push({ session, references: [planned] });
  }
  return sought;
}

function explainToken(
  text: string,
  { session, references }: Sought,
  { nowSec, keys }: Course,
  head: RequestHead,
  plan: RulePlan,
): TokenReport {
  const token = readToken(session, text, keys, nowSec);
  const alone = headWithToken(head, session, text);
  const random = () => 0;
  const visit = visitSession(session, references, alone, { nowSec, keys, random }, plan.follow);
  if (token === undefined) return { ...NO_TOKEN, verdict: unreadText(text, session, keys) };
  const begun = begunSec(session, token);
  const endsSec = endSec(session, token, nowSec);
  return {
    format: token.keyId === undefined ? "envoy" : "sealed",
    keyId: token.keyId ?? null,
    endpoint: shownAddress(token),
    identity: token.identity === undefined ? null : `${token.identity.kind} ${token.identity.value}`,
    begunAt: timeText(begun),
    lastSeenAt: timeText(token.lastSeenSec),
    endsAt: timeText(endsSec),
    ageSec: begun === 0 ? null : nowSec - begun,
    leftSec: endsSec === 0 ? null : endsSec - nowSec,
    verdict: verdictText(visit, token, nowSec),
  };
}

const NO_TOKEN = {
  format: null,
  keyId: null,
  endpoint: null,
  identity: null,
  begunAt: null,
  lastSeenAt: null,
  endsAt: null,
  ageSec: null,
  leftSec: null,
};

/** The same request with one token in place of all. */
function headWithToken(head: RequestHead, { carrier }: SessionPersistence, text: string): RequestHead {
  const isCookie = carrier.kind === "cookie" || carrier.kind === "wrappedCookie";
  const field = isCookie ? "cookie" : carrier.name.toLowerCase();
  const value = isCookie ? `${carrier.name}=${text}` : text;
  return {
    method: head.method,
    authority: head.authority,
    path: head.path,
    edits: head.edits,
    forEach: (visit) => head.forEach(visit),
    get: (name) => (name === field ? value : head.get(name)),
    getAll: (name) => (name === field ? [value] : head.getAll(name)),
  };
}

/** Whichever timeout comes first, with the slack that is granted on idle ones; 0: it does not end by itself. */
function endSec(session: SessionPersistence, token: Token, nowSec: number): number {
  const { endsSec, idleEndsSec } = tokenTimes(token, session, nowSec);
  const ends = [endsSec, idleEndsSec].filter((sec) => sec !== undefined);
  return ends.length === 0 ? 0 : Math.min(...ends);
}

function verdictText(visit: SessionVisit, token: Token, nowSec: number): string {
  const { session } = visit;
  if (visit.outcome === "kept") return "followed";
  if (visit.outcome !== "expired") {
    const draft = new DecisionDraft();
    draft.visit = visit;
    return draft.sessionReason;
  }
  const { token: rules } = session;
  if (rules.format === "sealed" && begunSec(session, token) < (rules.notBeforeSec ?? 0)) {
    return `its session began before ${timeText(rules.notBeforeSec ?? 0)}, from which on sessions count`;
  }
  const absoluteSec = absoluteEndSec(session, token);
  return absoluteSec !== 0 && nowSec >= absoluteSec
    ? "the session's absolute timeout is over"
    : "the session's idle timeout is over";
}

/** Why a text is no token of the session, as far as one can tell with these keys. */
function unreadText(text: string, session: SessionPersistence, keys: SessionKeys | undefined): string {
  const looked = lookIntoToken(text, { keys, scopes: [session.scope] });
  if (!("obstacle" in looked)) {
    if (looked.form === "sealed") return "it opens, but is not of the kind that this session has";
    return session.token.format === "sealed"
      ? "it is a token in Envoy's format, which is not signed, and is not accepted or no longer"
      : "it is a token in another of Envoy's formats than this session has";
  }
  switch (looked.obstacle) {
    case "no-token":
      return "it is no token";
    case "no-keys":
      return `it is sealed with key ${looked.keyId}, and there are no keys here`;
    case "unknown-key":
      return `it is sealed with key ${looked.keyId}, which is not among the keys here`;
    case "other-layout":
      return `it is sealed with key ${looked.keyId} by another version of Limpet`;
    case "does-not-open":
      return `it names key ${looked.keyId} but does not open: it was changed, or is of another session`;
  }
}
