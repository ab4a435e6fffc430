// Field lines: names, colons, values, folding and line ends.
import {
  byteName,
  CONTROLS,
  forwarded,
  get,
  lenient,
  type RequestCase,
  rejected,
  SEEN_GET,
  strict,
  type Theme,
} from "../case.ts";

const NAME = "RFC 9110 5.1, RFC 9112 5.1";
const VALUE = "RFC 9110 5.5";
const FOLD = "RFC 9112 5.2";
const LINE_END = "RFC 9112 2.2";

const good: readonly RequestCase[] = [
  forwarded("value", VALUE, get("X-A: value"), SEEN_GET, { has: ["x-a: value"] }),
  forwarded("value with whitespace around", "RFC 9112 5", get("X-A: \t value \t "), SEEN_GET, {
    has: ["x-a: value"],
  }),
  forwarded("value with whitespace within", VALUE, get("X-A: a \t b"), SEEN_GET, { has: ["x-a: a \t b"] }),
  forwarded(
    "value of every printable character",
    VALUE,
    get("X-A: !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    SEEN_GET,
    {
      has: ["x-a"],
    },
  ),
  forwarded("empty value", VALUE, get("X-A:"), SEEN_GET),
  forwarded("no space behind the colon", "RFC 9112 5", get("X-A:value"), SEEN_GET, { has: ["x-a: value"] }),
  forwarded("colons in the value", VALUE, get("X-A: a:b: c"), SEEN_GET, { has: ["x-a"] }),
  forwarded("bytes above 0x7f", "RFC 9110 5.5 (obs-text)", get("X-A: \xe4\xff\x80"), SEEN_GET),
  forwarded("the same name twice", "RFC 9110 5.3", get("X-A: 1", "X-A: 2"), SEEN_GET),
  forwarded("name of letters and digits", NAME, get("X9a-B: 1"), SEEN_GET, { has: ["x9a-b: 1"] }),
  lenient("name with an underscore", NAME, get("X_A: 1"), SEEN_GET),
  lenient("name with a dot", NAME, get("X.A: 1"), SEEN_GET),
  lenient("name of every other token character", NAME, get("!#$%&'*+-.^`|~: 1"), SEEN_GET),
  forwarded("value of 4 KiB", VALUE, get(`X-A: ${"a".repeat(4096)}`), SEEN_GET),
  forwarded(
    "forty fields",
    VALUE,
    get(...Array.from({ length: 40 }, (_, index) => `X-${index}: 1`)),
    SEEN_GET,
  ),
];

/** CR and LF end lines, HTAB and SP have cases of their own; the colon ends the name. */
const names: readonly RequestCase[] = [
  ...[...'"(),/;<=>?@[\\]{}'].map((character) =>
    strict(`name with ${character}`, NAME, get(`X${character}A: 1`), SEEN_GET),
  ),
  ...CONTROLS.map((code) =>
    strict(`name with ${byteName(code)}`, NAME, get(`X${String.fromCharCode(code)}A: 1`), SEEN_GET),
  ),
  strict("name with a space", NAME, get("X A: 1"), SEEN_GET),
  strict("name with a tab", NAME, get("X\tA: 1"), SEEN_GET),
  strict("name with byte 0x80", NAME, get("X\x80A: 1"), SEEN_GET),
  strict("name in UTF-8", NAME, get("X-\xc3\xa4: 1"), SEEN_GET),
  rejected("space before the colon", "RFC 9112 5.1", get("X-A : 1")),
  rejected("tab before the colon", "RFC 9112 5.1", get("X-A\t: 1")),
  strict("CR before the colon", "RFC 9112 2.2", get("X-A\r: 1"), SEEN_GET),
  strict("no name", NAME, get(": 1"), SEEN_GET),
  strict("colon alone", NAME, get(":"), SEEN_GET),
  strict("no colon", NAME, get("X-A"), SEEN_GET),
  strict("no colon but an equals sign", NAME, get("X-A=1"), SEEN_GET),
  strict("line that is a request line", NAME, get("GET /smuggled HTTP/1.1"), SEEN_GET),
];

/** Anything but CR, LF and NUL may be kept by those who want to; Limpet refuses all of them. */
const values: readonly RequestCase[] = [
  ...CONTROLS.filter((code) => code !== 0).map((code) =>
    strict(`value with ${byteName(code)}`, VALUE, get(`X-A: a${String.fromCharCode(code)}b`), SEEN_GET),
  ),
  strict("value with NUL", VALUE, get("X-A: a\0b"), SEEN_GET, { lacks: ["x-a: a\0b"] }),
  strict("value of a NUL", VALUE, get("X-A: \0"), SEEN_GET, { lacks: ["x-a: \0"] }),
  strict("value with a bare CR", VALUE, get("X-A: a\rb"), SEEN_GET, { lacks: ["x-a: a\rb"] }),
  strict("value with a CR and a field", "CWE-93", get("X-A: a\rX-B: 1"), SEEN_GET, { lacks: ["x-b"] }),
  lenient("CRs behind the value", LINE_END, get("X-A: a\r"), SEEN_GET, { lacks: ["x-a: a\r"] }),
  lenient("CR, space and CR behind the value", LINE_END, get("X-A: a\r \r"), SEEN_GET, {
    lacks: ["x-a: a\r \r"],
  }),
  strict("CR before the value", VALUE, get("X-A:\ra"), SEEN_GET, { lacks: ["x-a: \ra"] }),
];

const folds: readonly RequestCase[] = [
  strict("folded with a space", FOLD, get("X-A: a", " b"), SEEN_GET),
  strict("folded with a tab", FOLD, get("X-A: a", "\tb"), SEEN_GET),
  strict("folded twice", FOLD, get("X-A: a", " b", " c"), SEEN_GET),
  strict("folded to an empty line", FOLD, get("X-A: a", "  "), SEEN_GET),
  strict("folded from an empty value", FOLD, get("X-A:", " b"), SEEN_GET),
  strict("folded with what looks like a field", FOLD, get("X-A: a", " X-B: 1"), SEEN_GET, { lacks: ["x-b"] }),
  strict(
    "folded right behind the request line",
    LINE_END,
    "GET /x HTTP/1.1\r\n X-A: 1\r\nHost: a.test\r\n\r\n",
    SEEN_GET,
  ),
  strict(
    "whitespace line right behind the request line",
    LINE_END,
    "GET /x HTTP/1.1\r\n \r\nHost: a.test\r\n\r\n",
    SEEN_GET,
  ),
  rejected("Host on a folded first line", LINE_END, "GET /x HTTP/1.1\r\n Host: a.test\r\n\r\n"),
  strict("folded with bare LF", FOLD, get("X-A: a\n b"), SEEN_GET),
];

const lineEnds: readonly RequestCase[] = [
  strict("bare LF everywhere", LINE_END, "GET /x HTTP/1.1\nHost: a.test\n\n", SEEN_GET),
  strict("bare LF behind the request line", LINE_END, "GET /x HTTP/1.1\nHost: a.test\r\n\r\n", SEEN_GET),
  strict("bare LF behind a field", LINE_END, "GET /x HTTP/1.1\r\nHost: a.test\nX-A: 1\r\n\r\n", SEEN_GET),
  strict("bare LF as the empty line", LINE_END, "GET /x HTTP/1.1\r\nHost: a.test\r\n\n", SEEN_GET),
  strict("CRLF behind a bare LF", LINE_END, "GET /x HTTP/1.1\r\nHost: a.test\n\r\n", SEEN_GET),
  rejected("bare CR everywhere", LINE_END, "GET /x HTTP/1.1\rHost: a.test\r\r"),
  rejected("bare CR behind a field", LINE_END, "GET /x HTTP/1.1\r\nHost: a.test\rX-A: 1\r\r\n"),
  strict("CR CRLF as the empty line", LINE_END, "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\r\n", SEEN_GET),
  rejected("LF CR instead of CRLF", LINE_END, "GET /x HTTP/1.1\n\rHost: a.test\n\r\n\r"),
  rejected("line end in UTF-8", LINE_END, "GET /x HTTP/1.1\xe2\x80\xa8Host: a.test\r\n\r\n"),
  rejected("a head without an end", "RFC 9112 8", "GET /x HTTP/1.1\r\nHost: a.test\r\n"),
  rejected("half a request line", "RFC 9112 8", "GET /x"),
  rejected("half a field", "RFC 9112 8", "GET /x HTTP/1.1\r\nHost: a.te"),
];

export const fields: Theme<RequestCase> = {
  theme: "fields",
  cases: [...good, ...names, ...values, ...folds, ...lineEnds],
};
