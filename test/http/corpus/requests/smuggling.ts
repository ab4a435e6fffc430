// Pairs of requests: pipelines that are right, and the classic ways to make two recipients disagree about where one ends.
import {
  answered,
  chunked,
  forwarded,
  get,
  lenient,
  line,
  post,
  REFUSED,
  type RequestCase,
  rejected,
  rejectedAfter,
  SEEN_GET,
  SMUGGLED,
  seenPost,
  strict,
  type Theme,
} from "../case.ts";

const PIPELINE = "RFC 9112 9.3.2";
const SEEN_OTHER = "GET b.test /smuggled";
const HELLO_CHUNKS = "5\r\nhello\r\n0\r\n\r\n";

const pipelines: readonly RequestCase[] = [
  forwarded("two requests", PIPELINE, get() + SMUGGLED, [SEEN_GET, SEEN_OTHER]),
  forwarded("three requests", PIPELINE, get() + post(["Content-Length: 5"], "hello") + SMUGGLED, [
    SEEN_GET,
    seenPost("hello"),
    SEEN_OTHER,
  ]),
  forwarded("a chunked body and a request", PIPELINE, chunked(HELLO_CHUNKS) + SMUGGLED, [
    seenPost("hello"),
    SEEN_OTHER,
  ]),
  forwarded("an empty chunked body and a request", PIPELINE, chunked("0\r\n\r\n") + SMUGGLED, [
    seenPost(""),
    SEEN_OTHER,
  ]),
  forwarded("HEAD and a request", PIPELINE, line("HEAD /x HTTP/1.1") + SMUGGLED, [
    "HEAD a.test /x",
    SEEN_OTHER,
  ]),
  forwarded("a trailer and a request", PIPELINE, chunked("0\r\nX-Sum: 1\r\n\r\n") + SMUGGLED, [
    seenPost(""),
    SEEN_OTHER,
  ]),
  {
    name: "a body on GET and a request",
    source: "RFC 9110 9.3.1",
    bytes: `${get("Content-Length: 5")}hello${SMUGGLED}`,
    accept: [REFUSED, answered(`${SEEN_GET} hello`, SEEN_OTHER)],
    limpet: [answered(`${SEEN_GET} hello`, SEEN_OTHER)],
  },
  {
    name: "an empty line between requests",
    source: "RFC 9112 2.2",
    bytes: `${post(["Content-Length: 5"], "hello")}\r\n${SMUGGLED}`,
    accept: [answered(seenPost("hello"), SEEN_OTHER), { seen: [seenPost("hello")], end: "refused" }],
    limpet: [answered(seenPost("hello"), SEEN_OTHER)],
  },
  {
    name: "close and a request behind it",
    source: "RFC 9112 9.6",
    bytes: get("Connection: close") + SMUGGLED,
    accept: [answered(SEEN_GET)],
  },
  rejectedAfter("a request and garbage", PIPELINE, `${get()}\x16\x03\x01garbage\r\n\r\n`, SEEN_GET),
  rejectedAfter(
    "a body and a byte too many",
    PIPELINE,
    `${post(["Content-Length: 5"], "hello")}@${SMUGGLED}`,
    seenPost("hello"),
  ),
  rejectedAfter(
    "a request and one without Host",
    "RFC 9112 3.2",
    `${get()}GET /smuggled HTTP/1.1\r\n\r\n`,
    SEEN_GET,
  ),
  rejectedAfter(
    "a request and an ambiguous one",
    "CWE-444",
    get() + post(["Content-Length: 5", "Content-Length: 6"], "hello!"),
    SEEN_GET,
  ),
  rejectedAfter(
    "a chunked body and bytes behind it",
    PIPELINE,
    `${chunked(HELLO_CHUNKS)}XX\r\n\r\n`,
    seenPost("hello"),
  ),
];

const HIDDEN_IN_CHUNKS = `0\r\n\r\n${SMUGGLED}`;

const classes: readonly RequestCase[] = [
  strict(
    "CL.TE",
    "CL.TE, CWE-444",
    post([`Content-Length: ${HIDDEN_IN_CHUNKS.length}`, "Transfer-Encoding: chunked"], HIDDEN_IN_CHUNKS),
    seenPost(""),
  ),
  strict(
    "TE.CL",
    "TE.CL, CWE-444",
    post(
      ["Content-Length: 4", "Transfer-Encoding: chunked"],
      `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`,
    ),
    seenPost(SMUGGLED),
  ),
  ...(
    [
      ["xchunked", "Transfer-Encoding: xchunked"],
      ["space before the colon", "Transfer-Encoding : chunked"],
      ["tab before the colon", "Transfer-Encoding\t: chunked"],
      ["vertical tab before the value", "Transfer-Encoding: \x0bchunked"],
      ["quoted value", 'Transfer-Encoding: "chunked"'],
      ["identity", "Transfer-Encoding: identity"],
      ["chunked, identity", "Transfer-Encoding: chunked, identity"],
      ["chunked, cow", "Transfer-Encoding: chunked, cow"],
      ["cow, chunked", "Transfer-Encoding: cow, chunked"],
      ["space before the name", " Transfer-Encoding: chunked"],
      ["underscore in the name and a bad value", "Transfer-Encoding: chunked_"],
    ] as const
  ).map(([name, field]) =>
    rejected(
      `CL.TE with an obfuscated field: ${name}`,
      "TE.TE, CWE-444",
      post([`Content-Length: ${HIDDEN_IN_CHUNKS.length}`, field], HIDDEN_IN_CHUNKS),
    ),
  ),
  ...(
    [
      ["NUL behind the value", "Transfer-Encoding: chunked\0"],
      ["fold before the value", "Transfer-Encoding:\r\n chunked"],
    ] as const
  ).map(([name, field]) =>
    strict(
      `CL.TE with an obfuscated field: ${name}`,
      "TE.TE, CWE-444",
      post([`Content-Length: ${HIDDEN_IN_CHUNKS.length}`, field], HIDDEN_IN_CHUNKS),
      seenPost(""),
    ),
  ),
  strict(
    "CL.TE with an obfuscated field: bare CR before the name",
    "TE.TE, CWE-444",
    post(
      [`Content-Length: ${HIDDEN_IN_CHUNKS.length}`, "X-A: b\rTransfer-Encoding: chunked"],
      HIDDEN_IN_CHUNKS,
    ),
    seenPost(HIDDEN_IN_CHUNKS),
  ),
  lenient(
    "a field that only resembles Transfer-Encoding",
    "CWE-444",
    post([`Content-Length: ${SMUGGLED.length}`, "Transfer_Encoding: chunked"], SMUGGLED),
    seenPost(SMUGGLED),
  ),
  {
    name: "CL.0: a body on a method that has none",
    source: "CL.0, CWE-444",
    bytes: `${get(`Content-Length: ${SMUGGLED.length}`)}${SMUGGLED}`,
    accept: [REFUSED, answered(`${SEEN_GET} ${SMUGGLED}`)],
    limpet: [answered(`${SEEN_GET} ${SMUGGLED}`)],
  },
  {
    name: "CL.0: a body on HEAD",
    source: "CL.0, CWE-444",
    bytes: `${line("HEAD /x HTTP/1.1", `Content-Length: ${SMUGGLED.length}`)}${SMUGGLED}`,
    accept: [REFUSED, answered(`HEAD a.test /x ${SMUGGLED}`)],
    limpet: [answered(`HEAD a.test /x ${SMUGGLED}`)],
  },
  {
    name: "CL.0: a chunked body on GET",
    source: "CL.0, CWE-444",
    bytes: `${get("Transfer-Encoding: chunked")}${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`,
    accept: [REFUSED, answered(`${SEEN_GET} ${SMUGGLED}`)],
    limpet: [answered(`${SEEN_GET} ${SMUGGLED}`)],
  },
  rejected(
    "0.CL: a length that one side does not see",
    "0.CL, CWE-444",
    post([`Content-Length : ${SMUGGLED.length}`], SMUGGLED),
  ),
  strict(
    "0.CL: a folded length",
    "0.CL, CWE-444",
    post(["Content-Length:", ` ${SMUGGLED.length}`], SMUGGLED),
    seenPost(SMUGGLED),
  ),
  rejected("the preface of HTTP/2", "RFC 9113 3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
  rejectedAfter(
    "the preface of HTTP/2 behind a request",
    "RFC 9113 3.4",
    `${get()}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
    SEEN_GET,
  ),
  {
    ...rejectedAfter(
      "a request in a header name",
      "CWE-93",
      get("X-A\r\n\r\nGET /smuggled HTTP/1.1: 1"),
      SEEN_GET,
    ),
    limpet: [REFUSED],
  },
  rejected(
    "a line end by bare LF before a request",
    "CWE-444",
    `GET /x HTTP/1.1\nHost: a.test\n\r${SMUGGLED}`,
  ),
  {
    name: "Expect and a body that is not awaited",
    source: "RFC 9110 10.1.1; Expect desync",
    bytes: post(["Expect: 100-continue", `Content-Length: ${SMUGGLED.length}`], SMUGGLED),
    accept: [answered(seenPost(SMUGGLED)), REFUSED],
    limpet: [answered(seenPost(SMUGGLED))],
  },
];

export const smuggling: Theme<RequestCase> = {
  theme: "pipelines and smuggling",
  cases: [...pipelines, ...classes],
};
