// Reads W3C Trace Context, as far as the access log needs it: the gateway passes both of its fields on as they came.

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;

/** Undefined: there is no `traceparent`, or none that is valid (W3C Trace Context, section 3.2). */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  if (traceparent === undefined) return undefined;
  const [, traceId, later] = TRACEPARENT.exec(traceparent) ?? [];
  // Only versions that are still to come may say more.
  return later !== undefined && traceparent.startsWith("00") ? undefined : traceId;
}
