// One request of a client, from its head to its line in the access log: what the stages found out, and both bodies.
import type { BackendState, Client, Decision, EndpointState } from "../affinity/decision.ts";
import type { RulePlan } from "../affinity/plan.ts";
import { sessionFields } from "../affinity/session-fields.ts";
import type { Filter, RequestHead, ResponseHead } from "../model/index.ts";
import type { RouteMiss, RouteResult } from "../routing/match-result.ts";
import { Attempt } from "./attempt.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import { reportEnd } from "./exchange-report.ts";
import { applyResponseFilters } from "./header-filters.ts";
import { ProxyError } from "./proxy-error.ts";
import {
  answerForCode,
  answerForError,
  errorKind,
  type LocalAnswer,
  respondLocally,
  respondWithMethods,
} from "./respond.ts";
import type {
  BodyChunk,
  BodyLength,
  ServerStream,
  ServerStreamHandlers,
  Trailers,
  Tunnel,
} from "./stream.ts";
import type { TableWaiter } from "./table-builds.ts";
import { Splice } from "./tunnel.ts";

/** Methods that may be sent twice (RFC 9110 section 9.2.2). */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);
const NO_TRAILERS: Trailers = [];
const NO_FILTERS: readonly Filter[] = [];

/** Also what is sent upstream (`UpstreamRequest`). Ends exactly once, whatever happens. */
export class Exchange implements ServerStreamHandlers {
  readonly context: ExchangeContext;
  readonly stream: ServerStream;
  readonly startedWallMs: number;
  readonly #startedMs: number;

  client: Client;
  requestId: string;
  /** Path and query, dot segments resolved: what is matched and forwarded. */
  path = "";
  match: RouteResult | RouteMiss | undefined;
  plan: RulePlan | undefined;
  decision: Decision | undefined;
  /** Waits for a hash table in this exchange's name. */
  waiter: TableWaiter | undefined;

  #attempt: Attempt | undefined;
  #splice: Splice | undefined;
  /** 0 until a head was sent. */
  #status = 0;
  #error: string | undefined;
  #bodySent = false;
  #requestEnded = false;
  #retried = false;
  #ended = false;

  constructor(context: ExchangeContext, stream: ServerStream, client: Client, requestId: string) {
    this.context = context;
    this.stream = stream;
    this.client = client;
    this.requestId = requestId;
    this.startedWallMs = context.clock.wallMs();
    this.#startedMs = context.clock.monotonicMs();
    context.traffic.requestsInFlight += 1;
  }

  get head(): RequestHead {
    return this.stream.head;
  }

  get bodyLength(): BodyLength {
    return this.stream.bodyLength;
  }

  get upgrade(): string | undefined {
    return this.stream.upgrade;
  }

  /** Nothing more can be done for it. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Answers by itself, without an endpoint. */
  answer(answer: LocalAnswer): void {
    this.#error = answer.code;
    this.#status = answer.status;
    respondLocally(this.stream, answer, this.requestId);
    this.#end();
  }

  /** Says which methods pass: the answer to OPTIONS that were meant for the gateway and no endpoint. */
  answerOptions(): void {
    this.#status = respondWithMethods(this.stream);
    this.#end();
  }

  /** Ends it for an error: the client gets a response if it has seen none, else a truncated body. */
  fail(error: ProxyError): void {
    if (error.side === "internal") this.context.logger.error({ err: error.cause }, error.message);
    if (this.#status === 0) {
      this.answer(answerForError(error));
      return;
    }
    this.#error = error.code;
    this.stream.abort(error);
    this.#end();
  }

  /** The last stage: sends the request to the endpoint that was decided on, and the response back. */
  begin(): void {
    const endpoint = (this.decision as Decision).endpoint as EndpointState;
    // Even for a session that only this endpoint holds: to wait for it would take the place of others.
    if (endpoint.active >= this.context.options.maxRequestsPerEndpoint)
      this.answer(answerForCode("endpoint-busy"));
    else this.#try(endpoint, false);
  }

  #try(endpoint: EndpointState, fresh: boolean): void {
    const attempt = new Attempt(this, endpoint);
    this.#attempt = attempt;
    const { backend } = (this.decision as Decision).backend as BackendState;
    const certificate = this.match?.listener?.backendCertificate;
    const { connection } = this.stream;
    attempt.send(this.context.pool.acquire(backend, endpoint.endpoint, certificate, fresh, connection));
    if (this.bodyLength === 0) {
      this.#requestEnded = true;
      attempt.stream.end(NO_TRAILERS);
    } else {
      this.stream.resumeBody();
    }
  }

  // The client's side.

  onData(chunk: BodyChunk): void {
    if (this.#attempt === undefined || this.#requestEnded) return;
    this.#bodySent = true;
    if (!this.#attempt.stream.write(chunk)) this.stream.pauseBody();
  }

  onEnd(trailers: Trailers): void {
    if (this.#attempt === undefined || this.#requestEnded) return;
    this.#requestEnded = true;
    this.#bodySent = true;
    this.#attempt.stream.end(trailers);
  }

  onDrain(): void {
    this.#attempt?.stream.resumeBody();
  }

  onAbort(error: ProxyError): void {
    if (this.#ended) return;
    this.#abandonAttempt();
    if (this.waiter !== undefined) this.context.tables.leave(this.waiter);
    if (this.#status === 0) this.#status = errorKind(error).status;
    this.#error = error.code;
    this.#end();
  }

  // The endpoint's side, told by the attempt.

  onUpstreamDrain(): void {
    if (!this.#requestEnded) this.stream.resumeBody();
  }

  onUpstreamInform(head: ResponseHead): void {
    this.stream.inform(head);
  }

  onUpstreamHead(head: ResponseHead, length: BodyLength): void {
    if (!this.#editResponse(head)) return;
    this.#status = head.status;
    this.stream.respond(head, length);
  }

  onUpstreamData(chunk: BodyChunk): boolean {
    return this.stream.write(chunk);
  }

  onUpstreamEnd(trailers: Trailers): void {
    // An endpoint may answer without having read the whole body: it gets no more of it.
    if (!this.#requestEnded) this.#attempt?.stream.abort();
    this.stream.end(trailers);
    this.#end();
  }

  onUpstreamUpgrade(head: ResponseHead, tunnel: Tunnel): void {
    if (!this.#editResponse(head)) {
      tunnel.destroy();
      return;
    }
    this.#status = head.status;
    const splice = new Splice(
      this.stream.acceptUpgrade(head),
      tunnel,
      this,
      this.context.options.tunnelTimeoutMs,
    );
    this.#splice = splice;
    this.context.sweep.add(splice);
  }

  onSpliceClosed(splice: Splice): void {
    this.context.sweep.delete(splice);
    this.#attempt?.leave();
    if (splice.timedOut) this.#error = "tunnel-timeout";
    this.#end();
  }

  onUpstreamError(error: ProxyError, attempt: Attempt): void {
    if (this.#mayRetry(error, attempt)) {
      this.#retried = true;
      this.context.traffic.backend((this.decision as Decision).backend?.backend.id ?? "").retries += 1;
      this.#try(attempt.endpoint, true);
      return;
    }
    this.#attempt = undefined;
    this.fail(error);
  }

  /** Once, where a connection that had served before died without a byte, and nothing is lost by asking again. */
  #mayRetry(error: ProxyError, attempt: Attempt): boolean {
    return (
      error.retry === "reused-connection" &&
      attempt.stream.reused &&
      !this.#retried &&
      !this.#bodySent &&
      this.#status === 0 &&
      IDEMPOTENT.has(this.head.method)
    );
  }

  /** False: a defect has ended the exchange. */
  #editResponse(head: ResponseHead): boolean {
    try {
      this.#applyEdits(head);
      return true;
    } catch (cause) {
      this.#abandonAttempt();
      this.fail(new ProxyError("internal-error", "internal", "editing a response failed", { cause }));
      return false;
    }
  }

  #applyEdits(head: ResponseHead): void {
    const decision = this.decision as Decision;
    const filters = this.plan?.rule.filters ?? NO_FILTERS;
    if (filters.length > 0) applyResponseFilters(filters, head.edits);
    const own = decision.reference?.filters ?? NO_FILTERS;
    if (own.length > 0) applyResponseFilters(own, head.edits);
    if (decision.issue === undefined) return;
    const nowSec = Math.floor(this.context.clock.wallMs() / 1000);
    const fields = sessionFields(decision, this.stream.connection.tls, nowSec);
    if (fields === undefined) return;
    for (const { name, value } of fields.set) head.edits.set(name, value);
    for (const { name, value } of fields.add) head.edits.add(name, value);
  }

  #abandonAttempt(): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.abandon();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#requestEnded = true;
    this.#attempt = undefined;
    reportEnd(this, {
      status: this.#status,
      error: this.#error,
      durationMs: this.context.clock.monotonicMs() - this.#startedMs,
      bytesIn: this.#splice?.bytesIn ?? this.stream.bytesIn,
      bytesOut: this.#splice?.bytesOut ?? this.stream.bytesOut,
    });
  }
}
