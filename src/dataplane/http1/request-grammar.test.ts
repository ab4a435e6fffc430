// Which requests are accepted and as what, which are refused and how; cut at every byte, the answer stays the same.
import { describe, expect, test } from "vitest";
import { settle } from "../../../test/support/memory-socket.ts";
import { ServerHarness } from "../../../test/support/server-harness.ts";

/** What became of the bytes, in a form that can be compared. */
async function outcome(pieces: readonly string[]): Promise<string> {
  const harness = new ServerHarness({ options: { maxHeadSize: 400, maxHeaders: 6, maxBodySize: 20 } });
  for (const piece of pieces) harness.socket.deliver(piece);
  await settle();
  const requests = harness.requests.map(({ stream, fields, body, trailers }) => {
    const head = `${stream.head.method} ${stream.head.authority} ${stream.head.path} {${fields.join("|")}}`;
    return trailers === undefined ? head : `${head} ${body} {${trailers.join("|")}}`;
  });
  const answer = JSON.stringify({ requests, rejected: harness.rejected, sent: harness.socket.sent });
  harness.server.destroy();
  return answer;
}

function status(answer: string): number {
  const { rejected, sent } = JSON.parse(answer) as { rejected: { status: number }[]; sent: string };
  return rejected[0]?.status ?? Number(/HTTP\/1\.1 (\d+)/.exec(sent)?.[1] ?? 0);
}

const HOST = "Host: shop.example\r\n";
const get = (fields: string, line = "GET / HTTP/1.1") => `${line}\r\n${HOST}${fields}\r\n`;
const post = (fields: string, body: string) => `POST /p HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;
const chunked = (body: string) => post("Transfer-Encoding: chunked\r\n", body);
const host = (value: string) => `GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`;

/** Name -> bytes, and what the pipeline sees of them: head, fields, body, trailers. */
const ACCEPTED: Record<string, [string, string]> = {
  plain: [get(""), "GET shop.example / {}"],
  "one empty line before": [`\r\n${get("")}`, "GET shop.example / {}"],
  "unknown method": [get("", "BREW /pot HTTP/1.1"), "BREW shop.example /pot {}"],
  "query with what browsers leave raw": [
    get("", "GET /a?q={x}|[y]%zz HTTP/1.1"),
    "GET shop.example /a?q={x}|[y]%zz {}",
  ],
  "path that is kept as it is": [get("", "GET //a/%2F%5C\\b HTTP/1.1"), "GET shop.example //a/%2F%5C\\b {}"],
  "absolute-form": [get("", "GET HTTP://Other.Example:81/x?y HTTP/1.1"), "GET other.example:81 /x?y {}"],
  "absolute-form without a path": [
    get("", "GET http://other.example?y HTTP/1.1"),
    "GET other.example /?y {}",
  ],
  "asterisk-form": [get("", "OPTIONS * HTTP/1.1"), "OPTIONS shop.example * {}"],
  "HTTP/1.0 without Host": ["GET / HTTP/1.0\r\n\r\n", "GET  / {}"],
  "empty value": [get("X-Empty:\r\n"), "GET shop.example / {X-Empty|}"],
  "whitespace around a value": [get("X-Wide: \t a b \t\r\n"), "GET shop.example / {X-Wide|a b}"],
  "obs-text in a value": [get("X-Latin: \xe4\xff\r\n"), "GET shop.example / {X-Latin|\xe4\xff}"],
  "CRs before CRLF": [get("X-Cr: a b\r\r\nX-Other: c \r \r\r\n"), "GET shop.example / {X-Cr|a b|X-Other|c}"],
  "IPv6 host": [host("[2001:DB8::1]:8080"), "GET [2001:db8::1]:8080 / {}"],
  "host with triplet": [host("a%2Db.example"), "GET a%2db.example / {}"],
  "host with an empty port": [host("shop.example:"), "GET shop.example / {}"],
  "body of a known length": [
    post("Content-Length: 5\r\n", "hello"),
    "POST shop.example /p {Content-Length|5} hello {}",
  ],
  "body on GET": [get("Content-Length: 3\r\n").concat("abc"), "GET shop.example / {Content-Length|3} abc {}"],
  "leading zeros in Content-Length": [
    post("Content-Length: 005\r\n", "hello"),
    "POST shop.example /p {Content-Length|005} hello {}",
  ],
  chunks: [chunked('5\r\nhello\r\n1;a=b;c="d\\"e";f\r\n!\r\n0\r\n\r\n'), "POST shop.example /p {} hello! {}"],
  "chunks in upper case": [chunked("A\r\n0123456789\r\n00\r\n\r\n"), "POST shop.example /p {} 0123456789 {}"],
  trailers: [
    chunked("1\r\nx\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n"),
    "POST shop.example /p {} x {X-Sum|1|X-Other|2}",
  ],
  pipelined: [
    get("") + chunked("2\r\nab\r\n0\r\n\r\n") + get("X-Third: 3\r\n"),
    "GET shop.example / {}; POST shop.example /p {} ab {}; GET shop.example / {X-Third|3}",
  ],
  "several empty list members in Connection": [
    get("Connection: , keep-alive ,,\r\n"),
    "GET shop.example / {}",
  ],
};

const REFUSED: Record<string, [number, string]> = {
  "no method": [400, " / HTTP/1.1\r\n\r\n"],
  "method that is no token": [400, get("", "G@T / HTTP/1.1")],
  "two spaces": [400, get("", "GET  / HTTP/1.1")],
  "tab instead of a space": [400, get("", "GET\t/ HTTP/1.1")],
  "space behind the version": [400, get("", "GET / HTTP/1.1 ")],
  "CR behind the version": [400, get("", "GET / HTTP/1.1\r")],
  "HTTP/0.9": [400, "GET /\r\n\r\n"],
  "lower-case protocol": [400, get("", "GET / http/1.1")],
  "HTTP/2.0": [505, get("", "GET / HTTP/2.0")],
  "HTTP/1.2": [505, get("", "GET / HTTP/1.2")],
  "HTTP/2 preface": [505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  "TLS instead of HTTP": [400, "\x16\x03\x01\x02\x00\x01"],
  CONNECT: [405, "CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n"],
  "asterisk for GET": [400, get("", "GET * HTTP/1.1")],
  "target without slash": [400, get("", "GET a HTTP/1.1")],
  fragment: [400, get("", "GET /a#b HTTP/1.1")],
  "non-ASCII in the target": [400, get("", "GET /\xe4 HTTP/1.1")],
  "broken triplet in the path": [400, get("", "GET /%4 HTTP/1.1")],
  "https on a plain connection": [400, get("", "GET https://shop.example/ HTTP/1.1")],
  "userinfo in the target": [400, get("", "GET http://a@shop.example/ HTTP/1.1")],
  "target without a host": [400, get("", "GET http:///x HTTP/1.1")],
  "no Host": [400, "GET / HTTP/1.1\r\n\r\n"],
  "two Hosts": [400, get(HOST)],
  "empty Host": [400, host("")],
  "Host with only a port": [400, host(":80")],
  "Host with a port out of range": [400, host("a:65536")],
  "Host with port 0": [400, host("a:0")],
  "Host with letters as port": [400, host("a:8x")],
  "Host with a path": [400, host("a/b")],
  "Host with a comma and a space": [400, host("a, b")],
  "Host with userinfo": [400, host("u@a")],
  "Host with a broken triplet": [400, host("a%2")],
  "Host with a broken IPv6 address": [400, host("[1::2::3]")],
  "Host with an IPv6 zone": [400, host("[fe80::1%25eth0]")],
  "Host with an unclosed bracket": [400, host("[::1")],
  "CR behind Host": [400, host("a\r")],
  "space before the colon": [400, get("X : a\r\n")],
  "line without a colon": [400, get("Xa\r\n")],
  "empty name": [400, get(": a\r\n")],
  "obs-fold": [400, get("X: a\r\n b\r\n")],
  "bare LF at the end of a line": [400, get("X: a\nY: b\r\n")],
  "bare LF and no more": [400, "GET / HTTP/1.1\n"],
  "bare CR in a value": [400, get("X: a\rb\r\n")],
  "CR as the empty line": [400, `GET / HTTP/1.1\r\n${HOST}\r\r\n`],
  "NUL in a value": [400, get("X: a\0b\r\n")],
  "DEL in a value": [400, get("X: a\x7fb\r\n")],
  "Content-Length and Transfer-Encoding": [
    400,
    post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
  ],
  "differing Content-Lengths": [400, post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!")],
  "equal Content-Lengths": [400, post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")],
  "list in Content-Length": [400, post("Content-Length: 5, 5\r\n", "hello")],
  "signed Content-Length": [400, post("Content-Length: +5\r\n", "hello")],
  "empty Content-Length": [400, post("Content-Length:\r\n", "hello")],
  "huge Content-Length": [400, post("Content-Length: 18446744073709551621\r\n", "hello")],
  "CR behind Content-Length": [400, post("Content-Length: 5\r\r\n", "hello")],
  "Transfer-Encoding that is not chunked": [400, post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")],
  "chunked twice": [400, post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")],
  "Transfer-Encoding with HTTP/1.0": [
    400,
    `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  "Connection that is no list": [400, get("Connection: a b\r\n")],
  "Connection names Host": [400, get("Connection: close, host\r\n")],
  "Connection names Cookie": [400, get("Connection: cookie\r\nCookie: a=b\r\n")],
  "another expectation": [417, post("Expect: miracles\r\nContent-Length: 1\r\n", "a")],
  "empty chunk size": [400, chunked("\r\nhello\r\n0\r\n\r\n")],
  "chunk size with 0x": [400, chunked("0x5\r\nhello\r\n0\r\n\r\n")],
  "space behind a chunk size": [400, chunked("5 \r\nhello\r\n0\r\n\r\n")],
  "bare LF behind a chunk size": [400, chunked("5\nhello\r\n0\r\n\r\n")],
  "chunk that is longer than its size": [400, chunked("5\r\nhello!\r\n0\r\n\r\n")],
  "chunk size beyond doubles": [400, chunked("10000000000000000\r\n")],
  "extension without a name": [400, chunked("1;=a\r\nx\r\n0\r\n\r\n")],
  "control character in a quoted extension": [400, chunked('1;a="\x01"\r\nx\r\n0\r\n\r\n')],
  "bare CR behind the last chunk": [400, chunked("0\r\n\rX")],
  "forbidden trailer": [400, chunked("0\r\nContent-Length: 3\r\n\r\n")],
  "client address as a trailer": [400, chunked("0\r\nX_Forwarded-For: 1.1.1.1\r\n\r\n")],
  "request id as a trailer": [400, chunked("0\r\nX-Request-Id: a\r\n\r\n")],
  "cookie as a trailer": [400, chunked("0\r\nCookie: a=b\r\n\r\n")],
  "CR behind a trailer": [400, chunked("0\r\nX-Sum: a\r\r\n\r\n")],
  "bare LF behind a trailer": [400, chunked("0\r\nX-Sum: a\n\r\n")],
  "long target": [414, get("", `GET /${"a".repeat(500)} HTTP/1.1`)],
  "long head": [431, get(`X: ${"a".repeat(500)}\r\n`)],
  "many fields": [431, get("X: a\r\n".repeat(6))],
  "announced body beyond the limit": [413, post("Content-Length: 21\r\n", "")],
  "chunked body beyond the limit": [413, chunked("10\r\n0123456789abcdef\r\n5\r\n")],
};

describe("requests", () => {
  test.each(Object.entries(ACCEPTED))("%s: accepted", async (_name, [bytes, seen]) => {
    const answer = await outcome([bytes]);
    expect(status(answer)).toBe(200);
    expect(JSON.parse(answer).requests.join("; ")).toBe(seen);
  });

  test.each(Object.entries(REFUSED))("%s: refused", async (_name, [code, bytes]) => {
    const answer = await outcome([bytes]);
    expect(status(answer)).toBe(code);
    expect(answer).toContain("connection: close");
  });

  const all = [
    ...Object.entries(ACCEPTED).map(([name, [bytes]]) => [name, bytes] as const),
    ...Object.entries(REFUSED).map(([name, [, bytes]]) => [name, bytes] as const),
  ];
  test.each(all)("%s: the same when cut anywhere", async (_name, bytes) => {
    const whole = await outcome([bytes]);
    const bytewise = await outcome([...bytes]);
    expect(bytewise).toBe(whole);
    for (let at = 1; at < bytes.length; at += bytes.length > 300 ? 37 : 1) {
      expect(await outcome([bytes.slice(0, at), bytes.slice(at)]), `cut at ${at}`).toBe(whole);
    }
  });
});
