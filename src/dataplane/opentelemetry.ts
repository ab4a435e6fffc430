// Spans by way of OpenTelemetry's API, for whatever SDK the operator has put behind it; names by its HTTP conventions.
import type * as OpenTelemetry from "@opentelemetry/api";
import type { RequestHead } from "../model/index.ts";
import type { Attempt } from "./attempt.ts";
import type { Exchange } from "./exchange.ts";
import type { ExchangeEnd } from "./exchange-report.ts";
import type { AttemptTrace, RequestTrace, Tracing } from "./tracing.ts";

/** The package, which is loaded only where it is asked for. */
export type OpenTelemetryApi = typeof OpenTelemetry;

/** A client may invent others: names of spans must stay few. */
const METHODS = new Set(["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]);
const OTHER = "_OTHER";

/** A field that comes several times is handed over as it is: the propagator knows what that means. */
const RECEIVED: OpenTelemetry.TextMapGetter<RequestHead> = {
  get: (head, name) => {
    const values = head.getAll(name.toLowerCase());
    return values.length > 1 ? [...values] : values[0];
  },
  keys: (head) => {
    const names: string[] = [];
    head.forEach((name) => {
      names.push(name.toLowerCase());
    });
    return names;
  },
};

const TO_SEND: OpenTelemetry.TextMapSetter<RequestHead> = {
  set: (head, name, value) => head.edits.set(name, value),
};

export class OpenTelemetryTracing implements Tracing {
  readonly #api: OpenTelemetryApi;
  readonly #tracer: OpenTelemetry.Tracer;

  /** @param version Limpet's own */
  constructor(api: OpenTelemetryApi, version: string) {
    this.#api = api;
    this.#tracer = api.trace.getTracer("limpet", version);
  }

  begin(exchange: Exchange): RequestTrace {
    return new RequestSpan(this.#api, this.#tracer, exchange);
  }
}

/** A server span, with the trace that the client began. */
class RequestSpan implements RequestTrace {
  readonly #api: OpenTelemetryApi;
  readonly #tracer: OpenTelemetry.Tracer;
  readonly #span: OpenTelemetry.Span;
  readonly #context: OpenTelemetry.Context;

  constructor(api: OpenTelemetryApi, tracer: OpenTelemetry.Tracer, { head, stream, client }: Exchange) {
    this.#api = api;
    this.#tracer = tracer;
    const { connection, protocol } = stream;
    const parent = api.propagation.extract(api.ROOT_CONTEXT, head, RECEIVED);
    const attributes: OpenTelemetry.Attributes = {
      ...methodAttributes(head.method),
      "url.scheme": connection.tls ? "https" : "http",
      // Queries carry what must not be kept.
      "url.path": pathOf(head.path),
      "server.address": hostOf(head.authority),
      "server.port": portOf(head.authority, connection.tls),
      "client.address": client.ip,
      "network.protocol.version": protocol.slice("HTTP/".length),
    };
    const userAgent = head.get("user-agent");
    if (userAgent !== undefined) attributes["user_agent.original"] = userAgent;
    const kind = api.SpanKind.SERVER;
    this.#span = tracer.startSpan(nameOf(head.method), { kind, attributes }, parent);
    this.#context = api.trace.setSpan(parent, this.#span);
  }

  get traceId(): string | undefined {
    const context = this.#span.spanContext();
    return this.#api.isSpanContextValid(context) ? context.traceId : undefined;
  }

  attempt(exchange: Exchange, attempt: Attempt): AttemptTrace {
    return new AttemptSpan(this.#api, this.#tracer, this.#context, exchange, attempt);
  }

  end({ head, match, decision }: Exchange, { status, error }: ExchangeEnd): void {
    const span = this.#span;
    const route = match?.route?.id;
    if (route !== undefined) span.updateName(`${nameOf(head.method)} ${route}`);
    set(span, "limpet.listener", match?.listener?.id);
    set(span, "limpet.route", route);
    set(span, "limpet.rule", match?.rule?.name);
    set(span, "limpet.backend", decision?.backend?.backend.id);
    set(span, "limpet.endpoint", decision?.endpoint?.endpoint.address);
    set(span, "limpet.session.outcome", decision?.outcome);
    span.setAttribute("http.response.status_code", status);
    // A client that errs is no fault of the server.
    if (error !== undefined) span.setAttribute("error.type", error);
    else if (status >= 500) span.setAttribute("error.type", String(status));
    if (status >= 500) span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
    span.end();
  }
}

/** A client span below that of its request. */
class AttemptSpan implements AttemptTrace {
  readonly #api: OpenTelemetryApi;
  readonly #span: OpenTelemetry.Span;

  constructor(
    api: OpenTelemetryApi,
    tracer: OpenTelemetry.Tracer,
    parent: OpenTelemetry.Context,
    { head, path, decision, attempts }: Exchange,
    { endpoint }: Attempt,
  ) {
    this.#api = api;
    const { address } = endpoint.endpoint;
    const backend = decision?.backend?.backend;
    const scheme = backend?.tls === undefined ? "http" : "https";
    const attributes: OpenTelemetry.Attributes = {
      ...methodAttributes(head.method),
      "url.full": `${scheme}://${address}${pathOf(path)}`,
      "server.address": hostOf(address),
      "server.port": Number(address.slice(address.lastIndexOf(":") + 1)),
      "limpet.endpoint": address,
    };
    if (backend !== undefined) attributes["limpet.backend"] = backend.id;
    if (attempts > 1) attributes["http.request.resend_count"] = attempts - 1;
    const kind = api.SpanKind.CLIENT;
    this.#span = tracer.startSpan(nameOf(head.method), { kind, attributes }, parent);
    api.propagation.inject(api.trace.setSpan(parent, this.#span), head, TO_SEND);
  }

  answered(status: number): void {
    this.#span.setAttribute("http.response.status_code", status);
    if (status >= 400) this.failed(String(status));
  }

  failed(code: string): void {
    this.#span.setAttribute("error.type", code);
    this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
  }

  end(): void {
    this.#span.end();
  }
}

function methodAttributes(method: string): OpenTelemetry.Attributes {
  if (METHODS.has(method)) return { "http.request.method": method };
  return { "http.request.method": OTHER, "http.request.method_original": method };
}

function nameOf(method: string): string {
  return METHODS.has(method) ? method : "HTTP";
}

function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query === -1 ? target : target.slice(0, query);
}

/** Without port and brackets. */
function hostOf(authority: string): string {
  return authority.replace(/:\d*$/, "").replace(/^\[(.*)\]$/, "$1");
}

/** The one that the client connected to, which is not the one that is bound where a Service leads here. */
function portOf(authority: string, tls: boolean): number {
  const port = /:(\d{1,5})$/.exec(authority)?.[1];
  return port === undefined ? (tls ? 443 : 80) : Number(port);
}

function set(span: OpenTelemetry.Span, name: string, value: string | undefined): void {
  if (value !== undefined) span.setAttribute(name, value);
}
