// The trailer section of a chunked body: as strict as a head, and only fields that may come late.
import type { Trailers } from "../stream.ts";
import { FieldBlock, KIND_MASK, parseFieldLines, SPAN } from "./field-block.ts";
import { malformed } from "./message-error.ts";

/** RFC 9110 6.5.1: what framing, routing, authentication or the reading of the content depends on comes in the head. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  "authorization",
  "cache-control",
  "content-encoding",
  "content-range",
  "content-type",
  "cookie",
  "forwarded",
  "max-forwards",
  "proxy-authenticate",
  "proxy-authorization",
  "range",
  "set-cookie",
  "trailer",
  "www-authenticate",
]);

/** Who the client is says the head alone; `X_Forwarded_For` is the same field to applications behind CGI. */
const CLAIM = /^x[-_](?:forwarded[-_]|request[-_]id$)/;

/** @throws MessageError for malformed lines and for fields that must not come late, Date among them: it begins a head */
export function parseTrailers(text: string, from: number, end: number, maxFields: number): Trailers {
  const spans = parseFieldLines(text, from, end, maxFields, false);
  for (let at = 0; at < spans.length; at += SPAN) {
    if (((spans[at + 4] as number) & KIND_MASK) !== 0)
      throw malformed("a trailer must not hold framing fields");
  }
  const fields: string[] = [];
  new FieldBlock(text, spans).forEach((name, value) => {
    const key = name.toLowerCase();
    if (FORBIDDEN.has(key) || CLAIM.test(key)) throw malformed(`a trailer must not hold ${name}`);
    fields.push(name, value);
  });
  return fields;
}
