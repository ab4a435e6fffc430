// Bodies of responses: how long they are, what cuts them short, and responses that have none.
import { type ResponseCase, says, type Theme } from "../case.ts";

const LENGTH = "RFC 9112 6.3";
const INVALID = "RFC 9112 6.3 item 5";
const CHUNKED = "RFC 9112 7.1";
const CUT = "RFC 9112 8";
const NONE = "RFC 9112 6.3 item 1";

const ok = (...fields: string[]) =>
  `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;
const coded = (body: string, ...more: string[]) => ok("Transfer-Encoding: chunked", ...more) + body;
const CHUNKS = "5\r\nhello\r\n0\r\n\r\n";
const ERROR = ["502", "cut"] as const;
const EITHER = ["correct", "502", "cut"] as const;

const wrong = (name: string, value: string, source = INVALID) =>
  says(name, source, `${ok(`Content-Length: ${value}`)}hello`, ERROR, { hangUp: "close" });
const badChunks = (name: string, body: string) =>
  says(name, CHUNKED, coded(body), ERROR, { hangUp: "close" });
/** It may be borne; Limpet does not. */
const oddChunks = (name: string, body: string) =>
  says(name, CHUNKED, coded(body), EITHER, { hangUp: "close", limpet: ["502", "cut"] });

const framing: Theme<ResponseCase> = {
  theme: "response framing",
  cases: [
    says("length", LENGTH, `${ok("Content-Length: 5")}hello`, ["correct"]),
    says("length 0", LENGTH, ok("Content-Length: 0"), ["correct"], { body: "" }),
    says("leading zeros", LENGTH, `${ok("Content-Length: 005")}hello`, ["correct"]),
    says("until the end", LENGTH, `${ok()}hello`, ["correct"], { hangUp: "close" }),
    says("until the end, nothing", LENGTH, ok(), ["correct"], { hangUp: "close", body: "" }),
    says("until the end in HTTP/1.0", LENGTH, "HTTP/1.0 200 OK\r\n\r\nhello", ["correct"], {
      hangUp: "close",
    }),
    says("body of 64 KiB", LENGTH, ok("Content-Length: 65536") + "x".repeat(65_536), ["correct"], {
      body: "x".repeat(65_536),
    }),
    says("equal lengths", "RFC 9110 8.6", `${ok("Content-Length: 5", "Content-Length: 5")}hello`, EITHER, {
      limpet: ["502"],
    }),
    says("equal lengths in a list", "RFC 9110 8.6", `${ok("Content-Length: 5, 5")}hello`, EITHER, {
      limpet: ["502"],
    }),
    says("different lengths", INVALID, `${ok("Content-Length: 5", "Content-Length: 3")}hello`, ERROR),
    says(
      "different lengths, the smaller one first",
      INVALID,
      `${ok("Content-Length: 3", "Content-Length: 5")}hello`,
      ERROR,
    ),
    wrong("length with a plus", "+5"),
    wrong("negative length", "-5"),
    wrong("hexadecimal length", "0x5"),
    wrong("length of letters", "five"),
    wrong("length and a letter", "5x"),
    wrong("length with a point", "5.0"),
    wrong("list of different lengths", "5, 6"),
    wrong("length beyond 64 bits and back", "18446744073709551621"),
    wrong("length with a NUL", "5\0"),
    wrong("empty length", ""),
    says(
      "both length and chunks",
      "RFC 9112 6.3 item 3; CWE-444",
      coded(CHUNKS, "Content-Length: 5"),
      EITHER,
      { limpet: ["502"] },
    ),
    says(
      "both length 0 and chunks",
      "RFC 9112 6.3 item 3; CWE-444",
      coded(CHUNKS, "Content-Length: 0"),
      EITHER,
      { limpet: ["502"] },
    ),
    says(
      "chunked in HTTP/1.0",
      "RFC 9112 6.1",
      `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
      EITHER,
      {
        hangUp: "close",
        limpet: ["502"],
      },
    ),
    says(
      "chunked twice",
      "RFC 9112 6.1",
      ok("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + CHUNKS,
      ERROR,
    ),
    says("xchunked", "RFC 9112 6.3 item 4", ok("Transfer-Encoding: xchunked") + CHUNKS, EITHER, {
      hangUp: "close",
      body: CHUNKS,
      limpet: ["502"],
    }),
    says("identity", "RFC 9112 6.3 item 4", `${ok("Transfer-Encoding: identity")}hello`, EITHER, {
      hangUp: "close",
      limpet: ["502"],
    }),
    says("chunked with a vertical tab", "CWE-444", ok("Transfer-Encoding: \x0bchunked") + CHUNKS, ERROR, {
      hangUp: "close",
    }),
    says(
      "space before the colon of Transfer-Encoding",
      "RFC 9112 5.1; CWE-444",
      ok("Transfer-Encoding : chunked") + CHUNKS,
      EITHER,
      {
        hangUp: "close",
        limpet: ["502"],
      },
    ),
  ],
};

const chunks: Theme<ResponseCase> = {
  theme: "response chunks",
  cases: [
    says("chunks", CHUNKED, coded(CHUNKS), ["correct"]),
    says("several chunks", CHUNKED, coded("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), ["correct"]),
    says("extensions", "RFC 9112 7.1.1", coded('5;a=b;c="d"\r\nhello\r\n0;e\r\n\r\n'), ["correct"]),
    says("trailers", "RFC 9112 7.1.2", coded("5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"), ["correct"]),
    says("no data", CHUNKED, coded("0\r\n\r\n"), ["correct"], { body: "" }),
    badChunks("size with a plus", "+5\r\nhello\r\n0\r\n\r\n"),
    badChunks("size with a minus", "-5\r\nhello\r\n0\r\n\r\n"),
    badChunks("size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"),
    badChunks("no size", "\r\nhello\r\n0\r\n\r\n"),
    badChunks("size of letters", "five\r\nhello\r\n0\r\n\r\n"),
    badChunks("size beyond 64 bits and back", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    badChunks("data longer than its size", "3\r\nhello\r\n0\r\n\r\n"),
    badChunks("data shorter than its size", "9\r\nhello\r\n0\r\n\r\n"),
    badChunks("nothing behind the data", "5\r\nhello0\r\n\r\n"),
    badChunks("bare CR behind the size", "5\rhello\r\n0\r\n\r\n"),
    oddChunks("bare LF behind the size", "5\nhello\r\n0\r\n\r\n"),
    oddChunks("bare LF behind the data", "5\r\nhello\n0\r\n\r\n"),
    oddChunks("space behind the size", "5 \r\nhello\r\n0\r\n\r\n"),
    oddChunks("bare LF in an extension", "5;a\nhello\r\n0\r\n\r\n"),
    oddChunks("trailer without a colon", "5\r\nhello\r\n0\r\nX-Sum\r\n\r\n"),
    says(
      "trailer Content-Length",
      "RFC 9110 6.5.1",
      coded("5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n"),
      EITHER,
      {
        hangUp: "close",
        limpet: ["502", "cut"],
        lacks: ["content-length: 3"],
      },
    ),
    says(
      "trailer Set-Cookie",
      "RFC 9110 6.5.1",
      coded("5\r\nhello\r\n0\r\nSet-Cookie: a=b\r\n\r\n"),
      EITHER,
      {
        hangUp: "close",
        limpet: ["502", "cut"],
      },
    ),
  ],
};

const truncated: Theme<ResponseCase> = {
  theme: "truncated responses",
  cases: [
    says("length, no byte", CUT, ok("Content-Length: 5"), ERROR, { hangUp: "close" }),
    says("length, one byte missing", CUT, `${ok("Content-Length: 5")}hell`, ERROR, { hangUp: "close" }),
    says("length, one byte missing, reset", CUT, `${ok("Content-Length: 5")}hell`, ERROR, {
      hangUp: "reset",
    }),
    says("length, most of 64 KiB", CUT, ok("Content-Length: 65536") + "x".repeat(65_000), ERROR, {
      hangUp: "close",
      body: "x".repeat(65_536),
    }),
    says("length in HTTP/1.0", CUT, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhel", ERROR, {
      hangUp: "close",
    }),
    says("length, and the origin falls silent", CUT, `${ok("Content-Length: 5")}hel`, ERROR),
    says("chunks without the last one", CUT, coded("5\r\nhello\r\n"), ERROR, {
      hangUp: "close",
      body: "hello and more",
    }),
    says("chunks without the last one, reset", CUT, coded("5\r\nhello\r\n"), ERROR, {
      hangUp: "reset",
      body: "hello and more",
    }),
    says("half a chunk", CUT, coded("5\r\nhel"), ERROR, { hangUp: "close" }),
    says("half a chunk line", CUT, coded("5"), ERROR, { hangUp: "close" }),
    says("no chunk", CUT, coded(""), ERROR, { hangUp: "close" }),
    says("last chunk without its end", CUT, coded("5\r\nhello\r\n0\r\n"), ERROR, {
      hangUp: "close",
      limpet: ["cut", "502"],
      body: "hello and more",
    }),
    says("trailers without an end", CUT, coded("5\r\nhello\r\n0\r\nX-Sum: 1\r\n"), ERROR, {
      hangUp: "close",
      body: "hello and more",
    }),
    says("chunks, and the origin falls silent", CUT, coded("5\r\nhello\r\n"), ERROR, {
      body: "hello and more",
    }),
    says("until the end, reset", CUT, `${ok()}hel`, ERROR, { hangUp: "reset" }),
  ],
};

const bodyless: Theme<ResponseCase> = {
  theme: "responses without a body",
  cases: [
    says("HEAD with a length", NONE, ok("Content-Length: 5"), ["correct"], { method: "HEAD", body: "" }),
    says("HEAD with chunks declared", NONE, ok("Transfer-Encoding: chunked"), ["correct"], {
      method: "HEAD",
      body: "",
    }),
    says("HEAD without a length", NONE, ok(), ["correct"], { method: "HEAD", body: "" }),
    says("HEAD with a body", `${NONE}; poisoning`, `${ok("Content-Length: 5")}hello`, EITHER, {
      method: "HEAD",
      body: "",
      limpet: ["correct"],
    }),
    says(
      "HEAD with a response as its body",
      `${NONE}; poisoning`,
      `${ok("Content-Length: 44")}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`,
      EITHER,
      {
        method: "HEAD",
        body: "",
        limpet: ["correct"],
      },
    ),
    says("HEAD with different lengths", INVALID, ok("Content-Length: 5", "Content-Length: 6"), EITHER, {
      method: "HEAD",
      body: "",
      limpet: ["502"],
    }),
    ...[204, 304].flatMap((status) => [
      says(`${status}`, NONE, `HTTP/1.1 ${status} X\r\n\r\n`, ["correct"], { status, body: "" }),
      says(`${status} with a length`, NONE, `HTTP/1.1 ${status} X\r\nContent-Length: 5\r\n\r\n`, EITHER, {
        status,
        body: "",
        limpet: ["correct"],
      }),
      says(
        `${status} with chunks declared`,
        NONE,
        `HTTP/1.1 ${status} X\r\nTransfer-Encoding: chunked\r\n\r\n`,
        EITHER,
        {
          status,
          body: "",
          limpet: ["correct"],
        },
      ),
      says(
        `${status} with a response as its body`,
        `${NONE}; poisoning`,
        `HTTP/1.1 ${status} X\r\nContent-Length: 44\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`,
        EITHER,
        { status, body: "", limpet: ["correct"] },
      ),
    ]),
    says("205 with length 0", "RFC 9110 15.3.6", "HTTP/1.1 205 X\r\nContent-Length: 0\r\n\r\n", ["correct"], {
      status: 205,
      body: "",
    }),
  ],
};

export const bodies: readonly Theme<ResponseCase>[] = [framing, chunks, truncated, bodyless];
