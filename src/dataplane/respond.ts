// Turns what went wrong into what the client is told: the registry of errors and the one writer of error responses.
import { STATUS_CODES } from "node:http";
import type { DecisionFailure } from "../affinity/decision.ts";
import type { RequestHead, ResponseHead } from "../model/index.ts";
import type { CorsPolicy } from "./cors.ts";
import { PlainResponseHead } from "./plain-head.ts";
import type { ProxyError } from "./proxy-error.ts";
import type { ServerStream } from "./stream.ts";

export interface ErrorKind {
  /** 499 stands for a client that was gone before it could be answered; it is logged and never sent. */
  readonly status: number;
  /** One sentence for the client: what happened, nothing about the inside. */
  readonly text: string;
  /** Seconds after which another try makes sense. */
  readonly retryAfterSec?: number;
}

/** Every way in which a request can end without the endpoint's own answer. Codes appear in the log and in metrics. */
export const ERRORS = {
  "bad-path": { status: 400, text: "The path of the request is not valid." },
  "bad-request": { status: 400, text: "The request is not valid HTTP." },
  "method-not-allowed": { status: 405, text: "The method is not one that a gateway serves." },
  "request-timeout": { status: 408, text: "The request did not arrive in time." },
  "body-too-large": { status: 413, text: "The body of the request is larger than this gateway accepts." },
  "target-too-long": { status: 414, text: "The target of the request is longer than this gateway accepts." },
  "expectation-failed": { status: 417, text: "The request expects what this gateway does not know." },
  "head-too-large": { status: 431, text: "The head of the request is larger than this gateway accepts." },
  "version-not-supported": { status: 505, text: "The version of HTTP is not one that this port speaks." },
  "client-closed": { status: 499, text: "The client closed the connection before the exchange was over." },
  "write-timeout": { status: 499, text: "The client took no byte of the response for too long." },
  misdirected: { status: 421, text: "The connection was made for another host." },
  "no-listener": { status: 404, text: "No listener of this port serves the host of the request." },
  "no-route": { status: 404, text: "No route matches the request." },
  "rule-in-error": { status: 500, text: "The rule that matches the request cannot be served as configured." },
  "invalid-backend": {
    status: 500,
    text: "The rule that matches the request names a backend that does not exist.",
  },
  "no-endpoints": { status: 503, text: "The backend has no endpoints.", retryAfterSec: 1 },
  "no-healthy-endpoint": { status: 503, text: "No endpoint of the backend can serve.", retryAfterSec: 1 },
  "session-rejected": {
    status: 503,
    text: "There is no such session, or the endpoint that holds it is gone.",
  },
  "connect-failed": { status: 503, text: "The endpoint cannot be reached.", retryAfterSec: 1 },
  "upstream-tls": { status: 503, text: "No secure connection to the endpoint can be made." },
  "connect-timeout": { status: 504, text: "The endpoint did not accept a connection in time." },
  "upstream-timeout": { status: 504, text: "The endpoint did not answer in time." },
  "attempt-timeout": { status: 504, text: "The endpoint took longer than the rule allows." },
  "exchange-timeout": { status: 504, text: "The exchange took longer than the rule allows." },
  "retry-budget-spent": {
    status: 503,
    text: "The endpoint failed, and the backend puts up with no more retries.",
    retryAfterSec: 1,
  },
  "upstream-closed": {
    status: 502,
    text: "The endpoint closed the connection before its answer was complete.",
  },
  "upstream-protocol": { status: 502, text: "The endpoint's answer is not valid HTTP." },
  "tunnel-timeout": { status: 101, text: "Neither side of the tunnel sent anything for too long." },
  overloaded: { status: 503, text: "The gateway has too much to do.", retryAfterSec: 1 },
  "too-many-connections": { status: 503, text: "The gateway has too many clients.", retryAfterSec: 1 },
  "endpoint-busy": { status: 503, text: "The endpoint has too much to do.", retryAfterSec: 1 },
  "backend-busy": { status: 503, text: "The backend has too much to do.", retryAfterSec: 1 },
  draining: { status: 503, text: "The gateway is shutting down.", retryAfterSec: 1 },
  "internal-error": { status: 500, text: "The gateway failed to handle the request." },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

const BY_SIDE = {
  downstream: "bad-request",
  upstream: "upstream-closed",
  internal: "internal-error",
} as const;

/** Codes that the registry does not have get the status and text of their side's general one. */
export function errorKind(error: ProxyError): ErrorKind {
  return Object.hasOwn(ERRORS, error.code) ? ERRORS[error.code as ErrorCode] : ERRORS[BY_SIDE[error.side]];
}

/** What is sent when no endpoint answers. */
export interface LocalAnswer {
  readonly code: string;
  readonly status: number;
  readonly text: string;
  readonly retryAfterSec: number | undefined;
}

export function answerForError(error: ProxyError): LocalAnswer {
  return localAnswer(error.code, errorKind(error));
}

/** The decision's own status wins: `onLost: reject` lets the configuration choose it. */
export function answerForFailure(failure: DecisionFailure): LocalAnswer {
  return { ...localAnswer(failure.code, ERRORS[failure.code]), status: failure.status };
}

export function answerForCode(code: ErrorCode): LocalAnswer {
  return localAnswer(code, ERRORS[code]);
}

/** A rule whose action is to answer; its reason stays in the log, the client learns the status only. */
export function answerForRule(status: number): LocalAnswer {
  return { ...localAnswer("rule-in-error", ERRORS["rule-in-error"]), status };
}

function localAnswer(code: string, kind: ErrorKind): LocalAnswer {
  return { code, status: kind.status, text: kind.text, retryAfterSec: kind.retryAfterSec };
}

/** Of unknown methods the gateway passes any but CONNECT; these are the ones with a name. RFC 9110 section 15.5.6. */
export const PASSING_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE";

const TEXT = "text/plain; charset=utf-8";

/**
 * Sends the answer: JSON where the client asks for it, else one line of text. The head must not have been sent.
 * @param cors says who may read it; undefined: nothing is said
 */
export function respondLocally(
  stream: ServerStream,
  answer: LocalAnswer,
  requestId: string,
  cors?: CorsPolicy,
): void {
  const json = acceptsJson(stream.head);
  const body = Buffer.from(json ? jsonBody(answer, requestId) : textBody(answer, requestId), "latin1");
  const head = headOf(answer, json ? "application/json" : TEXT);
  cors?.apply(stream.head.get("origin"), head.edits);
  stream.respond(head, body.length);
  if (stream.head.method !== "HEAD") stream.write(body);
  stream.end([]);
}

/** The same for a client whose request is not read at all; the body is latin1. */
export function answerUnread(answer: LocalAnswer): { readonly head: ResponseHead; readonly body: string } {
  return { head: headOf(answer, TEXT), body: `${answer.text} (${answer.code})\n` };
}

function headOf(answer: LocalAnswer, contentType: string): ResponseHead {
  const fields = ["content-type", contentType];
  if (answer.retryAfterSec !== undefined) fields.push("retry-after", String(answer.retryAfterSec));
  if (answer.status === 405) fields.push("allow", PASSING_METHODS);
  return new PlainResponseHead(answer.status, reasonPhrase(answer.status), fields);
}

export function reasonPhrase(status: number): string {
  return STATUS_CODES[status] ?? "Unknown";
}

function textBody(answer: LocalAnswer, requestId: string): string {
  return `${answer.text} (${answer.code}, request ${requestId})\n`;
}

function jsonBody(answer: LocalAnswer, requestId: string): string {
  return `${JSON.stringify({ error: answer.code, message: answer.text, request_id: requestId })}\n`;
}

/** True when a media type of JSON is named; wildcards do not count, since browsers and curl send them. */
function acceptsJson(head: RequestHead): boolean {
  const accept = head.get("accept");
  return accept !== undefined && /\bapplication\/(?:[\w.-]+\+)?json\b/i.test(accept);
}
