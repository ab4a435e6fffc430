// Sizes: what everybody bears, and what somebody must refuse instead of holding it in memory or cutting it.
import { answered, get, line, REFUSED, type RequestCase, SEEN_GET, type Theme } from "../case.ts";

const LIMIT = "RFC 9110 5.4, 15.5.15, RFC 6585 5";

/** Others have other limits; Limpet's own are those of its defaults. */
function bounded(name: string, bytes: string, seen: string, status: number | undefined): RequestCase {
  return {
    name,
    source: LIMIT,
    bytes,
    accept: [REFUSED, answered(seen)],
    limpet: [status === undefined ? answered(seen) : { seen: [], end: "refused", status }],
  };
}

const many = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: 1`);

export const limits: Theme<RequestCase> = {
  theme: "limits",
  cases: [
    bounded(
      "target of 2,000 bytes",
      line(`GET /${"a".repeat(1999)} HTTP/1.1`),
      `GET a.test /${"a".repeat(1999)}`,
      undefined,
    ),
    bounded(
      "target of 8,000 bytes",
      line(`GET /${"a".repeat(7999)} HTTP/1.1`),
      `GET a.test /${"a".repeat(7999)}`,
      undefined,
    ),
    bounded(
      "target of 40,000 bytes",
      line(`GET /${"a".repeat(39_999)} HTTP/1.1`),
      `GET a.test /${"a".repeat(39_999)}`,
      414,
    ),
    bounded("field of 16,000 bytes", get(`X-A: ${"a".repeat(16_000)}`), SEEN_GET, undefined),
    bounded("field of 40,000 bytes", get(`X-A: ${"a".repeat(40_000)}`), SEEN_GET, 431),
    bounded("field of 100,000 bytes", get(`X-A: ${"a".repeat(100_000)}`), SEEN_GET, 431),
    bounded("90 fields", get(...many(90)), SEEN_GET, undefined),
    bounded("101 fields", get(...many(101)), SEEN_GET, 431),
    bounded("1,000 fields", get(...many(1000)), SEEN_GET, 431),
    bounded("field name of 1,000 bytes", get(`${"X".repeat(1000)}: 1`), SEEN_GET, undefined),
    bounded("field name of 40,000 bytes", get(`${"X".repeat(40_000)}: 1`), SEEN_GET, 431),
    bounded(
      "method of 40,000 bytes",
      line(`${"M".repeat(40_000)} /x HTTP/1.1`),
      `${"M".repeat(40_000)} a.test /x`,
      414,
    ),
    bounded(
      "host of 300 bytes",
      line("GET http://b.test/x HTTP/1.1").replace("b.test", "b".repeat(300)),
      `GET ${"b".repeat(300)} /x`,
      undefined,
    ),
    bounded("200 cookies in one field", get(`Cookie: ${"a=b; ".repeat(200)}c=d`), SEEN_GET, undefined),
  ],
};
