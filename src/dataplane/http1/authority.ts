// The grammar of `host [":" port]`: RFC 3986 section 3.2 without userinfo, RFC 9110 section 7.2.
import { isIPv6 } from "node:net";
import { COLON, DIGIT, isA, isTriplet, REG_NAME } from "./characters.ts";

const HIGHEST_PORT = 65_535;

/**
 * The lower-case authority in [from, end), with its port unless that is empty; undefined if it is none.
 * An empty host is none: a http URI must not have one (RFC 9110 section 4.2.1). Port 0 names nothing that one can reach.
 */
export function parseAuthority(text: string, from: number, end: number): string | undefined {
  if (end - from === lastText.length && text.startsWith(lastText, from)) return lastAuthority;
  const authority = readAuthority(text, from, end);
  if (authority !== undefined) {
    lastText = text.slice(from, end);
    lastAuthority = authority;
  }
  return authority;
}

/** Most requests name the host that the one before named; whatever is empty is none. */
let lastText = " ";
let lastAuthority: string | undefined;

function readAuthority(text: string, from: number, end: number): string | undefined {
  const hostEnd =
    text.charCodeAt(from) === 0x5b ? ipLiteralEnd(text, from, end) : regNameEnd(text, from, end);
  if (hostEnd <= from) return undefined;
  if (hostEnd === end) return text.slice(from, end).toLowerCase();
  if (text.charCodeAt(hostEnd) !== COLON) return undefined;
  if (hostEnd + 1 === end) return text.slice(from, hostEnd).toLowerCase();
  if (end - hostEnd > 6) return undefined;
  for (let at = hostEnd + 1; at < end; at += 1) {
    if (!isA(text, at, DIGIT)) return undefined;
  }
  const port = Number(text.slice(hostEnd + 1, end));
  return port >= 1 && port <= HIGHEST_PORT ? text.slice(from, end).toLowerCase() : undefined;
}

function regNameEnd(text: string, from: number, end: number): number {
  let at = from;
  while (at < end) {
    if (isA(text, at, REG_NAME)) at += 1;
    else if (at + 2 < end && isTriplet(text, at)) at += 3;
    else break;
  }
  return at;
}

/** Behind the `]`, or -1. Zone identifiers are no part of a URI's host here, and no IPvFuture was ever defined. */
function ipLiteralEnd(text: string, from: number, end: number): number {
  const close = text.indexOf("]", from);
  if (close === -1 || close >= end) return -1;
  const address = text.slice(from + 1, close);
  return isIPv6(address) && !address.includes("%") ? close + 1 : -1;
}
