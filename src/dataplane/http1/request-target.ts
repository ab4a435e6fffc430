// The forms of a request target: origin, absolute and asterisk, RFC 9112 section 3.2; authority-form is CONNECT's.
import { isA, isTriplet, matchesLower, PATH, QUERY, SP } from "./characters.ts";
import { malformed } from "./message-error.ts";

const SLASH = 0x2f;
const QUESTION = 0x3f;
const ASTERISK = 0x2a;

export interface RequestTarget {
  /** Path and query; `*` for `OPTIONS *`. */
  readonly path: string;
  /** Span of the authority of an absolute-form target; both 0: there is none. */
  readonly authorityStart: number;
  readonly authorityEnd: number;
  /** Where the SP behind the target stands. */
  readonly end: number;
}

/** @throws MessageError unless a target of the grammar stands at `from` and a SP behind it */
export function parseTarget(text: string, from: number, method: string, scheme: string): RequestTarget {
  const first = text.charCodeAt(from);
  if (first === SLASH) {
    const end = pathAndQueryEnd(text, from);
    return { path: text.slice(from, end), authorityStart: 0, authorityEnd: 0, end };
  }
  if (first === ASTERISK && method === "OPTIONS" && text.charCodeAt(from + 1) === SP) {
    return { path: "*", authorityStart: 0, authorityEnd: 0, end: from + 1 };
  }
  return parseAbsolute(text, from, method, scheme);
}

function parseAbsolute(text: string, from: number, method: string, scheme: string): RequestTarget {
  const prefix = `${scheme}://`;
  if (!matchesLower(text, from, prefix)) throw malformed("the request target is of no valid form");
  const authorityStart = from + prefix.length;
  let authorityEnd = authorityStart;
  for (;;) {
    const code = text.charCodeAt(authorityEnd);
    if (code === SLASH || code === QUESTION || !(code > SP && code < 0x7f)) break;
    authorityEnd += 1;
  }
  const end = pathAndQueryEnd(text, authorityEnd);
  const rest = text.slice(authorityEnd, end);
  const path = rest.startsWith("/") ? rest : rest === "" && method === "OPTIONS" ? "*" : `/${rest}`;
  return { path, authorityStart, authorityEnd, end };
}

function pathAndQueryEnd(text: string, from: number): number {
  let at = from;
  for (;;) {
    if (isA(text, at, PATH)) at += 1;
    else if (isTriplet(text, at)) at += 3;
    else break;
  }
  if (text.charCodeAt(at) === QUESTION) {
    while (isA(text, at, QUERY)) at += 1;
  }
  if (text.charCodeAt(at) !== SP) throw malformed("the request target holds a character that it must not");
  return at;
}
