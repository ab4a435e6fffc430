// Names that a session's header may have: any but those that the gateway or HTTP itself uses.
import { checked, fieldName } from "../schema/fields.ts";

/** Of HTTP (RFC 9110, 9112, 6265), and those that the gateway writes by itself. */
const TAKEN: ReadonlySet<string> = new Set([
  "accept",
  "authorization",
  "cache-control",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "cookie",
  "date",
  "expect",
  "forwarded",
  "host",
  "keep-alive",
  "location",
  "max-forwards",
  "origin",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "range",
  "referer",
  "retry-after",
  "server",
  "set-cookie",
  "te",
  "traceparent",
  "tracestate",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "vary",
  "via",
  "www-authenticate",
  "x-request-id",
]);

export const sessionHeaderName = checked(fieldName, (name) => {
  const key = name.toLowerCase();
  if (!TAKEN.has(key) && !key.startsWith("x-forwarded-") && !key.startsWith("sec-websocket-")) {
    return undefined;
  }
  return {
    message: `the header ${name} has a meaning of its own and cannot carry a session`,
    expected: "a name that neither HTTP nor the gateway uses",
    hint: "write for example x-session",
  };
});
