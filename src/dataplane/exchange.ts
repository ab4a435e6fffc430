// One request of a client, from its head to its line in the access log: what the stages found out, and both bodies.
import type { BackendState, Client, Decision, EndpointState } from "../affinity/decision.ts";
import type { RulePlan } from "../affinity/plan.ts";
import type { Backend, Filter, RequestHead, ResponseHead } from "../model/index.ts";
import type { RouteMiss, RouteResult } from "../routing/match-result.ts";
import type { Alarm, AlarmOwner } from "./alarms.ts";
import { Attempt } from "./attempt.ts";
import type { CorsPolicy } from "./cors.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import { reportEnd } from "./exchange-report.ts";
import { answerByFilters } from "./filter-answers.ts";
import { type FilterPlan, filterPlan, NO_FILTERS } from "./filter-plan.ts";
import { startMirrors } from "./mirror.ts";
import { PlainResponseHead } from "./plain-head.ts";
import { ProxyError } from "./proxy-error.ts";
import { RequestBody } from "./request-body.ts";
import { editRequest, resetRequest } from "./request-edits.ts";
import {
  answerForCode,
  answerForError,
  errorKind,
  type LocalAnswer,
  reasonPhrase,
  respondLocally,
} from "./respond.ts";
import { editResponse, filterResponse } from "./response-edits.ts";
import { type Retrial, Retries, type RetryReason, retryReason } from "./retries.ts";
import type { RetryAllowance } from "./retry-allowance.ts";
import type { PortPlan } from "./serving-plan.ts";
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

const NO_TRAILERS: Trailers = [];
const NO_LIST: readonly Filter[] = [];

/** Also what is sent upstream (`UpstreamRequest`). Ends exactly once, whatever happens. */
export class Exchange implements ServerStreamHandlers, AlarmOwner {
  readonly context: ExchangeContext;
  readonly stream: ServerStream;
  readonly startedWallMs: number;
  readonly #startedMs: number;

  client: Client;
  requestId: string;
  /** Path and query, dot segments resolved: what is matched. */
  target = "";
  /** What is sent: the same, unless a filter rewrites it. */
  path = "";
  match: RouteResult | RouteMiss | undefined;
  plan: RulePlan | undefined;
  /** What it is served by from beginning to end, whatever comes meanwhile. */
  port: PortPlan | undefined;
  decision: Decision | undefined;
  /** Of the rule, and of the backendRef that was decided on. */
  filters: FilterPlan = NO_FILTERS;
  ownFilters: FilterPlan = NO_FILTERS;
  /** Waits for a hash table in this exchange's name. */
  waiter: TableWaiter | undefined;

  #attempt: Attempt | undefined;
  /** Undefined: the request has none. */
  #body: RequestBody | undefined;
  #splice: Splice | undefined;
  /** Rings when the rule's time for the exchange is over. */
  #deadline: Alarm | undefined;
  #retries: Retries | undefined;
  /** The next attempt, until `#backoff` rings. */
  #retrial: Retrial | undefined;
  #backoff: Alarm | undefined;
  /** 0 until a head was sent. */
  #status = 0;
  #error: string | undefined;
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

  /** What decides who may read the response: the backendRef's word before the rule's. */
  get cors(): CorsPolicy | undefined {
    return this.ownFilters.cors ?? this.filters.cors;
  }

  /** Nothing more can be done for it. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Answers by itself, without an endpoint, because something is wrong. */
  answer(answer: LocalAnswer): void {
    this.#error = answer.code;
    this.#status = answer.status;
    respondLocally(this.stream, answer, this.requestId, this.cors);
    this.#end();
  }

  /** Answers by itself as it should: head and no body. */
  answerWith(status: number, fields: readonly string[]): void {
    const head = new PlainResponseHead(status, reasonPhrase(status), fields);
    if (status >= 300) filterResponse(this, head);
    this.#status = status;
    this.stream.respond(head, 0);
    this.stream.end(NO_TRAILERS);
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

  /** From its beginning; waiting for tables, retries and both bodies count. */
  limitTo(timeoutMs: number): void {
    this.#deadline = this.context.alarms.set(timeoutMs, this);
  }

  /** The last stage: sends the request to the endpoint that was decided on, and the response back. */
  begin(): void {
    this.ownFilters = filterPlan(this.#decided.reference?.filters ?? NO_LIST);
    if (answerByFilters(this, this.ownFilters)) return;
    // Even for a session that only this endpoint holds: to wait for it would take the place of others.
    if (this.#endpoint.active >= this.context.options.maxRequestsPerEndpoint) {
      this.answer(answerForCode("endpoint-busy"));
      return;
    }
    editRequest(this);
    const { retryBudget } = this.#backend;
    if (retryBudget !== undefined) this.context.retries.onRequest(this.#backend, retryBudget);
    if (this.bodyLength !== 0) {
      this.#body = new RequestBody();
      if (this.plan?.rule.retry !== undefined) this.#keepBody(this.#body);
    }
    if (this.filters.mirrors.length + this.ownFilters.mirrors.length > 0) {
      const copies = startMirrors(this);
      this.#body?.copyTo(copies);
    }
    this.#send(false, undefined);
  }

  /**
   * @param fresh on a new connection
   * @param allowance what counts the attempt, if it is a retry that its backend counts
   */
  #send(fresh: boolean, allowance: RetryAllowance | undefined): void {
    const attempt = new Attempt(this, this.#endpoint, allowance);
    this.#attempt = attempt;
    const certificate = this.match?.listener?.backendCertificate;
    const { connection } = this.stream;
    const { endpoint } = this.#endpoint;
    const rule = this.plan?.rule;
    attempt.send(
      this.context.pool.acquire(this.#backend, endpoint, certificate, fresh, connection),
      rule?.retry?.attemptTimeoutMs ?? rule?.timeouts?.backendRequestMs,
    );
    const body = this.#body;
    if (body === undefined) {
      attempt.stream.end(NO_TRAILERS);
      return;
    }
    // Until it turns out that a new connection can be opened, another endpoint may have to get the body.
    if (!attempt.stream.reused) this.#keepBody(body);
    // Last, since the body may come from within.
    if (body.replay(attempt.stream) && !body.ended) this.stream.resumeBody();
  }

  #keepBody(body: RequestBody): void {
    const { options, keptBytes } = this.context;
    if (this.bodyLength <= options.retryBufferSize) body.keep(options.retryBufferSize, keptBytes);
  }

  /** Tries again, now or later; false: it has to be left at this. */
  #tryAgain(reason: RetryReason | undefined, attempt: Attempt, length: BodyLength): boolean {
    if (reason === undefined || this.#status !== 0 || this.#body?.isReplayable === false) return false;
    this.#retries ??= new Retries(this);
    const retrial = this.#retries.next(reason, attempt);
    if (retrial === undefined) return false;
    this.#attempt = undefined;
    if (this.#requestEnded) attempt.discard(length);
    else attempt.abandon();
    if (retrial === "over-budget") {
      this.answer(answerForCode("retry-budget-spent"));
      return true;
    }
    this.context.traffic.backend(this.#backend.id).retries[reason] += 1;
    this.decision = retrial.decision;
    this.#retrial = retrial;
    if (retrial.waitMs > 0) {
      this.stream.pauseBody();
      this.#backoff = this.context.alarms.set(retrial.waitMs, this);
    } else {
      this.#sendAgain(retrial);
    }
    return true;
  }

  #sendAgain({ fresh, allowance }: Retrial): void {
    this.#retrial = undefined;
    this.ownFilters = filterPlan(this.#decided.reference?.filters ?? NO_LIST);
    resetRequest(this);
    if (answerByFilters(this, this.ownFilters)) {
      allowance?.release();
      return;
    }
    editRequest(this);
    this.#send(fresh, allowance);
  }

  onAlarm(alarm: Alarm): void {
    if (alarm === this.#backoff) {
      this.#backoff = undefined;
      try {
        this.#sendAgain(this.#retrial as Retrial);
      } catch (cause) {
        this.#failByDefect("trying again failed", cause);
      }
      return;
    }
    this.#deadline = undefined;
    if (this.#attempt !== undefined) this.#observeFailure(this.#attempt, "exchange-timeout");
    this.#letGo();
    this.fail(
      new ProxyError("exchange-timeout", "upstream", "the exchange took longer than its rule allows"),
    );
  }

  // The client's side.

  onData(chunk: BodyChunk): void {
    if (this.#attempt === undefined || this.#body === undefined || this.#body.ended) return;
    if (!this.#body.pass(chunk, this.#attempt.stream)) this.stream.pauseBody();
  }

  onEnd(trailers: Trailers): void {
    // Between two attempts there is a body all the same.
    if (this.#body === undefined || this.#body.ended) return;
    this.#body.end(trailers, this.#attempt?.stream);
  }

  onDrain(): void {
    this.#attempt?.stream.resumeBody();
  }

  onAbort(error: ProxyError): void {
    if (this.#ended) return;
    this.#letGo();
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

  onUpstreamHead(head: ResponseHead, length: BodyLength, attempt: Attempt): void {
    this.#observeAnswer(attempt, head.status);
    if (this.#isUnwanted(head.status) && this.#triesAgain("status", attempt, length)) return;
    if (!this.#editResponse(head)) return;
    this.#status = head.status;
    this.#body?.forget();
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

  onUpstreamUpgrade(head: ResponseHead, tunnel: Tunnel, attempt: Attempt): void {
    this.#observeAnswer(attempt, head.status);
    if (!this.#editResponse(head)) {
      tunnel.destroy();
      return;
    }
    this.#deadline?.cancel();
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

  /** The attempt is over by itself. */
  onUpstreamError(error: ProxyError, attempt: Attempt): void {
    this.#observeFailure(attempt, error.code);
    this.#attempt = undefined;
    if (this.#triesAgain(retryReason(error, attempt, this.head.method), attempt, 0) || this.#ended) return;
    this.fail(error);
  }

  /** The rule would rather have another answer. */
  #isUnwanted(status: number): boolean {
    return this.plan?.rule.retry?.statusCodes.includes(status) ?? false;
  }

  /** As `#tryAgain`; a defect ends the exchange. */
  #triesAgain(reason: RetryReason | undefined, attempt: Attempt, length: BodyLength): boolean {
    try {
      return this.#tryAgain(reason, attempt, length);
    } catch (cause) {
      this.#failByDefect("trying again failed", cause);
      return true;
    }
  }

  /** False: a defect has ended the exchange. */
  #editResponse(head: ResponseHead): boolean {
    try {
      editResponse(this, head);
      return true;
    } catch (cause) {
      this.#failByDefect("editing a response failed", cause);
      return false;
    }
  }

  #failByDefect(message: string, cause: unknown): void {
    this.#letGo();
    if (!this.#ended) this.fail(new ProxyError("internal-error", "internal", message, { cause }));
  }

  #observeAnswer({ endpoint }: Attempt, status: number): void {
    this.context.observer.answered(this.#decided.backend as BackendState, endpoint, status);
  }

  /** Only what comes in place of a head: an endpoint that has answered is not taken for dead. */
  #observeFailure({ endpoint }: Attempt, code: string): void {
    if (this.#status !== 0) return;
    this.context.observer.failed(this.#decided.backend as BackendState, endpoint, code);
  }

  get #decided(): Decision {
    return this.decision as Decision;
  }

  get #backend(): Backend {
    return (this.#decided.backend as BackendState).backend;
  }

  get #endpoint(): EndpointState {
    return this.#decided.endpoint as EndpointState;
  }

  get #requestEnded(): boolean {
    return this.#body?.ended ?? true;
  }

  /** Nothing more is to come from anybody. */
  #letGo(): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.abandon();
    if (this.waiter !== undefined) this.context.tables.leave(this.waiter);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#attempt = undefined;
    this.#body?.close();
    this.#deadline?.cancel();
    this.#backoff?.cancel();
    this.#retrial?.allowance?.release();
    this.#retrial = undefined;
    reportEnd(this, {
      status: this.#status,
      error: this.#error,
      durationMs: this.context.clock.monotonicMs() - this.#startedMs,
      bytesIn: this.#splice?.bytesIn ?? this.stream.bytesIn,
      bytesOut: this.#splice?.bytesOut ?? this.stream.bytesOut,
    });
  }
}
