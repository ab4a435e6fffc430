// What Content-Length and Transfer-Encoding say, each in the one way that cannot be misread; RFC 9112 section 6.
import { DIGIT, isA, matchesLower } from "./characters.ts";
import { malformed } from "./message-error.ts";

/** @throws MessageError unless [from, end) is a decimal number that is exact in a double */
export function parseContentLength(text: string, from: number, end: number): number {
  let length = 0;
  for (let at = from; at < end; at += 1) {
    if (!isA(text, at, DIGIT)) throw malformed("Content-Length is no number");
    length = length * 10 + (text.charCodeAt(at) - 0x30);
    if (length > Number.MAX_SAFE_INTEGER) throw malformed("Content-Length is too large");
  }
  if (from === end) throw malformed("Content-Length is empty");
  return length;
}

/** @throws MessageError unless [from, end) is exactly `chunked` */
export function requireChunked(text: string, from: number, end: number): void {
  if (end - from !== 7 || !matchesLower(text, from, "chunked")) {
    throw malformed("Transfer-Encoding is not exactly chunked");
  }
}

/**
 * Whether the body is chunked, as the fields of a head have it together.
 * @param contentLength -1: there is none
 * @throws MessageError where they could be read in more than one way
 */
export function isChunked(transferEncodings: number, contentLength: number, minorVersion: number): boolean {
  if (transferEncodings === 0) return false;
  if (transferEncodings > 1) throw malformed("there is more than one Transfer-Encoding");
  if (contentLength !== -1) throw malformed("there are both Content-Length and Transfer-Encoding");
  if (minorVersion === 0) throw malformed("HTTP/1.0 has no Transfer-Encoding");
  return true;
}
