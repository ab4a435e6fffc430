// Host: exactly one, and of the grammar; RFC 9112 section 3.2 demands 400 for everything else.
import {
  byteName,
  CONTROLS,
  forwarded,
  lenient,
  type RequestCase,
  rejected,
  strict,
  type Theme,
  withHost,
} from "../case.ts";

const HOST = "RFC 9112 3.2";
const GRAMMAR = "RFC 9110 7.2, RFC 3986 3.2.2";
const PORT = "RFC 3986 3.2.3";

const seen = (host: string) => `GET ${host} /x`;
const valid = (name: string, value: string, host = value.toLowerCase()) =>
  forwarded(name, GRAMMAR, withHost(value), seen(host));
const invalid = (name: string, value: string) => rejected(name, HOST, withHost(value));

const good: readonly RequestCase[] = [
  valid("name", "a.test"),
  valid("name in capitals", "A.TEST"),
  valid("one label", "localhost"),
  lenient("trailing dot", GRAMMAR, withHost("a.test."), [seen("a.test."), seen("a.test")]),
  valid("underscore", "a_b.test"),
  valid("hyphens", "xn--a-b.test"),
  valid("IPv4 address", "127.0.0.1"),
  valid("digits alone", "1234"),
  valid("IPv6 address", "[::1]"),
  valid("IPv6 address in capitals", "[2001:DB8::A]"),
  valid("IPv6 address with IPv4 inside", "[::ffff:192.0.2.1]"),
  forwarded("port", PORT, withHost("a.test:8080"), seen("a.test:8080")),
  forwarded("port of an IPv6 address", PORT, withHost("[::1]:8080"), seen("[::1]:8080")),
  lenient("empty port", PORT, withHost("a.test:"), [seen("a.test"), seen("a.test:")]),
  forwarded("whitespace around the value", "RFC 9112 5", withHost(" \ta.test \t"), seen("a.test")),
  forwarded(
    "no whitespace before the value",
    "RFC 9112 5",
    "GET /x HTTP/1.1\r\nHost:a.test\r\n\r\n",
    seen("a.test"),
  ),
  forwarded(
    "field name in capitals",
    "RFC 9110 5.1",
    "GET /x HTTP/1.1\r\nHOST: a.test\r\n\r\n",
    seen("a.test"),
  ),
  forwarded("not the first field", HOST, "GET /x HTTP/1.1\r\nX-A: 1\r\nHost: a.test\r\n\r\n", seen("a.test")),
  lenient("triplet in the name", GRAMMAR, withHost("a%2Db.test"), [seen("a%2db.test"), seen("a-b.test")]),
  lenient("sub-delims in the name", GRAMMAR, withHost("a!$&'()*+,;=.test"), seen("a!$&'()*+,;=.test")),
  lenient("label of 70 letters", GRAMMAR, withHost(`${"a".repeat(70)}.test`), seen(`${"a".repeat(70)}.test`)),
];

const many: readonly RequestCase[] = [
  rejected("no Host", HOST, "GET /x HTTP/1.1\r\n\r\n"),
  rejected("no Host but other fields", HOST, "GET /x HTTP/1.1\r\nX-Host: a.test\r\n\r\n"),
  rejected("two different Hosts", HOST, "GET /x HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n"),
  rejected("two equal Hosts", HOST, "GET /x HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n"),
  rejected("two Hosts in different case", HOST, "GET /x HTTP/1.1\r\nHost: a.test\r\nhOST: b.test\r\n\r\n"),
  rejected("Host and an empty Host", HOST, "GET /x HTTP/1.1\r\nHost: a.test\r\nHost:\r\n\r\n"),
  rejected("an empty Host and Host", HOST, "GET /x HTTP/1.1\r\nHost:\r\nHost: a.test\r\n\r\n"),
  rejected(
    "Hosts far apart",
    HOST,
    "GET /x HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\nX-B: 2\r\nHost: b.test\r\n\r\n",
  ),
  rejected("two Hosts in HTTP/1.0", HOST, "GET /x HTTP/1.0\r\nHost: a.test\r\nHost: b.test\r\n\r\n"),
  rejected("space before the colon of Host", "RFC 9112 5.1", "GET /x HTTP/1.1\r\nHost : a.test\r\n\r\n"),
  strict("folded Host", "RFC 9112 5.2", "GET /x HTTP/1.1\r\nHost:\r\n a.test\r\n\r\n", seen("a.test")),
  rejected(
    "folded second half of Host",
    "RFC 9112 5.2",
    "GET /x HTTP/1.1\r\nHost: a.test\r\n b.test\r\n\r\n",
  ),
  strict(
    "Host named by Connection",
    "RFC 9110 7.6.1",
    "GET /x HTTP/1.1\r\nHost: a.test\r\nConnection: host\r\n\r\n",
    [seen("a.test")],
  ),
];

const bad: readonly RequestCase[] = [
  strict("empty", "RFC 9110 4.2.1", withHost(""), [seen(""), seen("?")]),
  strict("whitespace alone", "RFC 9110 4.2.1", withHost("   "), [seen(""), seen("?")]),
  strict("port alone", "RFC 9110 4.2.1", withHost(":80"), seen(":80")),
  invalid("two names and a space", "a.test b.test"),
  invalid("two names and a comma", "a.test, b.test"),
  invalid("name with a tab", "a.test\tb.test"),
  invalid("name with a path", "a.test/x"),
  invalid("name with a query", "a.test?x"),
  invalid("name with a fragment", "a.test#x"),
  invalid("name with userinfo", "u@a.test"),
  invalid("name with userinfo and a password", "u:p@a.test"),
  invalid("URI", "http://a.test"),
  invalid("backslash", "a.test\\b.test"),
  ...[...'"<>[]^`{|}'].map((character) => invalid(`name with ${character}`, `a${character}b.test`)),
  ...CONTROLS.map((code) => invalid(`name with ${byteName(code)}`, `a${String.fromCharCode(code)}b.test`)),
  invalid("byte 0x80", "a\x80.test"),
  invalid("UTF-8", "\xc3\xa4.test"),
  invalid("percent at the end", "a%"),
  invalid("percent and one digit", "a%4"),
  invalid("percent and letters", "a%zz.test"),
  invalid("port of letters", "a.test:http"),
  invalid("port and letters", "a.test:80x"),
  invalid("negative port", "a.test:-80"),
  invalid("port with a plus", "a.test:+80"),
  invalid("two ports", "a.test:80:81"),
  invalid("space before the port", "a.test: 80"),
  invalid("IPv6 without brackets", "::1"),
  invalid("IPv6 unclosed", "[::1"),
  invalid("IPv6 unopened", "::1]"),
  invalid("IPv6 empty", "[]"),
  invalid("IPv6 with two gaps", "[1::2::3]"),
  invalid("IPv6 with nine groups", "[1:2:3:4:5:6:7:8:9]"),
  invalid("IPv6 with a long group", "[12345::]"),
  invalid("IPv6 with letters", "[::g]"),
  invalid("IPv6 with text behind", "[::1]x"),
  invalid("IPv6 with text before", "x[::1]"),
  invalid("name in brackets", "[a.test]"),
  invalid("IPv4 in brackets", "[127.0.0.1]"),
  strict("IPv6 with a zone", "RFC 3986 3.2.2, RFC 6874", withHost("[fe80::1%25eth0]"), [
    seen("[fe80::1%25eth0]"),
    seen("[fe80::1]"),
  ]),
  strict("IPvFuture", GRAMMAR, withHost("[v1.a]"), seen("[v1.a]")),
  strict("port out of range", PORT, withHost("a.test:65536"), seen("a.test:65536")),
  strict(
    "port of twenty digits",
    PORT,
    withHost(`a.test:${"1".repeat(20)}`),
    seen(`a.test:${"1".repeat(20)}`),
  ),
  strict("port 0", PORT, withHost("a.test:0"), seen("a.test:0")),
  invalid("bare CR within", "a\rb.test"),
  strict("bare CR behind", "RFC 9110 5.5", withHost("a.test\r"), seen("a.test")),
];

export const host: Theme<RequestCase> = { theme: "Host", cases: [...good, ...many, ...bad] };
