// Format strings of the access log: what they write, what they escape, and what is said of those that are wrong.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ACCESS_FIELDS } from "./access-fields.ts";
import { parseLogFormat } from "./access-format.ts";
import { jsonLine } from "./access-line.ts";
import type { AccessRecord } from "./access-record.ts";
import { PlainRequestHead, PlainResponseHead } from "./plain-head.ts";

function responseHead(): PlainResponseHead {
  const head = new PlainResponseHead(200, "OK", ["server", "endpoint", "x-kept", "1", "x-gone", "1"]);
  head.edits.set("Server", "gateway");
  head.edits.remove("x-gone");
  return head;
}

const record: AccessRecord = {
  startedWallMs: Date.UTC(2026, 10, 21, 9, 5, 7, 8),
  durationMs: 1.5,
  clientIp: "192.0.2.7",
  method: "GET",
  host: "shop.example",
  path: "/cart",
  protocol: "HTTP/1.1",
  status: 200,
  bytesIn: 0,
  bytesOut: 12,
  requestId: "r-1",
  listener: undefined,
  route: undefined,
  rule: undefined,
  backend: undefined,
  upstreamAddress: undefined,
  affinity: { source: "session", outcome: "kept", reason: "the token names a usable endpoint" },
  error: undefined,
  requestHead: new PlainRequestHead("GET", "shop.example", "/cart", [
    "user-agent",
    'a "quoted"\tagent\x7f\xe9',
  ]),
  responseHead: responseHead(),
};

const written = (format: string, about: Partial<AccessRecord> = {}) =>
  parseLogFormat(format).line({ ...record, ...about });

test("fields and text come out in order", () => {
  expect(
    written(
      '%{time} %{client} "%{method} %{path} %{protocol}" %{status} %{bytes_out} %{duration_ms} %{affinity.outcome} 100%%',
    ),
  ).toBe('2026-11-21T09:05:07.008Z 192.0.2.7 "GET /cart HTTP/1.1" 200 12 1.5 kept 100%\n');
});

test("json is the line of JSON", () => {
  expect(written("json")).toBe(jsonLine(record));
});

test("what does not apply is a dash", () => {
  expect(written("%{route}\t%{error}\t%{request_header.referer}\t%{upstream_time_ms}")).toBe("-\t-\t-\t-\n");
});

test("what could pass for another line or another field is escaped", () => {
  expect(written('"%{request_header.User-Agent}"')).toBe('"a \\"quoted\\"\\tagent\\u007f\\u00e9"\n');
  expect(written("%{path}", { path: "/\r\n192.0.2.8 /x\\" })).toBe("/\\r\\n192.0.2.8 /x\\\\\n");
});

test("fields of the response are those that the client got", () => {
  const format = "%{response_header.server} %{response_header.x-kept} %{response_header.x-gone}";
  expect(written(format)).toBe("gateway 1 -\n");
  expect(written(format, { responseHead: undefined })).toBe("- - -\n");
});

test("a line has at most 4,096 bytes, whatever is asked for", () => {
  const format = "%{path} %{request_header.user-agent} ".repeat(50);
  const value = fc.string({ unit: "binary", maxLength: 3000 });
  fc.assert(
    fc.property(value, (path) => {
      const line = written(format, { path });
      expect(line.length).toBeLessThanOrEqual(4096);
      expect(line).toMatch(/^[\x20-\x7e]+\n$/);
    }),
    { numRuns: 5, examples: [["\u0000".repeat(6000)]] },
  );
});

test("a line about dropped ones is a comment", () => {
  expect(parseLogFormat("%{path}").droppedLine("2026-11-21T09:05:07.008Z", 3)).toBe(
    "# 2026-11-21T09:05:07.008Z dropped_lines=3\n",
  );
});

describe("a format that is wrong is refused with its place", () => {
  test.each([
    ["%{path} %{pth}", /^character 11: expected one of time, client, .*, not "pth"$/],
    ["%{path} %s", /^character 10: expected \{field\} or % after %$/],
    ["%{path} %", /^character 10: expected \{field\} or % after %$/],
    ["%{path} %{status", /^character 17: expected \} for the %\{ of character 9$/],
    ["plain", /^character 1: expected json, or a text with at least one %\{field\}$/],
    ["", /^character 1: expected json/],
    ["%{path}\n%{status}", /^character 8: expected printable ASCII characters or tabs$/],
    ["%{path} é", /^character 9: expected printable ASCII/],
    ["%{request_header.}", /^character 3: expected one of/],
    ["%{request_header.a b}", /^character 3: expected one of/],
    ["%{toString}", /^character 3: expected one of/],
    [`%{path}${"x".repeat(3000)}`, /^character 2049: expected the end/],
  ])("%s", (format, message) => {
    expect(() => parseLogFormat(format)).toThrow(message);
  });
});

test("every field can be named", () => {
  const format = Object.keys(ACCESS_FIELDS)
    .map((name) => `%{${name}}`)
    .join(" ");
  expect(written(format).split(" ").length).toBeGreaterThanOrEqual(Object.keys(ACCESS_FIELDS).length);
});
