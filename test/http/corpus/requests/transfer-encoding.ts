// Transfer-Encoding: `chunked` and nothing else, never beside Content-Length, never in HTTP/1.0.
import {
  byteName,
  chunked,
  forwarded,
  post,
  REFUSED,
  type RequestCase,
  rejected,
  rejectedAfter,
  SMUGGLED,
  seenPost,
  strict,
  type Theme,
} from "../case.ts";

const CODING = "RFC 9112 6.1";
const UNKNOWN = "RFC 9112 6.1, 6.3 item 4; CWE-444";
const BOTH = "RFC 9112 6.3 item 3; CWE-444";

const HELLO = "5\r\nhello\r\n0\r\n\r\n";
const coded = (...fields: string[]) => post(fields, HELLO);
const unknown = (name: string, value: string) =>
  rejected(name, UNKNOWN, coded(`Transfer-Encoding: ${value}`));

const good: readonly RequestCase[] = [
  forwarded("chunked", CODING, chunked(HELLO), seenPost("hello")),
  forwarded("chunked in capitals", CODING, coded("Transfer-Encoding: CHUNKED"), seenPost("hello")),
  forwarded("name in capitals", CODING, coded("TRANSFER-ENCODING: chunked"), seenPost("hello")),
  forwarded("no space before the value", "RFC 9112 5", coded("Transfer-Encoding:chunked"), seenPost("hello")),
  forwarded("tab before the value", "RFC 9112 5", coded("Transfer-Encoding:\tchunked"), seenPost("hello")),
  forwarded(
    "whitespace behind the value",
    "RFC 9112 5",
    coded("Transfer-Encoding: chunked \t "),
    seenPost("hello"),
  ),
  forwarded("chunked without a body", CODING, chunked("0\r\n\r\n"), seenPost("")),
  strict("gzip, chunked", CODING, coded("Transfer-Encoding: gzip, chunked"), []),
];

const values: readonly RequestCase[] = [
  unknown("letter before", "xchunked"),
  unknown("letter behind", "chunkedx"),
  unknown("half of it", "chunk"),
  unknown("quoted", '"chunked"'),
  unknown("in apostrophes", "'chunked'"),
  unknown("with a parameter", "chunked;q=1"),
  unknown("in parentheses", "(chunked)"),
  unknown("with a colon", "chunked:"),
  unknown("with a question mark", "chunked?"),
  unknown("two words", "chunked chunked"),
  unknown("long s", "chunk\xc5\xbfed"),
  unknown("Kelvin sign", "chun\xe2\x84\xaaed"),
  unknown("empty", ""),
  unknown("identity", "identity"),
  unknown("gzip alone", "gzip"),
  unknown("chunked, then gzip", "chunked, gzip"),
  unknown("chunked, then identity", "chunked, identity"),
  unknown("chunked twice in a list", "chunked, chunked"),
  unknown("unknown coding, then chunked", "x-unknown, chunked"),
  unknown("identity, then chunked", "identity, chunked"),
  unknown("percent-encoded", "%63hunked"),
  ...[1, 0x0b, 0x0c, 0x1f, 127, 0xa0, 0xff].map((code) =>
    unknown(`${byteName(code)} before`, `${String.fromCharCode(code)}chunked`),
  ),
  ...[0x0b, 0x0c, 127, 0xa0].map((code) =>
    unknown(`${byteName(code)} behind`, `chunked${String.fromCharCode(code)}`),
  ),
  strict("NUL before", "RFC 9110 5.5; CWE-444", coded("Transfer-Encoding: \0chunked"), seenPost("hello")),
  strict("NUL behind", "RFC 9110 5.5; CWE-444", coded("Transfer-Encoding: chunked\0"), seenPost("hello")),
  strict("CR behind", "RFC 9110 5.5; CWE-444", coded("Transfer-Encoding: chunked\r"), seenPost("hello")),
  strict("comma before", "RFC 9110 5.6.1", coded("Transfer-Encoding: ,chunked"), seenPost("hello")),
  strict("comma behind", "RFC 9110 5.6.1", coded("Transfer-Encoding: chunked,"), seenPost("hello")),
];

const several: readonly RequestCase[] = [
  rejected("chunked twice", UNKNOWN, coded("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")),
  rejected(
    "chunked and identity",
    "TE.TE; CWE-444",
    coded("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
  ),
  rejected(
    "identity and chunked",
    "TE.TE; CWE-444",
    coded("Transfer-Encoding: identity", "Transfer-Encoding: chunked"),
  ),
  rejected(
    "chunked and garbage",
    "TE.TE; CWE-444",
    coded("Transfer-Encoding: chunked", "Transfer-encoding: x"),
  ),
  rejected(
    "garbage and chunked",
    "TE.TE; CWE-444",
    coded("Transfer-Encoding: x", "Transfer-encoding: chunked"),
  ),
  strict(
    "an empty one and chunked",
    "RFC 9110 5.6.1",
    coded("Transfer-Encoding:", "Transfer-Encoding: chunked"),
    seenPost("hello"),
  ),
];

const names: readonly RequestCase[] = [
  rejected("space before the colon", "RFC 9112 5.1; CWE-444", coded("Transfer-Encoding : chunked")),
  rejected("tab before the colon", "RFC 9112 5.1; CWE-444", coded("Transfer-Encoding\t: chunked")),
  rejected("space before the name", "RFC 9112 2.2; CWE-444", coded(" Transfer-Encoding: chunked")),
  strict("folded value", "RFC 9112 5.2; CWE-444", coded("Transfer-Encoding:", " chunked"), seenPost("hello")),
  {
    ...rejectedAfter(
      "behind a folded line",
      "RFC 9112 5.2; CWE-444",
      coded("X-A: 1", " Transfer-Encoding: chunked"),
      seenPost(""),
    ),
    limpet: [REFUSED],
  },
  {
    ...rejectedAfter(
      "bare CR before the name",
      "RFC 9112 2.2; CWE-444",
      coded("X-A: 1\rTransfer-Encoding: chunked"),
      seenPost(""),
    ),
    limpet: [REFUSED],
  },
  strict("bare LF before the name", "RFC 9112 2.2; CWE-444", coded("X-A: 1\nTransfer-Encoding: chunked"), [
    seenPost("hello"),
  ]),
  {
    ...rejectedAfter(
      "NUL behind the name",
      "RFC 9110 5.1; CWE-444",
      coded("Transfer-Encoding\0: chunked"),
      seenPost(""),
    ),
    limpet: [REFUSED],
  },
  {
    ...rejectedAfter(
      "byte 0xff before the name",
      "RFC 9110 5.1; CWE-444",
      coded("\xffTransfer-Encoding: chunked"),
      seenPost(""),
    ),
    limpet: [REFUSED],
  },
  rejected("colon twice", UNKNOWN, coded("Transfer-Encoding:: chunked")),
];

/** RFC 9112 lets a server take Transfer-Encoding and close, and a proxy must then drop Content-Length. */
const both: readonly RequestCase[] = [
  strict("Content-Length before", BOTH, post(["Content-Length: 5", "Transfer-Encoding: chunked"], HELLO), [
    seenPost("hello"),
  ]),
  strict("Content-Length behind", BOTH, post(["Transfer-Encoding: chunked", "Content-Length: 5"], HELLO), [
    seenPost("hello"),
  ]),
  strict(
    "Content-Length of the whole chunked body",
    BOTH,
    post([`Content-Length: ${HELLO.length}`, "Transfer-Encoding: chunked"], HELLO),
    seenPost("hello"),
  ),
  strict(
    "Content-Length 0",
    BOTH,
    post(["Content-Length: 0", "Transfer-Encoding: chunked"], HELLO),
    seenPost("hello"),
  ),
  rejected(
    "Content-Length and identity",
    BOTH,
    post(["Content-Length: 5", "Transfer-Encoding: identity"], "hello"),
  ),
  rejected("Content-Length and gzip", BOTH, post(["Content-Length: 5", "Transfer-Encoding: gzip"], "hello")),
  rejected(
    "Content-Length and xchunked",
    "TE.CL; CWE-444",
    post(["Content-Length: 5", "Transfer-Encoding: xchunked"], "hello"),
  ),
  rejected(
    "Content-Length and chunked with a vertical tab",
    "TE.CL; CWE-444",
    post([`Content-Length: ${SMUGGLED.length}`, "Transfer-Encoding: \x0bchunked"], SMUGGLED),
  ),
];

const old: readonly RequestCase[] = [
  rejected(
    "in HTTP/1.0",
    "RFC 9112 6.1; CWE-444",
    `POST /x HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n${HELLO}`,
  ),
  rejected(
    "in HTTP/1.0 that keeps the connection",
    "RFC 9112 6.1; CWE-444",
    `POST /x HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${HELLO}`,
  ),
  rejected(
    "in HTTP/1.0 beside Content-Length",
    "RFC 9112 6.1; CWE-444",
    `POST /x HTTP/1.0\r\nHost: a.test\r\nContent-Length: ${HELLO.length}\r\nTransfer-Encoding: chunked\r\n\r\n${HELLO}`,
  ),
];

export const transferEncoding: Theme<RequestCase> = {
  theme: "Transfer-Encoding",
  cases: [...good, ...values, ...several, ...names, ...both, ...old],
};
