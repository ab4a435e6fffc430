// Request lines: method, version, and what stands between and before them.
import {
  byteName,
  CONTROLS,
  forwarded,
  get,
  lenient,
  line,
  type RequestCase,
  rejected,
  SEEN_GET,
  strict,
  type Theme,
} from "../case.ts";

const METHOD = "RFC 9110 9.1, 5.6.2";
const LINE = "RFC 9112 3";
const VERSION = "RFC 9112 2.3";
const EMPTY = "RFC 9112 2.2";

const methodDelimiters: readonly RequestCase[] = [...'"(),/:;<=>?@[\\]{}'].map((character) =>
  rejected(`method with ${character}`, METHOD, line(`GE${character}T /x HTTP/1.1`)),
);

/** CR and LF in a method begin another line; their cases are written out. */
const methodControls: readonly RequestCase[] = [0, 1, 0x0b, 0x1f, 127, 0x80, 0xff].map((code) =>
  rejected(`method with ${byteName(code)}`, METHOD, line(`GE${String.fromCharCode(code)}T /x HTTP/1.1`)),
);

const methods: readonly RequestCase[] = [
  ...["PUT", "DELETE", "PATCH", "OPTIONS"].map((method) =>
    forwarded(`method ${method}`, METHOD, line(`${method} /x HTTP/1.1`), `${method} a.test /x`),
  ),
  forwarded("method HEAD", METHOD, line("HEAD /x HTTP/1.1"), "HEAD a.test /x"),
  lenient("method TRACE", "RFC 9110 9.3.8", line("TRACE /x HTTP/1.1"), "TRACE a.test /x"),
  lenient("method nobody knows", METHOD, line("BREW /x HTTP/1.1"), "BREW a.test /x"),
  lenient("method of every token character", METHOD, line("A!#$%&'*+-.^_`|~09 /x HTTP/1.1"), [
    "A!#$%&'*+-.^_`|~09 a.test /x",
  ]),
  lenient("method in lower case is another method", METHOD, line("get /x HTTP/1.1"), "get a.test /x"),
  lenient("method of 200 letters", METHOD, line(`${"M".repeat(200)} /x HTTP/1.1`), [
    `${"M".repeat(200)} a.test /x`,
  ]),
  rejected("no method", METHOD, line(" /x HTTP/1.1")),
  rejected("no method and no space", METHOD, line("/x HTTP/1.1")),
  rejected("quoted method", METHOD, line('"GET" /x HTTP/1.1')),
];

const spaces: readonly RequestCase[] = [
  strict("two spaces before the target", LINE, line("GET  /x HTTP/1.1"), SEEN_GET),
  strict("two spaces before the version", LINE, line("GET /x  HTTP/1.1"), SEEN_GET),
  strict("space behind the version", LINE, line("GET /x HTTP/1.1 "), SEEN_GET),
  strict("tab before the target", LINE, line("GET\t/x HTTP/1.1"), SEEN_GET),
  strict("tab before the version", LINE, line("GET /x\tHTTP/1.1"), SEEN_GET),
  strict("vertical tab before the target", LINE, line("GET\x0b/x HTTP/1.1"), SEEN_GET),
  strict("form feed before the version", LINE, line("GET /x\x0cHTTP/1.1"), SEEN_GET),
  strict("space before the method", LINE, line(" GET /x HTTP/1.1"), SEEN_GET),
  strict("tab before the method", LINE, line("\tGET /x HTTP/1.1"), SEEN_GET),
  rejected("space in the target", LINE, line("GET /x y HTTP/1.1")),
  rejected("a second version", LINE, line("GET /x HTTP/1.1 HTTP/1.1")),
  rejected("a second target behind the version", LINE, line("GET /x HTTP/1.1 /y")),
  strict("CR instead of a space", LINE, line("GET\r/x HTTP/1.1"), SEEN_GET),
  strict("CR behind the version", LINE, line("GET /x HTTP/1.1\r"), SEEN_GET),
  rejected("CR within the target", LINE, line("GET /x\ry HTTP/1.1")),
  rejected("CR within the version", LINE, line("GET /x HTTP/1.\r1")),
  rejected("NUL behind the version", LINE, line("GET /x HTTP/1.1\0")),
  rejected("no target", LINE, line("GET HTTP/1.1")),
  rejected("an empty target", LINE, line("GET  HTTP/1.1")),
  rejected("method alone", LINE, line("GET")),
  rejected("line that is split by LF", LINE, line("GET /x\nHTTP/1.1")),
];

const versions: readonly RequestCase[] = [
  rejected("HTTP/0.9", "RFC 9112 2.3", "GET /x\r\n\r\n"),
  rejected("HTTP/0.9 that is named", VERSION, line("GET /x HTTP/0.9")),
  ...[
    "http/1.1",
    "Http/1.1",
    "HTTP/1",
    "HTTP/1.",
    "HTTP/.1",
    "HTTP/1.1.1",
    "HTTP/1.10",
    "HTTP/01.1",
    "HTTP/11.1",
  ].map((version) => rejected(`version ${version}`, VERSION, line(`GET /x ${version}`))),
  ...[
    "HTTP/1,1",
    "HTTP 1.1",
    "HTTP/1.1x",
    "HTTP/-1.1",
    "HTTP/+1.1",
    "HTTP/1.x",
    "HTTPS/1.1",
    "XTTP/1.1",
    "HTTP/",
  ].map((version) => rejected(`version ${version}`, VERSION, line(`GET /x ${version}`))),
  rejected("version HTTP//1.1", VERSION, line("GET /x HTTP//1.1")),
  rejected("version without its name", VERSION, line("GET /x 1.1")),
  strict("version HTTP/1.2", VERSION, line("GET /x HTTP/1.2"), SEEN_GET),
  strict("version HTTP/1.9", VERSION, line("GET /x HTTP/1.9"), SEEN_GET),
  rejected("version HTTP/2.0", VERSION, line("GET /x HTTP/2.0")),
  rejected("version HTTP/2", VERSION, line("GET /x HTTP/2")),
  rejected("version HTTP/3.0", VERSION, line("GET /x HTTP/3.0")),
  rejected("version HTTP/9.9", VERSION, line("GET /x HTTP/9.9")),
];

const before: readonly RequestCase[] = [
  lenient("one empty line before", EMPTY, `\r\n${get()}`, SEEN_GET),
  strict("two empty lines before", EMPTY, `\r\n\r\n${get()}`, SEEN_GET),
  strict("a bare LF before", EMPTY, `\n${get()}`, SEEN_GET),
  strict("a bare CR before", EMPTY, `\r${get()}`, SEEN_GET),
  strict("CR CRLF before", EMPTY, `\r\r\n${get()}`, SEEN_GET),
  strict("whitespace on an empty line before", EMPTY, ` \r\n${get()}`, SEEN_GET),
  rejected("NUL before", LINE, `\0${get()}`),
  rejected("a byte order mark before", LINE, `\xef\xbb\xbf${get()}`),
  rejected("a field line before", LINE, `X-A: 1\r\n${get()}`),
  rejected("a status line", LINE, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
];

const otherProtocols: readonly RequestCase[] = [
  rejected("the greeting of TLS", LINE, "\x16\x03\x01\x00\x2e\x01\x00\x00\x2a\x03\x03\r\n\r\n"),
  rejected("the greeting of SSH", LINE, "SSH-2.0-client\r\n\r\n"),
  rejected("the greeting of SMTP", LINE, "EHLO a.test\r\n\r\n"),
  rejected("the greeting of SOCKS 5", LINE, "\x05\x01\x00\r\n\r\n"),
  rejected("a line of Redis", LINE, "*1\r\n$4\r\nPING\r\n\r\n"),
  rejected("a PROXY line from a stranger", LINE, `PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n${get()}`),
];

const targetControls: readonly RequestCase[] = CONTROLS.map((code) =>
  rejected(
    `target with ${byteName(code)}`,
    "RFC 3986 2",
    line(`GET /x${String.fromCharCode(code)}y HTTP/1.1`),
  ),
);

export const requestLine: Theme<RequestCase> = {
  theme: "request line",
  cases: [
    ...methods,
    ...methodDelimiters,
    ...methodControls,
    ...spaces,
    ...versions,
    ...before,
    ...otherProtocols,
    ...targetControls,
  ],
};
