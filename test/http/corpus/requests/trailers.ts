// Trailers: what may come late, what must not, and lines that are none.
import {
  chunked,
  forwarded,
  type RequestCase,
  rejected,
  SMUGGLED,
  seenPost,
  strict,
  type Theme,
} from "../case.ts";

const TRAILERS = "RFC 9110 6.5, RFC 9112 7.1.2";
const FORBIDDEN = "RFC 9110 6.5.1; CWE-444";
const LINE = "RFC 9112 5";

const HELLO = seenPost("hello");
const trailed = (trailers: string, ...fields: string[]) =>
  chunked(`5\r\nhello\r\n0\r\n${trailers}\r\n`, ...fields);

/** A recipient may drop trailers or pass them on as trailers, but never merge these into the head. */
const forbidden = (name: string, value: string): RequestCase =>
  strict(`trailer ${name}`, FORBIDDEN, trailed(`${name}: ${value}\r\n`), HELLO, {
    // The body has to be framed in some way.
    lacks: name === "Transfer-Encoding" ? [] : [`${name.toLowerCase()}: ${value}`],
  });

export const trailers: Theme<RequestCase> = {
  theme: "trailers",
  cases: [
    forwarded("trailer", TRAILERS, trailed("X-Sum: 1\r\n"), HELLO),
    forwarded("trailers", TRAILERS, trailed("X-Sum: 1\r\nX-Other: 2\r\n"), HELLO),
    forwarded("announced trailer", TRAILERS, trailed("X-Sum: 1\r\n", "Trailer: X-Sum"), HELLO),
    forwarded("empty trailer", TRAILERS, trailed("X-Sum:\r\n"), HELLO),
    ...(
      [
        ["Content-Length", "3"],
        ["Transfer-Encoding", "chunked"],
        ["Host", "b.test"],
        ["Connection", "x-a"],
        ["Trailer", "X-Sum"],
        ["TE", "trailers"],
        ["Upgrade", "websocket"],
        ["Keep-Alive", "timeout=5"],
        ["Authorization", "Basic YTpi"],
        ["Proxy-Authorization", "Basic YTpi"],
        ["Cookie", "a=b"],
        ["Content-Type", "text/plain"],
        ["Content-Encoding", "gzip"],
        ["Content-Range", "bytes 0-1/2"],
        ["Max-Forwards", "1"],
        ["Expect", "100-continue"],
        ["Cache-Control", "no-store"],
        ["Range", "bytes=0-1"],
        ["X-Forwarded-For", "192.0.2.1"],
        ["Forwarded", "for=192.0.2.1"],
      ] as const
    ).map(([name, value]) => forbidden(name, value)),
    rejected("space before the colon", LINE, trailed("X-Sum : 1\r\n")),
    strict("no colon", LINE, trailed("X-Sum\r\n"), HELLO),
    strict("no name", LINE, trailed(": 1\r\n"), HELLO),
    strict("control character in the name", LINE, trailed("X\x01Sum: 1\r\n"), HELLO),
    strict("NUL in the value", "RFC 9110 5.5", trailed("X-Sum: a\0b\r\n"), HELLO, { lacks: ["x-sum: a\0b"] }),
    strict("bare CR in the value", "RFC 9110 5.5", trailed("X-Sum: a\rb\r\n"), HELLO, {
      lacks: ["x-sum: a\rb"],
    }),
    strict("folded value", "RFC 9112 5.2", trailed("X-Sum: a\r\n b\r\n"), HELLO),
    strict("folded first line", "RFC 9112 5.2", trailed(" X-Sum: a\r\n"), HELLO),
    strict("bare LF behind a trailer", "RFC 9112 2.2; CWE-444", trailed("X-Sum: a\n"), HELLO),
    strict(
      "bare LF twice behind a trailer",
      "TR.TR, CWE-444",
      chunked("5\r\nhello\r\n0\r\nX-Sum: a\n\n"),
      HELLO,
    ),
    rejected("request line as a trailer", "CWE-444", chunked(`5\r\nhello\r\n0\r\n${SMUGGLED}`)),
    strict("trailers of 40 KiB", "RFC 9110 5.4", trailed(`X-Sum: ${"a".repeat(40_960)}\r\n`), HELLO),
    strict("200 trailers", "RFC 9110 5.4", trailed("X-Sum: a\r\n".repeat(200)), HELLO),
    rejected("trailers without an end", "RFC 9112 8", chunked("5\r\nhello\r\n0\r\nX-Sum: 1\r\n")),
  ],
};
