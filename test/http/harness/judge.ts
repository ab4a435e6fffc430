// Judges what was observed of a case: undefined, or the class of failure and what was seen.
import type { FieldRules, Outcome, RequestCase, ResponseCase, ResponseOutcome } from "../corpus/case.ts";
import { type Message, statusOf, valuesOf } from "./message.ts";
import { ORIGIN_MARK, summary } from "./origin.ts";

/** What the request after a case got: its own answer, another one, a closed connection, or nothing. */
export type Aftermath = "own" | "wrong" | "closed" | "nothing";

export interface Observation {
  readonly responses: readonly Message[];
  /** Bytes behind the last whole response. */
  readonly rest: string;
  readonly closed: boolean;
  /** Neither an answer nor the end of the connection came in time. */
  readonly hung: boolean;
  /** Whole requests at the origin, the one after the case left out. */
  readonly requests: readonly Message[];
  /** What each connection to the origin brought besides whole requests. */
  readonly unfinished: readonly string[];
  readonly after: Aftermath;
}

export type FailureClass =
  | "smuggled"
  | "poisoned"
  | "hung"
  | "truncated"
  | "ambiguous"
  | "accepted"
  | "refused"
  | "altered";

/** Class -> what it means, for the document. */
export const FAILURE_CLASSES: Readonly<Record<FailureClass, string>> = {
  smuggled: "a request reached the origin that nobody had sent as one",
  poisoned: "bytes of one response became part of another one",
  hung: "no answer and no end within six seconds",
  truncated: "a response that was cut short looked whole to the client",
  ambiguous: "the message was passed on in a form that two recipients can read in two ways",
  accepted: "a message that must be refused was passed on",
  refused: "a message that is right was refused",
  altered: "the message was passed on, but changed in meaning or with fields that it must not carry",
};

export interface Failure {
  readonly kind: FailureClass;
  readonly detail: string;
}

/** Every peer is told to set it: a request without it was not passed on as one. */
const PROXY_MARK = "x-forwarded-for";

/** @param own Limpet, which is held to what it promises; the others to what the specifications allow */
export function judgeRequest(entry: RequestCase, seen: Observation, own: boolean): Failure | undefined {
  const outcomes = own ? (entry.limpet ?? entry.accept) : entry.accept;
  const ending = endingOf(seen);
  const requests = seen.requests.map(summary);
  const detail = `${saidOf(ending, seen)}; the origin read ${JSON.stringify(requests)}`;
  const fail = (kind: FailureClass, what: string = detail): Failure => ({ kind, detail: what });
  const most = Math.max(...entry.accept.map((outcome) => outcome.seen.length));
  const flaws = seen.requests.flatMap((request) => request.flaws);
  if (flaws.length > 0) return fail("ambiguous", `the origin read ${flaws.join(", ")}`);
  if (seen.requests.some((request) => valuesOf(request, PROXY_MARK).length === 0)) return fail("smuggled");
  if (requests.length > Math.max(most, 1)) return fail("smuggled");
  if (seen.after === "wrong") return fail("poisoned");
  if (seen.responses.some((response) => response.flaws.length > 0))
    return fail("ambiguous", "malformed response");
  if (seen.hung) return fail("hung");
  if (seen.after === "nothing") return fail("hung", `the next request was not answered; ${detail}`);
  if (!outcomes.some((outcome) => fits(outcome, requests, ending, own))) {
    const mayPass = outcomes.some((outcome) => outcome.end === "answered");
    if (!mayPass && (requests.length > 0 || ending === "local")) return fail("accepted");
    return fail(requests.length === 0 && ending !== "local" ? "refused" : "altered");
  }
  return (
    (ending === "refused" && own ? promiseOfRefusal(outcomes, seen) : undefined) ??
    leftover(ending, seen) ??
    fieldFailure(entry, own ? (entry.limpetLacks ?? []) : [], seen.requests)
  );
}

function endingOf({ responses, requests }: Observation): Outcome["end"] {
  const last = responses.at(-1);
  if (last === undefined || responses.length < requests.length) return "refused";
  if (isOfOrigin(last)) return responses.length === requests.length ? "answered" : "refused";
  return statusOf(last) >= 400 ? "refused" : "local";
}

function saidOf(ending: Outcome["end"], { responses }: Observation): string {
  const last = responses.at(-1);
  if (last === undefined) return "closed without an answer";
  if (!isOfOrigin(last)) return `the proxy answered ${statusOf(last)}`;
  return ending === "answered" ? "answered" : "closed behind the first answer";
}

function isOfOrigin(response: Message): boolean {
  return valuesOf(response, ORIGIN_MARK).length > 0;
}

function fits(outcome: Outcome, requests: readonly string[], ending: Outcome["end"], own: boolean): boolean {
  if (outcome.end !== ending || outcome.seen.length !== requests.length) return false;
  return outcome.seen.every((expected, index) => isSame(expected, requests[index] as string, own));
}

/** Others may spell a target in another way and leave out a port, which is no matter of framing. */
function isSame(expected: string, found: string, own: boolean): boolean {
  const [method, host = "", ...rest] = expected.split(" ");
  const [foundMethod, foundHost, ...foundRest] = found.split(" ");
  if (method !== foundMethod) return false;
  const hosts = own ? [host] : [host, host.replace(/:\d*$/, "")];
  if (host !== "?" && !hosts.includes(foundHost ?? "")) return false;
  const [target = "", ...body] = rest;
  const [foundTarget = "", ...foundBody] = foundRest;
  if (body.join(" ") !== foundBody.join(" ")) return false;
  return target === foundTarget || (!own && loose(target) === loose(foundTarget));
}

function loose(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Limpet says why and closes. */
function promiseOfRefusal(outcomes: readonly Outcome[], seen: Observation): Failure | undefined {
  const last = seen.responses.at(-1);
  if (last === undefined || isOfOrigin(last)) return { kind: "altered", detail: "closed without an answer" };
  const refusal = outcomes.find((outcome) => outcome.end === "refused");
  if (!seen.closed && refusal?.mayStayOpen !== true)
    return { kind: "accepted", detail: "refused, but the connection stays open" };
  const status = refusal?.status;
  if (status === undefined || status === statusOf(last)) return undefined;
  return { kind: "altered", detail: `answered ${statusOf(last)}, not ${status}` };
}

/** Bytes that are no whole request are harmless only where the request was given up. */
function leftover(ending: Outcome["end"], { unfinished }: Observation): Failure | undefined {
  if (ending === "refused" || unfinished.length === 0) return undefined;
  return { kind: "ambiguous", detail: `the origin was left with ${JSON.stringify(unfinished)}` };
}

function fieldFailure(
  { has = [], lacks = [] }: FieldRules,
  ownLacks: readonly string[],
  requests: readonly Message[],
): Failure | undefined {
  const request = requests.at(-1);
  if (request === undefined) return undefined;
  const missing = has.find((rule) => !holds(request, rule));
  if (missing !== undefined) return { kind: "altered", detail: `the origin does not see ${missing}` };
  const surplus = [...lacks, ...ownLacks].find((rule) => holds(request, rule));
  return surplus === undefined ? undefined : { kind: "altered", detail: `the origin sees ${surplus}` };
}

/** A trailer is no field of the head, and harmless where it stays one. */
function holds({ fields }: Message, rule: string): boolean {
  const [name, value] = rule.split(/: ?/, 2);
  return fields.some(([key, text]) => key === name && (value === undefined || text === value));
}

/** @param own as for requests */
export function judgeResponse(entry: ResponseCase, seen: Observation, own: boolean): Failure | undefined {
  const accepted = own ? (entry.limpet ?? entry.accept) : entry.accept;
  const last = seen.responses.at(0);
  const detail = describe(last, seen);
  const fail = (kind: FailureClass): Failure => ({ kind, detail });
  if (seen.after === "wrong") return fail("poisoned");
  if (seen.hung) return fail("hung");
  if (seen.after === "nothing")
    return { kind: "hung", detail: `the next request was not answered; ${detail}` };
  if (last !== undefined && last.flaws.length > 0) {
    return { kind: "ambiguous", detail: `the client read ${last.flaws.join(", ")}` };
  }
  const outcome = responseOutcome(entry, last, seen);
  if (outcome === "truncated" || outcome === "altered") return fail(outcome);
  if (outcome === "correct") {
    const surplus = entry.lacks.find((name) => last !== undefined && holds(last, name));
    if (surplus !== undefined) return { kind: "altered", detail: `the client sees ${surplus}` };
  }
  if (outcome === "switched") return fail("accepted");
  if (accepted.includes(outcome)) return undefined;
  return fail(outcome === "correct" ? "accepted" : "refused");
}

function responseOutcome(
  entry: ResponseCase,
  last: Message | undefined,
  seen: Observation,
): ResponseOutcome | "truncated" | "altered" | "switched" {
  if (last === undefined) return "cut";
  const status = statusOf(last);
  if (status === 101) return "switched";
  if (status === entry.status && last.body === entry.body) return seen.rest === "" ? "correct" : "altered";
  if (status >= 500 && status !== entry.status) return "502";
  return entry.body.startsWith(last.body) ? "truncated" : "altered";
}

function describe(last: Message | undefined, seen: Observation): string {
  if (last === undefined)
    return `no whole response, ${seen.closed ? "closed" : "open"}: ${JSON.stringify(seen.rest)}`;
  return `the client read ${statusOf(last)} ${JSON.stringify(last.body.slice(0, 80))}`;
}
