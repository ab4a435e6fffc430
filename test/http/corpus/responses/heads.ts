// Status lines and fields of responses.
import { byteName, CONTROLS, type ResponseCase, says, type Theme } from "../case.ts";

const LINE = "RFC 9112 4";
const VERSION = "RFC 9112 2.3";
const FIELD = "RFC 9112 5";

const END = "Content-Length: 5\r\n\r\nhello";
const begins = (first: string) => `${first}\r\n${END}`;
const withFields = (...fields: string[]) =>
  `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join("")}${END}`;

/** It may be repaired or refused; Limpet refuses. */
const refusedByLimpet = (name: string, source: string, bytes: string, lacks: readonly string[] = []) =>
  says(name, source, bytes, ["correct", "502", "cut"], { limpet: ["502"], lacks });

export const statusLine: Theme<ResponseCase> = {
  theme: "status line",
  cases: [
    says("plain", LINE, begins("HTTP/1.1 200 OK"), ["correct"]),
    says("another reason", LINE, begins("HTTP/1.1 200 All is well (really)"), ["correct"]),
    says("empty reason", LINE, begins("HTTP/1.1 200 "), ["correct"]),
    says("reason of bytes above 0x7f", LINE, begins("HTTP/1.1 200 \xc3\xa4"), ["correct", "502"], {
      limpet: ["correct"],
    }),
    says("reason with a tab", LINE, begins("HTTP/1.1 200 a\tb"), ["correct", "502"], { limpet: ["correct"] }),
    says("no reason and no space", LINE, begins("HTTP/1.1 200"), ["correct", "502"], { limpet: ["correct"] }),
    says("status that nobody knows", "RFC 9110 15", begins("HTTP/1.1 299 Fine"), ["correct"], {
      status: 299,
    }),
    says("status 599", "RFC 9110 15", begins("HTTP/1.1 599 Odd"), ["correct", "502"], {
      status: 599,
      limpet: ["correct"],
    }),
    says("HTTP/1.0", VERSION, begins("HTTP/1.0 200 OK"), ["correct"]),
    says(
      "HTTP/1.0 that keeps the connection",
      VERSION,
      `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n${END}`,
      ["correct"],
    ),
    ...["http/1.1 200 OK", "HTTP/1 200 OK", "HTTP/1.1.1 200 OK", "HTTP/11 200 OK", "HTTPS/1.1 200 OK"].map(
      (first) => says(`${first}`, VERSION, begins(first), ["502", "cut"]),
    ),
    ...["HTTP/2.0 200 OK", "HTTP/2 200 OK", "HTTP/0.9 200 OK", "HTTP/3.0 200 OK"].map((first) =>
      refusedByLimpet(first, VERSION, begins(first)),
    ),
    refusedByLimpet("HTTP/1.2", VERSION, begins("HTTP/1.2 200 OK")),
    ...["20", "2000", "2x0", "-200", "+200", "0x200", "2.0", ""].map((status) =>
      says(`status ${status || "missing"}`, LINE, begins(`HTTP/1.1 ${status} OK`), ["502", "cut"]),
    ),
    says("status 600", "RFC 9110 15", begins("HTTP/1.1 600 OK"), ["correct", "502", "cut"], {
      status: 600,
      limpet: ["502"],
    }),
    says("status 999", "RFC 9110 15", begins("HTTP/1.1 999 OK"), ["correct", "502", "cut"], {
      status: 999,
      limpet: ["502"],
    }),
    refusedByLimpet("two spaces before the status", LINE, begins("HTTP/1.1  200 OK")),
    refusedByLimpet("tab before the status", LINE, begins("HTTP/1.1\t200 OK")),
    refusedByLimpet("NUL in the reason", LINE, begins("HTTP/1.1 200 O\0K")),
    refusedByLimpet("control character in the reason", LINE, begins("HTTP/1.1 200 O\x01K")),
    refusedByLimpet("bare CR in the reason", LINE, begins("HTTP/1.1 200 O\rK")),
    refusedByLimpet("empty line before", "RFC 9112 2.2", begins("\r\nHTTP/1.1 200 OK")),
    refusedByLimpet("space before", LINE, begins(" HTTP/1.1 200 OK")),
    says("HTTP/0.9", "RFC 9112 2.3", "hello, this is no HTTP\r\n", ["502", "cut"], { hangUp: "close" }),
    says("the greeting of SMTP", LINE, "220 mail.test ESMTP\r\n", ["502", "cut"], { hangUp: "close" }),
    says("an alert of TLS", LINE, "\x15\x03\x01\x00\x02\x02\x46", ["502", "cut"], { hangUp: "close" }),
    says("a request instead", LINE, "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n", ["502", "cut"], {
      hangUp: "close",
    }),
    says("nothing", "RFC 9112 9.5", "", ["502", "cut"], { hangUp: "close" }),
    says("a reset", "RFC 9112 9.5", "", ["502", "cut"], { hangUp: "reset" }),
    says("half a status line", "RFC 9112 8", "HTTP/1.1 20", ["502", "cut"], { hangUp: "close" }),
    says("half a head", "RFC 9112 8", "HTTP/1.1 200 OK\r\nContent-Le", ["502", "cut"], { hangUp: "close" }),
    says("a head without its end", "RFC 9112 8", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", ["502", "cut"], {
      hangUp: "close",
    }),
  ],
};

export const heads: Theme<ResponseCase> = {
  theme: "response fields",
  cases: [
    says("fields", FIELD, withFields("X-A: 1", "X-B:", "X-C: \xe4"), ["correct"]),
    says(
      "field named by Connection",
      "RFC 9110 7.6.1",
      withFields("Connection: X-Own", "X-Own: 1"),
      ["correct"],
      {
        lacks: ["x-own"],
      },
    ),
    says(
      "Keep-Alive",
      "RFC 9110 7.6.1",
      withFields("Connection: Keep-Alive", "Keep-Alive: timeout=77"),
      ["correct"],
      {
        lacks: ["keep-alive: timeout=77"],
      },
    ),
    says(
      "Proxy-Connection",
      "RFC 9112 C.2.2",
      withFields("Connection: Proxy-Connection", "Proxy-Connection: close"),
      ["correct"],
      {
        lacks: ["proxy-connection"],
      },
    ),
    says("Upgrade without a switch", "RFC 9110 7.8", withFields("Connection: Upgrade", "Upgrade: h2c"), [
      "correct",
    ]),
    says(
      "Connection names Content-Length",
      "RFC 9110 7.6.1; CWE-444",
      withFields("Connection: Content-Length"),
      ["correct", "502", "cut"],
      {
        limpet: ["502"],
      },
    ),
    says(
      "Connection names Set-Cookie",
      "RFC 9110 7.6.1",
      withFields("Connection: Set-Cookie", "Set-Cookie: a=b"),
      ["correct", "502", "cut"],
      {
        limpet: ["502"],
      },
    ),
    ...[..."(@ \t"].map((character) =>
      refusedByLimpet(
        `name with ${byteName(character.charCodeAt(0))}`,
        "RFC 9110 5.1",
        withFields(`X${character}A: 1`),
      ),
    ),
    refusedByLimpet("space before the colon", "RFC 9112 5.1", withFields("X-A : 1"), ["x-a "]),
    refusedByLimpet("no colon", FIELD, withFields("X-A")),
    refusedByLimpet("no name", FIELD, withFields(": 1")),
    ...CONTROLS.filter((code) => code !== 0).map((code) =>
      refusedByLimpet(
        `value with ${byteName(code)}`,
        "RFC 9110 5.5",
        withFields(`X-A: a${String.fromCharCode(code)}b`),
      ),
    ),
    refusedByLimpet("value with NUL", "RFC 9110 5.5", withFields("X-A: a\0b"), ["x-a: a\0b"]),
    refusedByLimpet("value with a bare CR", "RFC 9110 5.5; CWE-113", withFields("X-A: a\rX-B: 1"), ["x-b"]),
    refusedByLimpet("folded value", "RFC 9112 5.2", withFields("X-A: a", " b")),
    refusedByLimpet("folded first line", "RFC 9112 2.2", `HTTP/1.1 200 OK\r\n X-A: 1\r\n${END}`),
    refusedByLimpet("bare LF everywhere", "RFC 9112 2.2", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
    refusedByLimpet("bare LF behind a field", "RFC 9112 2.2", withFields("X-A: 1\nX-B: 2")),
    refusedByLimpet(
      "space before Content-Length's colon",
      "RFC 9112 5.1; CWE-444",
      "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
    ),
    says(
      "field of 40,000 bytes",
      "RFC 9110 5.4",
      withFields(`X-A: ${"a".repeat(40_000)}`),
      ["correct", "502", "cut"],
      {
        limpet: ["502"],
      },
    ),
    says(
      "1,000 fields",
      "RFC 9110 5.4",
      withFields(...Array.from({ length: 1000 }, (_, index) => `X-${index}: 1`)),
      ["correct", "502", "cut"],
      {
        limpet: ["502"],
      },
    ),
  ],
};
