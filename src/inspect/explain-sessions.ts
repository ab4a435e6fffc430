// The sessions of an explanation: what each token of the request says, and what follows from it.
import { DecisionDraft } from "../affinity/decision-draft.ts";
import type { PlannedReference, RulePlan } from "../affinity/plan.ts";
import { appliesTo, tokenTexts } from "../affinity/session.ts";
import { absoluteEndSec, begunSec, idleSlackSec } from "../affinity/session-times.ts";
import { type SessionVisit, visitSession } from "../affinity/session-visit.ts";
import { claimedKeyId } from "../affinity/token/key-ring.ts";
import { isWrapped, readToken } from "../affinity/token/session-token.ts";
import type { Token } from "../affinity/token/token.ts";
import type { RequestHead, SessionPersistence } from "../model/index.ts";
import type { Course } from "./course.ts";
import type { SessionReport, TokenReport } from "./explanation.ts";
import type { Outlook } from "./outlook.ts";

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
  if (token === undefined) return { ...NO_TOKEN, verdict: unreadText(text, session, keys?.keyIds) };
  const begun = begunSec(session, token);
  const endsSec = endSec(session, token);
  return {
    format: token.keyId === undefined ? "envoy" : "sealed",
    keyId: token.keyId ?? null,
    endpoint: token.address,
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
function endSec(session: SessionPersistence, token: Token): number {
  const absoluteSec = absoluteEndSec(session, token);
  const { idleTimeoutSec } = session;
  if (idleTimeoutSec === undefined || token.lastSeenSec === 0) return absoluteSec;
  const idleSec = token.lastSeenSec + idleTimeoutSec + idleSlackSec(idleTimeoutSec);
  return absoluteSec === 0 ? idleSec : Math.min(absoluteSec, idleSec);
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

/** Why a text is no token of the session, as far as one can tell without the key. */
function unreadText(
  text: string,
  session: SessionPersistence,
  keyIds: readonly string[] | undefined,
): string {
  const { token: rules } = session;
  if (rules.format === "envoy") return "it is no token in Envoy's format";
  const keyId = claimedKeyId(text);
  if (keyId === undefined) {
    const unsealed = { ...session, token: { format: "envoy" as const } };
    return readToken(unsealed, text, undefined, 0) === undefined
      ? "it is no token"
      : "it is a token in Envoy's format, which is not signed and not accepted (any more)";
  }
  if (keyIds === undefined || keyIds.length === 0)
    return `it is sealed with key ${keyId}, and there are no keys here`;
  if (!keyIds.includes(keyId)) return `it is sealed with key ${keyId}, which is not among the keys here`;
  const wrapped = isWrapped(session) ? ", or wraps nothing" : "";
  return `it names key ${keyId} but does not open: it was changed, or is of another session${wrapped}`;
}

function timeText(sec: number): string | null {
  return sec === 0 || sec > MAX_DATE_SEC ? null : `${new Date(sec * 1000).toISOString().slice(0, 19)}Z`;
}

/** Anybody may write any number into a token that is not sealed. */
const MAX_DATE_SEC = 253_402_300_799;
