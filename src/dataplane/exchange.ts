// One request of a client, from its head to its line in the access log: what the stages found out, and both bodies.
import type { BackendState, Client, Decision } from "../affinity/decision.ts";
import type { RulePlan } from "../affinity/plan.ts";
import type { RequestHead, ResponseHead } from "../model/index.ts";
import type { RouteMiss, RouteResult } from "../routing/match-result.ts";
import type { Alarm, AlarmOwner } from "./alarms.ts";
import type { Attempt } from "./attempt.ts";
import type { CorsPolicy } from "./cors.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import { reportEnd } from "./exchange-report.ts";
import { type FilterPlan, NO_FILTERS } from "./filter-plan.ts";
import { PlainResponseHead } from "./plain-head.ts";
import { ProxyError } from "./proxy-error.ts";
import { RequestSender } from "./request-sender.ts";
import { answerForError, errorKind, type LocalAnswer, reasonPhrase, respondLocally } from "./respond.ts";
import { editInformation, editResponse, filterResponse } from "./response-edits.ts";
import { type RetryReason, retryReason } from "./retries.ts";
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
import type { RequestTrace } from "./tracing.ts";
import { Splice } from "./tunnel.ts";

const NO_TRAILERS: Trailers = [];

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
  /** What the client was sent; undefined where it was an error of the gateway's own. */
  responseHead: ResponseHead | undefined;
  /** How often it was sent to an endpoint. */
  attempts = 0;
  /** Of the attempt that was answered last: from its start to the head of the answer. */
  upstreamMs: number | undefined;

  /** Undefined: nobody follows it. */
  readonly trace: RequestTrace | undefined;

  /** Undefined until an endpoint was decided on. */
  #sender: RequestSender | undefined;
  #splice: Splice | undefined;
  /** Rings when the rule's time for the exchange is over. */
  #deadline: Alarm | undefined;
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
    this.trace = context.tracing?.begin(this);
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
    this.responseHead = head;
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

  failByDefect(message: string, cause: unknown): void {
    this.#letGo();
    if (!this.#ended) this.fail(new ProxyError("internal-error", "internal", message, { cause }));
  }

  /** From its beginning; waiting for tables, retries and both bodies count. */
  limitTo(timeoutMs: number): void {
    this.#deadline = this.context.alarms.set(timeoutMs, this);
  }

  /** The last stage: sends the request to the endpoint that was decided on, and the response back. */
  begin(): void {
    this.#sender = new RequestSender(this);
    this.#sender.begin();
  }

  /** The time is over. */
  onAlarm(): void {
    const attempt = this.#sender?.attempt;
    if (attempt !== undefined) this.#observeFailure(attempt, "exchange-timeout");
    this.#letGo();
    this.fail(
      new ProxyError("exchange-timeout", "upstream", "the exchange took longer than its rule allows"),
    );
  }

  // The client's side.

  onData(chunk: BodyChunk): void {
    if (this.#sender?.pass(chunk) === false) this.stream.pauseBody();
  }

  onEnd(trailers: Trailers): void {
    this.#sender?.end(trailers);
  }

  onDrain(): void {
    this.#sender?.attempt?.stream.resumeBody();
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
    if (this.#sender?.isComplete === false) this.stream.resumeBody();
  }

  onUpstreamInform(head: ResponseHead): void {
    if (this.#edit(head, editInformation)) this.stream.inform(head);
  }

  onUpstreamHead(head: ResponseHead, length: BodyLength, attempt: Attempt): void {
    this.#observeAnswer(attempt, head.status);
    if (this.#isUnwanted(head.status) && this.#triesAgain("status", attempt, length)) return;
    if (!this.#edit(head, editResponse)) return;
    this.responseHead = head;
    this.#status = head.status;
    this.#sender?.settle();
    this.stream.respond(head, length);
  }

  onUpstreamData(chunk: BodyChunk): boolean {
    return this.stream.write(chunk);
  }

  onUpstreamEnd(trailers: Trailers): void {
    // An endpoint may answer without having read the whole body: it gets no more of it.
    if (this.#sender?.isComplete === false) this.#sender.attempt?.stream.abort();
    this.stream.end(trailers);
    this.#end();
  }

  onUpstreamUpgrade(head: ResponseHead, tunnel: Tunnel, attempt: Attempt): void {
    this.#observeAnswer(attempt, head.status);
    if (!this.#edit(head, editResponse)) {
      tunnel.destroy();
      return;
    }
    this.responseHead = head;
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
    this.context.traffic.tunnels += 1;
  }

  onSpliceClosed(splice: Splice): void {
    this.context.sweep.delete(splice);
    this.context.traffic.tunnels -= 1;
    this.#sender?.attempt?.leave();
    this.#error = splice.error;
    this.#end();
  }

  /** The attempt is over by itself. */
  onUpstreamError(error: ProxyError, attempt: Attempt): void {
    this.#observeFailure(attempt, error.code);
    const reason = retryReason(error, attempt, this.head.method);
    if (reason === undefined || !this.#triesAgain(reason, attempt, 0)) this.fail(error);
  }

  /** The rule would rather have another answer. */
  #isUnwanted(status: number): boolean {
    return this.plan?.rule.retry?.statusCodes.includes(status) ?? false;
  }

  /** Before the client has seen anything. False: it has to be left at this. */
  #triesAgain(reason: RetryReason, attempt: Attempt, length: BodyLength): boolean {
    if (this.#status !== 0) return false;
    try {
      return this.#sender?.again(reason, attempt, length) ?? false;
    } catch (cause) {
      this.failByDefect("trying again failed", cause);
      return true;
    }
  }

  /** False: a defect has ended the exchange. */
  #edit(head: ResponseHead, edit: (exchange: Exchange, head: ResponseHead) => void): boolean {
    try {
      edit(this, head);
      return true;
    } catch (cause) {
      this.failByDefect("editing a response failed", cause);
      return false;
    }
  }

  #observeAnswer({ endpoint }: Attempt, status: number): void {
    this.context.observer.answered(this.decision?.backend as BackendState, endpoint, status);
  }

  /** Only what comes in place of a head: an endpoint that has answered is not taken for dead. */
  #observeFailure({ endpoint }: Attempt, code: string): void {
    if (this.#status !== 0) return;
    this.context.observer.failed(this.decision?.backend as BackendState, endpoint, code);
  }

  /** Nothing more is to come from anybody. */
  #letGo(): void {
    this.#sender?.abandon();
    if (this.waiter !== undefined) this.context.tables.leave(this.waiter);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#sender?.close();
    this.#deadline?.cancel();
    reportEnd(this, {
      status: this.#status,
      error: this.#error,
      durationMs: this.context.clock.monotonicMs() - this.#startedMs,
      bytesIn: this.#splice?.bytesIn ?? this.stream.bytesIn,
      bytesOut: this.#splice?.bytesOut ?? this.stream.bytesOut,
    });
  }
}
