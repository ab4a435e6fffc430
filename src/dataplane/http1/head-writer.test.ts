// What heads look like on the other side: what is copied, cut, replaced and added, from HTTP/1.1 to HTTP/1.1.
import { describe, expect, test } from "vitest";
import { PlainRequestHead } from "../plain-head.ts";
import { writeRequestHead, writeResponseHead } from "./head-writer.ts";
import { parseRequestHead } from "./request-head.ts";
import { parseResponseHead, UNTIL_CLOSE } from "./response-head.ts";

const DATE = "Thu, 01 Jan 1970 00:00:00 GMT";
const CLOCK = { wallMs: Date.parse(DATE) };

function request(text: string) {
  const head = parseRequestHead(text, 0, text.length, 100, "http");
  return { head, path: head.path, bodyLength: head.bodyLength, upgrade: head.upgrade };
}

function response(text: string, toHead = false) {
  return parseResponseHead(text, 0, text.length, 100, toHead);
}

describe("requests", () => {
  test("an unchanged head is the same bytes, case and whitespace included", () => {
    const text = "GET /a?b HTTP/1.1\r\nHost: shop.example\r\nX-Odd:  a\t\r\nACCEPT: */*\r\n";
    expect(writeRequestHead(request(text), "e")).toBe(`${text}\r\n`);
  });

  test("hop-by-hop fields and fields that Connection names are cut, wherever they stand", () => {
    const text =
      "GET / HTTP/1.1\r\nConnection: X-First, close\r\nX-First: 1\r\nHost: a\r\nKeep-Alive: 5\r\nX-Keep: 1\r\n" +
      "TE: trailers\r\nUpgrade: h2c\r\nProxy-Connection: close\r\nx-first: 2\r\n";
    expect(writeRequestHead(request(text), "e")).toBe("GET / HTTP/1.1\r\nHost: a\r\nX-Keep: 1\r\n\r\n");
  });

  test("a head of the gateway's own, such as that of a health check, is one request whatever it is made of", () => {
    const made = (method: string) => {
      const head = new PlainRequestHead(method, "a\r\nx: y", "/p HTTP/1.1\r\nz:", ["x-a", "1\r\nx-b: 2"]);
      return writeRequestHead({ head, path: head.path, bodyLength: 0, upgrade: undefined }, "e");
    };
    const rest = "/p%20HTTP/1.1%0D%0Az: HTTP/1.1\r\nhost: a  x: y\r\nx-a: 1  x-b: 2\r\n\r\n";
    expect(made("DELETE / HTTP/1.1\r\n")).toBe(`DELETEHTTP ${rest}`);
    expect([made(""), made("\n"), made("M-SEARCH")]).toEqual([
      `GET ${rest}`,
      `GET ${rest}`,
      `M-SEARCH ${rest}`,
    ]);
  });

  test("a line that ended with CRs is written anew", () => {
    const text = "GET / HTTP/1.1\r\nHost: a\r\nX-A: b \r\r\nX-C: d\r\n";
    expect(writeRequestHead(request(text), "e")).toBe(
      "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\nX-C: d\r\n\r\n",
    );
  });

  test("edits replace every field of their name and add in lower case", () => {
    const { head, ...rest } = request("GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B: 2\r\nx-a: 3\r\n");
    head.edits.set("X-A", "new");
    head.edits.remove("x-b");
    head.edits.add("X-C", "4");
    expect(writeRequestHead({ head, ...rest }, "e")).toBe(
      "GET / HTTP/1.1\r\nHost: a\r\nx-a: new\r\nx-c: 4\r\n\r\n",
    );
  });

  test.each([
    ["an absolute-form target", "GET http://Real:81/x HTTP/1.1\r\nHost: other\r\n", "real:81"],
    ["an empty port", "GET /x HTTP/1.1\r\nHost: real:\r\n", "real"],
    ["no Host at all", "GET /x HTTP/1.0\r\n", "192.0.2.1:80"],
  ])("%s: Host says what the authority says, once", (_name, text, host) => {
    expect(writeRequestHead(request(text), "192.0.2.1:80")).toBe(`GET /x HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  });

  test("an edit of Host wins, and removing it is not possible", () => {
    const edited = request("GET / HTTP/1.1\r\nHost: a\r\n");
    edited.head.edits.set("host", "b");
    expect(writeRequestHead(edited, "e")).toBe("GET / HTTP/1.1\r\nhost: b\r\n\r\n");
    const removed = request("GET / HTTP/1.1\r\nHost: a\r\n");
    removed.head.edits.remove("host");
    expect(writeRequestHead(removed, "e")).toBe("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  });

  test.each([
    ["exact", "Content-Length: 5\r\n", "Content-Length: 5\r\n"],
    ["with leading zeros", "Content-Length: 005\r\n", "content-length: 5\r\n"],
    ["chunked", "Transfer-Encoding: Chunked\r\n", "transfer-encoding: chunked\r\n"],
    ["zero", "Content-Length: 0\r\n", "Content-Length: 0\r\n"],
  ])("framing, %s", (_name, received, sent) => {
    const text = `POST / HTTP/1.1\r\nHost: a\r\n${received}`;
    expect(writeRequestHead(request(text), "e")).toBe(`POST / HTTP/1.1\r\nHost: a\r\n${sent}\r\n`);
  });

  test("an edit of Content-Length changes nothing about the framing", () => {
    const { head, ...rest } = request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n");
    head.edits.set("content-length", "500");
    expect(writeRequestHead({ head, ...rest }, "e")).toBe(
      "POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 5\r\n\r\n",
    );
  });
});

describe("responses", () => {
  const TEXT = "HTTP/1.1 200 Fine\r\nDate: today\r\nContent-Length: 5\r\nX-A: 1\r\n";

  test("an unchanged head is the same bytes", () => {
    expect(writeResponseHead(response(TEXT), 5, false, "", CLOCK)).toBe(`${TEXT}\r\n`);
  });

  test("a missing Date is added, an edited one is left", () => {
    const head = response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    expect(writeResponseHead(head, 0, false, "", CLOCK)).toContain(`\r\ndate: ${DATE}\r\n`);
    head.edits.set("date", "mine");
    expect(writeResponseHead(head, 0, false, "", CLOCK).match(/date/g)).toHaveLength(1);
  });

  test("the version is ours, whatever the endpoint speaks", () => {
    const text = "HTTP/1.0 200 OK\r\nDate: d\r\n";
    expect(writeResponseHead(response(text), UNTIL_CLOSE, false, "close", CLOCK)).toBe(
      "HTTP/1.1 200 OK\r\nDate: d\r\nconnection: close\r\n\r\n",
    );
    expect(writeResponseHead(response(text), -1, false, "", CLOCK)).toBe(
      "HTTP/1.1 200 OK\r\nDate: d\r\ntransfer-encoding: chunked\r\n\r\n",
    );
  });

  test("what a HEAD or 304 response declares is passed on", () => {
    expect(writeResponseHead(response(TEXT, true), 0, true, "", CLOCK)).toBe(`${TEXT}\r\n`);
    const notModified = "HTTP/1.1 304 Not Modified\r\nDate: d\r\nContent-Length: 7\r\n";
    expect(writeResponseHead(response(notModified), 0, true, "", CLOCK)).toBe(`${notModified}\r\n`);
  });

  test("204 and interim responses declare no length", () => {
    const noContent = "HTTP/1.1 204 No Content\r\nDate: d\r\nContent-Length: 0\r\n";
    expect(writeResponseHead(response(noContent), 0, true, "", CLOCK)).toBe(
      "HTTP/1.1 204 No Content\r\nDate: d\r\n\r\n",
    );
    const hints = "HTTP/1.1 103 Early Hints\r\nLink: a\r\n";
    expect(writeResponseHead(response(hints), 0, true, "", CLOCK)).toBe(`${hints}\r\n`);
  });

  test("a body of no bytes says so", () => {
    const head = response("HTTP/1.1 200 OK\r\nDate: d\r\nTransfer-Encoding: chunked\r\n");
    expect(writeResponseHead(head, 0, false, "", CLOCK)).toBe(
      "HTTP/1.1 200 OK\r\nDate: d\r\ncontent-length: 0\r\n\r\n",
    );
  });
});
