// The fields of the access log, by the names that they have in JSON and in format strings.
import type { AccessRecord } from "./access-record.ts";
import { EditList } from "./header-edits.ts";
import { traceIdOf } from "./trace-context.ts";

/** Undefined: it does not apply. */
export type FieldReader = (record: AccessRecord) => string | number | undefined;

/** In the order of the JSON line, where `affinity.*` make one object. New ones come last. */
export const ACCESS_FIELDS = {
  time: ({ startedWallMs }) => isoTime(startedWallMs),
  client: ({ clientIp }) => clientIp,
  method: ({ method }) => method,
  host: ({ host }) => host,
  path: ({ path }) => path,
  protocol: ({ protocol }) => protocol,
  status: ({ status }) => status,
  duration_ms: ({ durationMs }) => rounded(durationMs),
  bytes_in: ({ bytesIn }) => bytesIn,
  bytes_out: ({ bytesOut }) => bytesOut,
  request_id: ({ requestId }) => requestId,
  listener: ({ listener }) => listener,
  route: ({ route }) => route,
  rule: ({ rule }) => rule,
  backend: ({ backend }) => backend,
  upstream_addr: ({ upstreamAddress }) => upstreamAddress,
  "affinity.source": ({ affinity }) => affinity?.source,
  "affinity.outcome": ({ affinity }) => affinity?.outcome,
  "affinity.reason": ({ affinity }) => affinity?.reason,
  error: ({ error }) => error,
  tls_version: ({ tlsVersion }) => tlsVersion,
  server_name: ({ serverName }) => serverName,
  attempts: ({ attempts }) => attempts,
  upstream_time_ms: ({ upstreamMs }) => (upstreamMs === undefined ? undefined : rounded(upstreamMs)),
  trace_id: ({ traceId, requestHead }) => traceId ?? traceIdOf(requestHead?.get("traceparent")),
} as const satisfies Record<string, FieldReader>;

/** As the client sent it, the first one if there are several. @param name lower case */
export function requestField(name: string): FieldReader {
  return ({ requestHead }) => requestHead?.get(name);
}

/** As the client got it, the first one if there are several. @param name lower case */
export function responseField(name: string): FieldReader {
  return ({ responseHead }) => {
    if (responseHead === undefined) return undefined;
    const { edits } = responseHead;
    if (!(edits instanceof EditList)) return responseHead.get(name);
    const received = edits.drops(name) ? undefined : responseHead.get(name);
    return received ?? edits.lineOf(name);
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

let cachedSecond = -1;
let cachedPrefix = "";

/** RFC 3339 with milliseconds; the part up to the second is kept, since neighbouring lines share it. */
export function isoTime(wallMs: number): string {
  const second = Math.floor(wallMs / 1000);
  if (second !== cachedSecond) {
    cachedSecond = second;
    cachedPrefix = new Date(second * 1000).toISOString().slice(0, 20);
  }
  const milliseconds = Math.floor(wallMs) - second * 1000;
  return `${cachedPrefix}${milliseconds < 10 ? "00" : milliseconds < 100 ? "0" : ""}${milliseconds}Z`;
}
