// Tests of the access log's line: its fields, its escapes and its bounds.
import fc from "fast-check";
import { expect, test } from "vitest";
import { ACCESS_FIELDS } from "./access-fields.ts";
import { jsonLine } from "./access-line.ts";
import type { AccessRecord } from "./access-record.ts";
import { PlainRequestHead } from "./plain-head.ts";

const record: AccessRecord = {
  startedWallMs: Date.UTC(2026, 10, 21, 9, 5, 7, 8),
  durationMs: 1.23456,
  clientIp: "192.0.2.7",
  method: "GET",
  host: "shop.example",
  path: "/cart?x=1",
  protocol: "HTTP/1.1",
  status: 200,
  bytesIn: 0,
  bytesOut: 12,
  requestId: "r-1",
  listener: "Gateway/default/edge/http",
  route: "HTTPRoute/default/shop",
  rule: "all",
  backend: "Service/default/web:80",
  upstreamAddress: "10.0.0.1:80",
  affinity: { source: "session", outcome: "kept", reason: "the token names a usable endpoint" },
  error: undefined,
  tlsVersion: "TLSv1.3",
  serverName: "shop.example",
  attempts: 2,
  upstreamMs: 0.98765,
  requestHead: new PlainRequestHead("GET", "shop.example", "/cart?x=1", [
    "traceparent",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  ]),
};

test("a line has exactly the documented fields, in order", () => {
  expect(jsonLine(record)).toBe(
    `{"time":"2026-11-21T09:05:07.008Z","client":"192.0.2.7","method":"GET","host":"shop.example",` +
      `"path":"/cart?x=1","protocol":"HTTP/1.1","status":200,"duration_ms":1.235,"bytes_in":0,"bytes_out":12,` +
      `"request_id":"r-1","listener":"Gateway/default/edge/http","route":"HTTPRoute/default/shop","rule":"all",` +
      `"backend":"Service/default/web:80","upstream_addr":"10.0.0.1:80","affinity":{"source":"session",` +
      `"outcome":"kept","reason":"the token names a usable endpoint"},"error":null,"tls_version":"TLSv1.3",` +
      `"server_name":"shop.example","attempts":2,"upstream_time_ms":0.988,` +
      `"trace_id":"0af7651916cd43dd8448eb211c80319c"}\n`,
  );
});

test("format strings know every field of the line, and no other", () => {
  const line = JSON.parse(jsonLine(record)) as Record<string, unknown>;
  const names = Object.entries(line).flatMap(([name, value]) =>
    name === "affinity" ? Object.keys(value as object).map((member) => `${name}.${member}`) : [name],
  );
  expect(Object.keys(ACCESS_FIELDS)).toEqual(names);
});

test("what is unknown is null", () => {
  const line = JSON.parse(
    jsonLine({
      ...record,
      method: undefined,
      affinity: undefined,
      error: "no-route",
      route: undefined,
      tlsVersion: undefined,
      upstreamMs: undefined,
      requestHead: undefined,
    }),
  );
  expect(line).toMatchObject({ method: null, route: null, affinity: null, error: "no-route" });
  expect(line).toMatchObject({ tls_version: null, upstream_time_ms: null, trace_id: null });
});

test("a long path is cut and says by how much", () => {
  const { path } = JSON.parse(jsonLine({ ...record, path: `/${"a".repeat(9999)}` }));
  expect(path).toMatch(/^\/a{2047}\.\.\.\[7952 more\]$/);
});

test("whatever is logged, a line is JSON of at most 4,096 ASCII bytes", () => {
  const text = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    maxLength: 6000,
  });
  fc.assert(
    fc.property(text, text, text, (path, host, reason) => {
      const line = jsonLine({
        ...record,
        path,
        host,
        affinity: { source: "hash", outcome: undefined, reason },
        requestId: host,
        upstreamAddress: path,
        serverName: host,
      });
      expect(line).toMatch(/^[\x20-\x7e]+\n$/);
      expect(line.length).toBeLessThanOrEqual(4096);
      const parsed = JSON.parse(line);
      if (path.length < 32) expect(parsed.path).toBe(path);
    }),
    { examples: [["\u0000".repeat(6000), "\u00ff".repeat(6000), '"'.repeat(6000)]] },
  );
});

test("time passes from one second to the next and back", () => {
  const times = [0, 999, 1000, 5].map((ms) => JSON.parse(jsonLine({ ...record, startedWallMs: ms })).time);
  expect(times).toEqual([
    "1970-01-01T00:00:00.000Z",
    "1970-01-01T00:00:00.999Z",
    "1970-01-01T00:00:01.000Z",
    "1970-01-01T00:00:00.005Z",
  ]);
});
