// Changes one cookie of the application in a request's or a response's lines, and leaves every other byte as it is.
import { cookieDateMs } from "./cookie-date.ts";

const LEADING_SPACES = /^ +/;
const DELTA_SECONDS = /^-?\d+$/;

/**
 * The request's `cookie` lines with the value of one cookie replaced, or without it. Replaces what `cookieValues` reads;
 * of several cookies of that name one is left, in the first one's place. What applications may take for one of that name,
 * with other blanks around it, is taken out too. Lines that hold no cookie any more are left out.
 */
export function replaceCookie(lines: readonly string[], name: string, value: string | undefined): string[] {
  const start = `${name}=`;
  const edited: string[] = [];
  let isDue = value !== undefined;
  for (const line of lines) {
    const pairs: string[] = [];
    for (const pair of line.split(";")) {
      const nameAt = pair.search(/[^ ]|$/);
      if (!pair.startsWith(start, nameAt)) {
        if (looseName(pair) !== name) pairs.push(pair);
      } else if (isDue) {
        isDue = false;
        pairs.push(pair.slice(0, nameAt + start.length) + value);
      }
    }
    // What comes first now had a space before it.
    const text = pairs.join(";").replace(LEADING_SPACES, "");
    if (text !== "") edited.push(text);
  }
  return edited;
}

/** Without blanks of any kind around it; undefined: the pair has none. */
function looseName(pair: string): string | undefined {
  const equals = pair.indexOf("=");
  return equals === -1 ? undefined : pair.slice(0, equals).trim();
}

/** Where the value of a `Set-Cookie` field stands. */
export interface ValueSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * The value that a `Set-Cookie` field gives this cookie (RFC 6265 section 5.2), quotes included. Undefined: it is for
 * another cookie, gives it no value, or takes it from the client, by `Max-Age` or else by `Expires`.
 */
export function cookieValueSpan(line: string, name: string, nowMs: number): ValueSpan | undefined {
  const semicolon = line.indexOf(";");
  const pairEnd = semicolon === -1 ? line.length : semicolon;
  const equals = line.indexOf("=");
  if (equals === -1 || equals > pairEnd || line.slice(0, equals).trim() !== name) return undefined;
  let start = equals + 1;
  let end = pairEnd;
  while (start < end && isBlank(line.charCodeAt(start))) start += 1;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end -= 1;
  const isEmpty = start === end || line.slice(start, end) === '""';
  return isEmpty || endsCookie(line, pairEnd + 1, nowMs) ? undefined : { start, end };
}

/** The last of several attributes of one name counts, and `Max-Age` before `Expires`, as in a browser. */
function endsCookie(line: string, from: number, nowMs: number): boolean {
  let maxAgeSec: number | undefined;
  let expiresMs: number | undefined;
  for (const attribute of line.slice(from).split(";")) {
    const equals = attribute.indexOf("=");
    if (equals === -1) continue;
    const name = attribute.slice(0, equals).trim().toLowerCase();
    const value = attribute.slice(equals + 1).trim();
    if (name === "max-age" && DELTA_SECONDS.test(value)) maxAgeSec = Number(value);
    else if (name === "expires") expiresMs = cookieDateMs(value) ?? expiresMs;
  }
  if (maxAgeSec !== undefined) return maxAgeSec <= 0;
  return expiresMs !== undefined && expiresMs <= nowMs;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
