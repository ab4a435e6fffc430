// What a case of the corpus is, and the few words in which the tables of cases are written.

/** One way in which a request may end. */
export interface Outcome {
  /** What the origin reads, in order, each as `METHOD host target body`; host `?`: whatever the peer puts there. */
  readonly seen: readonly string[];
  /**
   * answered: by the origin, to the last one; refused: what follows `seen` got a 4xx or 5xx from the peer, or a closed
   * connection, and never reached the origin as a whole; local: the peer answered it by itself without an error.
   */
  readonly end: "answered" | "refused" | "local";
  /** Of the peer's own answer; only Limpet is held to it. */
  readonly status?: number;
  /** A refusal of Limpet that is not about grammar, so that the connection need not close. */
  readonly mayStayOpen?: boolean;
}

/** What the origin must or must not find in the last request that it reads. */
export interface FieldRules {
  /** `name` or `name: value`, in lower case up to the colon. */
  readonly has?: readonly string[];
  readonly lacks?: readonly string[];
}

export interface RequestCase extends FieldRules {
  readonly name: string;
  /** Latin1: one character is one byte. */
  readonly bytes: string;
  /** RFC and section, or the class of attack. */
  readonly source: string;
  /** Every outcome that the specifications allow. */
  readonly accept: readonly Outcome[];
  /** What Limpet promises, where that is less than everything. */
  readonly limpet?: readonly Outcome[];
  readonly limpetLacks?: readonly string[];
}

/** correct: the client gets status and body as meant; 502: an error from the peer; cut: visibly no whole response. */
export type ResponseOutcome = "correct" | "502" | "cut";

export interface ResponseCase {
  readonly name: string;
  readonly source: string;
  readonly method: string;
  /** More header lines of the request. */
  readonly requestFields: readonly string[];
  /** What the origin writes. */
  readonly bytes: string;
  /** What it does behind that. */
  readonly hangUp: "open" | "close" | "reset";
  /** What it writes a moment after the response was over. */
  readonly later: string;
  readonly accept: readonly ResponseOutcome[];
  readonly limpet?: readonly ResponseOutcome[];
  /** What `correct` means. */
  readonly status: number;
  readonly body: string;
  /** Fields that must not reach the client. */
  readonly lacks: readonly string[];
}

export interface Theme<Case> {
  readonly theme: string;
  readonly cases: readonly Case[];
}

export const REFUSED: Outcome = { seen: [], end: "refused" };

export function answered(...seen: string[]): Outcome {
  return { seen, end: "answered" };
}

interface Extras extends FieldRules {
  readonly limpet?: readonly Outcome[];
  readonly limpetLacks?: readonly string[];
}

/** Nobody may pass it on. */
export function rejected(name: string, source: string, bytes: string, extras: Extras = {}): RequestCase {
  return { name, source, bytes, accept: [REFUSED], ...extras };
}

/** It is right, and everybody must pass it on. */
export function forwarded(
  name: string,
  source: string,
  bytes: string,
  seen: string | readonly string[],
  extras: Extras = {},
): RequestCase {
  return { name, source, bytes, accept: [answered(...[seen].flat())], ...extras };
}

/** It may be refused, or be passed on in one of these forms; Limpet refuses it. */
export function strict(
  name: string,
  source: string,
  bytes: string,
  forms: string | readonly string[],
  extras: Extras = {},
): RequestCase {
  const accept = [REFUSED, ...[forms].flat().map((form) => answered(form))];
  return { name, source, bytes, accept, limpet: [REFUSED], ...extras };
}

/** It may be refused, or be passed on in one of these forms; Limpet takes the first. */
export function lenient(
  name: string,
  source: string,
  bytes: string,
  forms: string | readonly string[],
  extras: Extras = {},
): RequestCase {
  const all = [forms].flat();
  const accept = [REFUSED, ...all.map((form) => answered(form))];
  return { name, source, bytes, accept, limpet: [answered(all[0] as string)], ...extras };
}

/** The first requests are passed on, the last one is refused. */
export function rejectedAfter(
  name: string,
  source: string,
  bytes: string,
  seen: string | readonly string[],
  extras: Extras = {},
): RequestCase {
  return { name, source, bytes, accept: [REFUSED, { seen: [seen].flat(), end: "refused" }], ...extras };
}

interface ResponseExtras {
  readonly method?: string;
  readonly requestFields?: readonly string[];
  readonly hangUp?: "open" | "close" | "reset";
  readonly later?: string;
  readonly limpet?: readonly ResponseOutcome[];
  readonly status?: number;
  readonly body?: string;
  readonly lacks?: readonly string[];
}

/** What an origin says, and what may become of it. */
export function says(
  name: string,
  source: string,
  bytes: string,
  accept: readonly ResponseOutcome[],
  extras: ResponseExtras = {},
): ResponseCase {
  return {
    name,
    source,
    bytes,
    accept,
    method: "GET",
    requestFields: [],
    hangUp: "open",
    later: "",
    status: 200,
    body: "hello",
    lacks: [],
    ...extras,
  };
}

// Bytes. Every request names the host a.test unless its case is about hosts.

const HOST_LINE = "Host: a.test\r\n";

function lines(fields: readonly string[]): string {
  return fields.map((field) => `${field}\r\n`).join("");
}

export function get(...fields: string[]): string {
  return `GET /x HTTP/1.1\r\n${HOST_LINE}${lines(fields)}\r\n`;
}

export function post(fields: readonly string[], body: string): string {
  return `POST /x HTTP/1.1\r\n${HOST_LINE}${lines(fields)}\r\n${body}`;
}

export function chunked(body: string, ...fields: string[]): string {
  return post(["Transfer-Encoding: chunked", ...fields], body);
}

/** A whole request whose first line is given, without its CRLF. */
export function line(requestLine: string, ...fields: string[]): string {
  return `${requestLine}\r\n${HOST_LINE}${lines(fields)}\r\n`;
}

export function withHost(value: string): string {
  return `GET /x HTTP/1.1\r\nHost: ${value}\r\n\r\n`;
}

export const SEEN_GET = "GET a.test /x";
/** A body that asks for something of its own: where it is read as a request, something was smuggled. */
export const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: b.test\r\n\r\n";

export function seenPost(body: string): string {
  return `POST a.test /x ${body}`;
}

/** The body of responses that nobody asked for: whoever reads it was given the answer to another question. */
export const POISON = "poison";

/** A byte as it is named in a case. */
export function byteName(code: number): string {
  const names: Record<number, string> = { 0: "NUL", 9: "HTAB", 10: "LF", 13: "CR", 32: "SP", 127: "DEL" };
  return names[code] ?? `0x${code.toString(16).padStart(2, "0")}`;
}

/** Control characters that parsers treat in different ways; CR, LF and HTAB have cases of their own. */
export const CONTROLS: readonly number[] = [0, 1, 8, 0x0b, 0x0c, 0x1b, 0x1f, 127];
