// Tells metrics and the access log how an exchange ended.
import type { Exchange } from "./exchange.ts";
import { countStatus, type Traffic } from "./traffic.ts";

export interface ExchangeEnd {
  readonly status: number;
  /** Code of the error that ended it; undefined: it went well. */
  readonly error: string | undefined;
  readonly durationMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Once for every exchange, after its last byte. */
export function reportEnd(exchange: Exchange, end: ExchangeEnd): void {
  count(exchange, end, exchange.context.traffic);
  exchange.trace?.end(exchange, end);
  log(exchange, end);
}

function count({ match, decision, stream }: Exchange, end: ExchangeEnd, traffic: Traffic): void {
  const { status, error } = end;
  const listener = match?.listener?.id ?? "";
  const route = match?.route?.id ?? "";
  const requests = traffic.requests(listener, route, decision?.backend?.backend.id ?? "");
  countStatus(requests.byCodeClass, status);
  requests.bytesIn += end.bytesIn;
  requests.bytesOut += end.bytesOut;
  // How long a tunnel lasts says nothing about how fast anybody is.
  if (status !== 101) requests.durations.observe(end.durationMs / 1000);
  traffic.spoken(listener, status === 101 ? "upgraded" : stream.protocol);
  traffic.requestsInFlight -= 1;
  if (error !== undefined) traffic.error(error);
  if (decision?.outcome !== undefined) traffic.affinity(route).outcomes[decision.outcome] += 1;
  if (decision?.hashKeyMissing) traffic.affinity(route).hashKeyMissing += 1;
}

function log(exchange: Exchange, end: ExchangeEnd): void {
  const { context, stream, match, decision } = exchange;
  const { head } = stream;
  context.accessLog.write({
    startedWallMs: exchange.startedWallMs,
    durationMs: end.durationMs,
    clientIp: exchange.client.ip,
    method: head.method,
    host: head.authority,
    path: head.path,
    protocol: stream.protocol,
    status: end.status,
    bytesIn: end.bytesIn,
    bytesOut: end.bytesOut,
    requestId: exchange.requestId,
    listener: match?.listener?.id,
    route: match?.route?.id,
    rule: match?.rule?.name,
    backend: decision?.backend?.backend.id,
    upstreamAddress: decision?.endpoint?.endpoint.address,
    affinity: decision,
    error: end.error,
    tlsVersion: stream.connection.handshake?.version,
    serverName: stream.connection.handshake?.serverName,
    attempts: exchange.attempts,
    upstreamMs: exchange.upstreamMs,
    traceId: exchange.trace?.traceId,
    requestHead: head,
    responseHead: exchange.responseHead,
  });
}
