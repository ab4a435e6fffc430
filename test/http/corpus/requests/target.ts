// Request targets: origin, absolute, authority and asterisk form, and the characters of paths and queries.
import {
  answered,
  forwarded,
  lenient,
  line,
  REFUSED,
  type RequestCase,
  rejected,
  strict,
  type Theme,
} from "../case.ts";

const TARGET = "RFC 9112 3.2";
const ABSOLUTE = "RFC 9112 3.2.2";
const ASTERISK = "RFC 9112 3.2.4";
const CHARACTERS = "RFC 3986 3.3, 3.4";
const DOTS = "RFC 3986 5.2.4, 6.2.2.3";

const to = (target: string, ...fields: string[]) => line(`GET ${target} HTTP/1.1`, ...fields);
const seen = (target: string, host = "a.test") => `GET ${host} ${target}`;

/** The origin may be told in either form. */
const whole = (target: string, host = "a.test") => [
  seen(target, host),
  seen(`http://${host}${target}`, host),
];

const characters: readonly RequestCase[] = [
  forwarded(
    "path of every plain character",
    CHARACTERS,
    to("/Az09-._~!$&'()*+,;=:@"),
    seen("/Az09-._~!$&'()*+,;=:@"),
  ),
  forwarded("query of every plain character", CHARACTERS, to("/x?Az-._~!$&'()*+,;=:@/?"), [
    seen("/x?Az-._~!$&'()*+,;=:@/?"),
  ]),
  forwarded("triplets are left alone", CHARACTERS, to("/%41%2f%c3%a4?%20"), seen("/%41%2f%c3%a4?%20")),
  lenient("encoded NUL is not decoded", "RFC 3986 2.1", to("/x%00y"), seen("/x%00y")),
  forwarded("encoded CRLF is not decoded", "CWE-93", to("/x%0d%0aX-Evil:%201"), seen("/x%0d%0aX-Evil:%201"), {
    lacks: ["x-evil"],
  }),
  forwarded("encoded space", CHARACTERS, to("/x%20y"), seen("/x%20y")),
  forwarded("encoded question mark", CHARACTERS, to("/x%3fy=1"), seen("/x%3fy=1")),
  forwarded("encoded hash", CHARACTERS, to("/x%23y"), seen("/x%23y")),
  forwarded("empty query", CHARACTERS, to("/x?"), seen("/x?")),
  forwarded("several slashes", CHARACTERS, to("//x///y"), seen("//x///y")),
  forwarded("slashes and a host-like name", CHARACTERS, to("//b.test/x"), seen("//b.test/x")),
  forwarded("semicolons", CHARACTERS, to("/x;a=1/y;b"), seen("/x;a=1/y;b")),
  ...[..."[]\\^`{|}"].map((character) =>
    lenient(`raw ${character} in the path`, CHARACTERS, to(`/x${character}y`), seen(`/x${character}y`)),
  ),
  ...[..."[]\\^`{|}"].map((character) =>
    lenient(`raw ${character} in the query`, CHARACTERS, to(`/x?a${character}b`), seen(`/x?a${character}b`)),
  ),
  ...[...'"<>'].map((character) =>
    strict(`raw ${character} in the path`, CHARACTERS, to(`/x${character}y`), seen(`/x${character}y`)),
  ),
  ...[...'"<>'].map((character) =>
    strict(`raw ${character} in the query`, CHARACTERS, to(`/x?a${character}b`), seen(`/x?a${character}b`)),
  ),
  strict("byte 0x80 in the path", CHARACTERS, to("/x\x80"), seen("/x\x80")),
  strict("byte 0xff in the query", CHARACTERS, to("/x?\xff"), seen("/x?\xff")),
  strict("UTF-8 in the path", CHARACTERS, to("/\xc3\xa4"), seen("/\xc3\xa4")),
  strict("percent at the end of the path", CHARACTERS, to("/x%"), [seen("/x%"), seen("/x%25")]),
  strict("percent and one digit in the path", CHARACTERS, to("/x%4"), [seen("/x%4"), seen("/x%254")]),
  strict("percent and letters in the path", CHARACTERS, to("/x%zz"), [seen("/x%zz"), seen("/x%25zz")]),
  lenient("percent and letters in the query", CHARACTERS, to("/x?%zz"), seen("/x?%zz")),
  strict("fragment", "RFC 9112 3.2.1", to("/x#y"), [seen("/x#y"), seen("/x"), seen("/x%23y")]),
  strict("fragment behind a query", "RFC 9112 3.2.1", to("/x?a#y"), [seen("/x?a#y"), seen("/x?a")]),
];

/** Resolved or left as they are; the others choose, Limpet resolves. */
const dots: readonly RequestCase[] = (
  [
    ["/a/../x", "/x"],
    ["/a/./x", "/a/x"],
    ["/./x", "/x"],
    ["/a/b/../../x", "/x"],
    ["/a/%2e%2e/x", "/x"],
    ["/a/.%2E/x", "/x"],
    ["/a/%2e/x", "/a/x"],
    ["/a/b/..", "/a/"],
    ["/a/.", "/a/"],
    ["/x?a=/../b", "/x?a=/../b"],
    ["/a/..;/x", "/a/..;/x"],
    ["/a/...", "/a/..."],
    ["/a/..%2fx", "/a/..%2fx"],
    ["/a/..\\x", "/a/..\\x"],
  ] as const
).map(([target, resolved]) => ({
  name: `dot segments: ${target}`,
  source: DOTS,
  bytes: to(target),
  accept: [REFUSED, answered(seen(target)), answered(seen(resolved))],
  limpet: [answered(seen(resolved))],
}));

const aboveRoot: readonly RequestCase[] = ["/../x", "/a/../../x", "/%2e%2e/x", "/..", "/a/%2E%2E/.%2e/x"].map(
  (target): RequestCase => ({
    name: `dot segments above the root: ${target}`,
    source: `${DOTS}, CWE-22`,
    bytes: to(target),
    accept: [REFUSED, answered(seen(target)), answered(seen("/x")), answered(seen("/"))],
    // A complete request whose meaning is not in doubt: the connection goes on.
    limpet: [{ seen: [], end: "refused", status: 400, mayStayOpen: true }],
  }),
);

const absolute: readonly RequestCase[] = [
  lenient("absolute-form", ABSOLUTE, to("http://a.test/x"), whole("/x")),
  lenient("absolute-form and another Host", ABSOLUTE, to("http://b.test/x"), whole("/x", "b.test")),
  lenient("absolute-form with a port", ABSOLUTE, to("http://b.test:81/x"), whole("/x", "b.test:81")),
  lenient("absolute-form with a query", ABSOLUTE, to("http://a.test/x?y"), whole("/x?y")),
  lenient("absolute-form without a path", ABSOLUTE, to("http://a.test"), [seen("/"), seen("http://a.test")]),
  lenient("absolute-form with a query and no path", ABSOLUTE, to("http://a.test?y"), [
    seen("/?y"),
    seen("?y"),
    seen("http://a.test?y"),
  ]),
  lenient("absolute-form, scheme in capitals", "RFC 3986 3.1", to("HTTP://a.test/x"), [
    seen("/x"),
    seen("HTTP://a.test/x"),
  ]),
  lenient("absolute-form, host in capitals", "RFC 3986 3.2.2", to("http://A.TEST/x"), [
    seen("/x"),
    seen("http://A.TEST/x"),
  ]),
  lenient("absolute-form with an IPv6 host", ABSOLUTE, to("http://[::1]/x"), whole("/x", "[::1]")),
  strict("absolute-form of https on a plain port", "RFC 9110 7.4", to("https://a.test/x"), [
    seen("/x"),
    seen("https://a.test/x"),
  ]),
  strict("absolute-form of another scheme", "RFC 9110 7.4", to("ftp://a.test/x"), [
    seen("/x"),
    seen("ftp://a.test/x"),
  ]),
  strict("absolute-form of ws", "RFC 9110 7.4", to("ws://a.test/x"), [seen("/x"), seen("ws://a.test/x")]),
  strict("absolute-form with userinfo", "RFC 9110 4.2.4", to("http://u:p@a.test/x"), [
    seen("/x"),
    seen("http://u:p@a.test/x"),
  ]),
  rejected("absolute-form without a host", "RFC 9110 4.2.1", to("http:///x")),
  rejected("absolute-form with only a port", "RFC 9110 4.2.1", to("http://:80/x")),
  rejected("absolute-form with an invalid port", ABSOLUTE, to("http://a.test:8x/x")),
  rejected("absolute-form with a port out of range", ABSOLUTE, to("http://a.test:70000/x")),
  rejected("absolute-form with a broken IPv6 host", ABSOLUTE, to("http://[::1/x")),
  rejected("absolute-form with one slash", ABSOLUTE, to("http:/a.test/x")),
  rejected("absolute-form without slashes", ABSOLUTE, to("http:a.test/x")),
  rejected("absolute-form without a scheme", ABSOLUTE, to("://a.test/x")),
  rejected("absolute-form with a space in the host", ABSOLUTE, to("http://a .test/x")),
  strict("absolute-form with a backslash in the host", ABSOLUTE, to("http://a.test\\b.test/x"), []),
  strict("absolute-form with a fragment", ABSOLUTE, to("http://a.test/x#y"), [seen("/x"), seen("/x#y")]),
  rejected("absolute-form without Host in HTTP/1.1", TARGET, "GET http://a.test/x HTTP/1.1\r\n\r\n"),
  rejected("absolute-form and two Hosts", TARGET, to("http://a.test/x", "Host: b.test")),
  rejected("absolute-form and an invalid Host", TARGET, "GET http://a.test/x HTTP/1.1\r\nHost: a b\r\n\r\n"),
  lenient(
    "absolute-form in HTTP/1.0",
    ABSOLUTE,
    "GET http://b.test/x HTTP/1.0\r\nHost: a.test\r\n\r\n",
    whole("/x", "b.test"),
  ),
  lenient(
    "absolute-form of POST",
    ABSOLUTE,
    "POST http://b.test/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
    ["POST b.test /x hi"],
  ),
];

const others: readonly RequestCase[] = [
  {
    name: "asterisk-form",
    source: ASTERISK,
    bytes: line("OPTIONS * HTTP/1.1"),
    accept: [REFUSED, { seen: [], end: "local" }, answered("OPTIONS a.test *")],
    limpet: [answered("OPTIONS a.test *")],
  },
  lenient("OPTIONS of an absolute-form without a path", ASTERISK, line("OPTIONS http://a.test HTTP/1.1"), [
    "OPTIONS a.test *",
    "OPTIONS a.test /",
    "OPTIONS a.test http://a.test",
  ]),
  rejected("asterisk-form of GET", ASTERISK, to("*")),
  rejected("asterisk-form of POST", ASTERISK, line("POST * HTTP/1.1")),
  rejected("asterisk and more", ASTERISK, line("OPTIONS *x HTTP/1.1")),
  rejected("asterisk with a query", ASTERISK, line("OPTIONS *?x HTTP/1.1")),
  rejected("path without a slash", TARGET, to("x")),
  rejected("path that begins with a question mark", TARGET, to("?x")),
  rejected("path that begins with a hash", TARGET, to("#x")),
  rejected("path that begins with a backslash", TARGET, to("\\x")),
  rejected("path that begins with a dot", TARGET, to("./x")),
  rejected("path that begins with a triplet", TARGET, to("%2fx")),
  rejected("authority-form of GET", "RFC 9112 3.2.3", to("a.test:80")),
  rejected("mail address as a target", TARGET, to("mailto:a@b.test")),
  ...(
    [
      ["CONNECT", "a.test:443"],
      ["CONNECT with a path", "/x"],
      ["CONNECT with an absolute-form", "http://a.test/x"],
      ["CONNECT without a port", "a.test"],
      ["CONNECT to an IPv6 host", "[::1]:443"],
    ] as const
  ).map(
    ([name, target]): RequestCase => ({
      name,
      source: "RFC 9110 9.3.6",
      bytes: line(`CONNECT ${target} HTTP/1.1`),
      // An origin may offer tunnels, and a gateway may leave that to it.
      accept: target.endsWith(":443") ? [REFUSED, answered(`CONNECT ? ${target}`)] : [REFUSED],
      limpet: [{ seen: [], end: "refused", status: 405 }],
    }),
  ),
];

export const target: Theme<RequestCase> = {
  theme: "request target",
  cases: [...characters, ...dots, ...aboveRoot, ...absolute, ...others],
};
