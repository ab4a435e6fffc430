// Chunked bodies: sizes, line ends, extensions, and data that does not end where its size says.
import {
  byteName,
  chunked,
  forwarded,
  lenient,
  type RequestCase,
  rejected,
  SMUGGLED,
  seenPost,
  strict,
  type Theme,
} from "../case.ts";

const CHUNKED = "RFC 9112 7.1";
const SIZE = "RFC 9112 7.1; CWE-444";
const EXTENSION = "RFC 9112 7.1.1";
const SPILL = "RFC 9112 7.1; chunk spill, CWE-444";

const HELLO = seenPost("hello");
const END = "0\r\n\r\n";
const size = (name: string, text: string) =>
  rejected(`size ${name}`, SIZE, chunked(`${text}\r\nhello\r\n${END}`));

const good: readonly RequestCase[] = [
  forwarded("one chunk", CHUNKED, chunked(`5\r\nhello\r\n${END}`), HELLO),
  forwarded(
    "five chunks",
    CHUNKED,
    chunked(`1\r\nh\r\n1\r\ne\r\n1\r\nl\r\n1\r\nl\r\n1\r\no\r\n${END}`),
    HELLO,
  ),
  forwarded("size in capitals", CHUNKED, chunked(`A\r\n0123456789\r\n${END}`), seenPost("0123456789")),
  forwarded("size in small letters", CHUNKED, chunked(`a\r\n0123456789\r\n${END}`), seenPost("0123456789")),
  lenient("size with leading zeros", CHUNKED, chunked(`0005\r\nhello\r\n${END}`), HELLO),
  lenient("last chunk of several zeros", CHUNKED, chunked("5\r\nhello\r\n000\r\n\r\n"), HELLO),
  forwarded("data of CRLFs", CHUNKED, chunked(`4\r\n\r\n\r\n\r\n${END}`), seenPost("\r\n\r\n")),
  forwarded(
    "data that looks like the last chunk",
    CHUNKED,
    chunked(`5\r\n0\r\n\r\n\r\n${END}`),
    seenPost("0\r\n\r\n"),
  ),
  forwarded(
    "data that looks like a request",
    CHUNKED,
    chunked(`${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n${END}`),
    seenPost(SMUGGLED),
  ),
  forwarded(
    "chunk of 8 KiB",
    CHUNKED,
    chunked(`2000\r\n${"x".repeat(8192)}\r\n${END}`),
    seenPost("x".repeat(8192)),
  ),
];

const sizes: readonly RequestCase[] = [
  size("missing", ""),
  size("with a plus", "+5"),
  size("with a minus", "-5"),
  size("with 0x", "0x5"),
  size("with a letter behind", "5g"),
  size("with a letter before", "g5"),
  size("with an h", "5h"),
  size("in quotes", '"5"'),
  size("with an underscore", "0_5"),
  size("with a comma", "5,"),
  size("with a dot", "5.0"),
  size("with a space before", " 5"),
  size("with a tab before", "\t5"),
  size("with a space within", "0 5"),
  size("with a NUL before", "\x005"),
  size("with a NUL behind", "5\0"),
  ...[0x0b, 0x0c, 0x1f, 127, 0x80, 0xff].map((code) =>
    size(`with ${byteName(code)} behind`, `5${String.fromCharCode(code)}`),
  ),
  size("beyond 32 bits and back", "100000005"),
  size("beyond 64 bits and back", "10000000000000005"),
  size("of sixteen F", "FFFFFFFFFFFFFFFF"),
  size("of a hundred digits", "F".repeat(100)),
  lenient("size of twelve zeros and a digit", SIZE, chunked(`0000000000005\r\nhello\r\n${END}`), HELLO),
  strict("size of sixty zeros and a digit", SIZE, chunked(`${"0".repeat(60)}5\r\nhello\r\n${END}`), HELLO),
  strict("size with a space behind", "RFC 9112 7.1.1 (BWS)", chunked(`5 \r\nhello\r\n${END}`), HELLO),
  strict("size with a tab behind", "RFC 9112 7.1.1 (BWS)", chunked(`5\t\r\nhello\r\n${END}`), HELLO),
];

const lineEnds: readonly RequestCase[] = [
  strict("bare LF behind the size", SIZE, chunked(`5\nhello\r\n${END}`), HELLO),
  rejected("bare CR behind the size", SIZE, chunked(`5\rhello\r\n${END}`)),
  rejected("CR CR LF behind the size", SIZE, chunked(`5\r\r\nhello\r\n${END}`)),
  rejected("LF CR behind the size", SIZE, chunked(`5\n\rhello\r\n${END}`)),
  strict("bare LF behind the data", SIZE, chunked(`5\r\nhello\n${END}`), HELLO),
  rejected("bare CR behind the data", SIZE, chunked(`5\r\nhello\r${END}`)),
  rejected("nothing behind the data", SIZE, chunked(`5\r\nhello${END}`)),
  rejected("two characters behind the data", SIZE, chunked(`5\r\nhelloXX${END}`)),
  strict("bare LF behind the last size", SIZE, chunked("5\r\nhello\r\n0\n\r\n"), HELLO),
  strict("bare LF as the end", SIZE, chunked("5\r\nhello\r\n0\r\n\n"), HELLO),
  strict("bare LFs as the end", SIZE, chunked("5\r\nhello\r\n0\n\n"), HELLO),
  rejected("CR and a letter as the end", SIZE, chunked("5\r\nhello\r\n0\r\n\rX")),
  rejected("empty line before the size", SIZE, chunked(`\r\n5\r\nhello\r\n${END}`)),
  rejected("empty line between chunks", SIZE, chunked(`5\r\nhello\r\n\r\n${END}`)),
  rejected("data without a size", SIZE, chunked("hello\r\n")),
];

const spill: readonly RequestCase[] = [
  rejected("data longer than its size by one", SPILL, chunked(`5\r\nhello!\r\n${END}`)),
  rejected("data longer than its size by two", SPILL, chunked(`3\r\nhello\r\n${END}`)),
  rejected("data shorter than its size", SPILL, chunked(`7\r\nhello\r\n${END}`)),
  strict("data shorter than its size by one", SPILL, chunked(`6\r\nhello\r\n${END}`), seenPost("hello\r")),
  rejected("a request that spills", SPILL, chunked(`1\r\nx${SMUGGLED}${END}`)),
  rejected("a last chunk that spills", SPILL, chunked(`5\r\nhello0\r\n\r\n${SMUGGLED}`)),
  rejected("a size that counts its own CRLF", SPILL, chunked(`7\r\nhello\r\n0\r\n\r\n`)),
  rejected("a size that is decimal", SPILL, chunked(`10\r\n0123456789\r\n${END}`)),
];

const extensions: readonly RequestCase[] = [
  forwarded("extension", EXTENSION, chunked(`5;a\r\nhello\r\n${END}`), HELLO),
  forwarded("extension with a value", EXTENSION, chunked(`5;a=b\r\nhello\r\n${END}`), HELLO),
  forwarded("extension with a quoted value", EXTENSION, chunked(`5;a="b;c\\"d"\r\nhello\r\n${END}`), HELLO),
  forwarded("several extensions", EXTENSION, chunked(`5;a=b;c;d="e"\r\nhello\r\n${END}`), HELLO),
  forwarded("extension of the last chunk", EXTENSION, chunked("5\r\nhello\r\n0;a=b\r\n\r\n"), HELLO),
  strict(
    "extension with whitespace around its parts",
    EXTENSION,
    chunked(`5 ; a = b\r\nhello\r\n${END}`),
    HELLO,
  ),
  strict("extension without a name", EXTENSION, chunked(`5;\r\nhello\r\n${END}`), HELLO),
  strict("extension with a value and no name", EXTENSION, chunked(`5;=b\r\nhello\r\n${END}`), HELLO),
  strict("extension with an empty value", EXTENSION, chunked(`5;a=\r\nhello\r\n${END}`), HELLO),
  strict("extension with an open quote", EXTENSION, chunked(`5;a="b\r\nhello\r\n${END}`), HELLO),
  strict("extension with text behind its quote", EXTENSION, chunked(`5;a="b"c\r\nhello\r\n${END}`), HELLO),
  strict("extension with a space in its value", EXTENSION, chunked(`5;a=b c\r\nhello\r\n${END}`), HELLO),
  strict("extension with a slash in its name", EXTENSION, chunked(`5;a/b\r\nhello\r\n${END}`), HELLO),
  strict("extension with a NUL", EXTENSION, chunked(`5;a=\0\r\nhello\r\n${END}`), HELLO),
  strict("extension with a control character", EXTENSION, chunked(`5;a="\x01"\r\nhello\r\n${END}`), HELLO),
  rejected("extension with a bare CR", "RFC 9112 2.2; CWE-444", chunked(`5;a\rb\r\nhello\r\n${END}`)),
  strict(
    "extension that ends with a bare LF",
    "RFC 9112 7.1.1; TERM.EXT, CWE-444",
    chunked(`5;a\nhello\r\n${END}`),
    HELLO,
  ),
  rejected(
    "extension with a bare LF that hides a chunk",
    "TERM.EXT, CWE-444",
    chunked(`5;\nxx;\r\nhello\r\n${END}`),
  ),
  strict(
    "extension of 20 KiB",
    "CVE-2023-39326",
    chunked(`5;${"a".repeat(20_480)}\r\nhello\r\n${END}`),
    HELLO,
  ),
];

const unfinished: readonly RequestCase[] = [
  rejected("no last chunk", "RFC 9112 8", chunked("5\r\nhello\r\n")),
  rejected("half a chunk", "RFC 9112 8", chunked("5\r\nhel")),
  rejected("size without its line end", "RFC 9112 8", chunked("5")),
  rejected("last chunk without its end", "RFC 9112 8", chunked("5\r\nhello\r\n0\r\n")),
  rejected("nothing", "RFC 9112 8", chunked("")),
];

export const chunks: Theme<RequestCase> = {
  theme: "chunked bodies",
  cases: [...good, ...sizes, ...lineEnds, ...spill, ...extensions, ...unfinished],
};
