// Bytes behind a response that is complete: they belong to nobody, least of all to the next request.
import { type ResponseCase, says, type Theme } from "../case.ts";

const SOURCE = "RFC 9112 6.3, 9.3; response queue poisoning";

const WHOLE = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
const EMPTY = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const POISON = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
const EITHER = ["correct", "502", "cut"] as const;
const LIMPET = { limpet: ["correct"] } as const;

export const surplus: Theme<ResponseCase> = {
  theme: "bytes after a response",
  cases: [
    says("a second response", SOURCE, WHOLE + POISON, EITHER, LIMPET),
    says("a second response behind chunks", SOURCE, CHUNKED + POISON, EITHER, LIMPET),
    says("a second response behind an empty one", SOURCE, EMPTY + POISON, EITHER, { ...LIMPET, body: "" }),
    says("two more responses", SOURCE, WHOLE + POISON + POISON, EITHER, LIMPET),
    says("garbage", SOURCE, `${WHOLE}garbage`, EITHER, LIMPET),
    says("a CRLF", SOURCE, `${WHOLE}\r\n`, EITHER, LIMPET),
    says("a chunk", SOURCE, `${WHOLE}5\r\nhello\r\n0\r\n\r\n`, EITHER, LIMPET),
    says("an interim response", SOURCE, `${WHOLE}HTTP/1.1 103 Early Hints\r\n\r\n`, EITHER, LIMPET),
    says("a second response, a moment later", SOURCE, WHOLE, EITHER, { ...LIMPET, later: POISON }),
    says("a second response a moment after chunks", SOURCE, CHUNKED, EITHER, { ...LIMPET, later: POISON }),
    says("a 408, a moment later", "RFC 9110 15.5.9", WHOLE, EITHER, {
      ...LIMPET,
      later: "HTTP/1.1 408 Request Timeout\r\nContent-Length: 6\r\nConnection: close\r\n\r\npoison",
    }),
    says("garbage, a moment later", SOURCE, WHOLE, EITHER, { ...LIMPET, later: "garbage" }),
    says(
      "a body where the length is less",
      SOURCE,
      `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more`,
      EITHER,
      LIMPET,
    ),
    says("a body where there is no room for one", SOURCE, `${EMPTY}hello`, EITHER, { ...LIMPET, body: "" }),
    says(
      "Connection: close and a second response",
      SOURCE,
      `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello${POISON}`,
      EITHER,
      LIMPET,
    ),
  ],
};
