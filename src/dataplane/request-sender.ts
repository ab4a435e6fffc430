// Gets the request of an exchange to an endpoint: sends it with its body, and sends it again where an attempt was in vain.
import type { BackendState, Decision, EndpointState } from "../affinity/decision.ts";
import type { Backend, Filter } from "../model/index.ts";
import type { Alarm, AlarmOwner } from "./alarms.ts";
import { Attempt } from "./attempt.ts";
import type { Exchange } from "./exchange.ts";
import { answerByFilters } from "./filter-answers.ts";
import { filterPlan } from "./filter-plan.ts";
import { startMirrors } from "./mirror.ts";
import { RequestBody } from "./request-body.ts";
import { editRequest, resetRequest } from "./request-edits.ts";
import { answerForCode, answerForFailure } from "./respond.ts";
import { type Retrial, Retries, type RetryReason } from "./retries.ts";
import type { RetryAllowance } from "./retry-allowance.ts";
import type { BodyChunk, BodyLength, Trailers } from "./stream.ts";

const NO_TRAILERS: Trailers = [];
const NO_LIST: readonly Filter[] = [];

/** From the decision on until the exchange is over; one attempt at a time. */
export class RequestSender implements AlarmOwner {
  /** Under way. */
  attempt: Attempt | undefined;
  readonly #exchange: Exchange;
  /** Undefined: the request has none. */
  readonly #body: RequestBody | undefined;
  #retries: Retries | undefined;
  /** The next attempt, until `#backoff` rings. */
  #retrial: Retrial | undefined;
  #backoff: Alarm | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.#body = exchange.bodyLength === 0 ? undefined : new RequestBody();
  }

  /** Sends it for the first time, unless a filter of the backendRef answers. */
  begin(): void {
    const exchange = this.#exchange;
    if (this.#ownFiltersAnswer()) return;
    // Even for a session that only this endpoint holds: to wait for it would take the place of others.
    if (this.#endpoint.active >= exchange.context.options.maxRequestsPerEndpoint) {
      exchange.answer(answerForCode("endpoint-busy"));
      return;
    }
    editRequest(exchange);
    const { retryBudget } = this.#backend;
    if (retryBudget !== undefined) exchange.context.retries.onRequest(this.#backend, retryBudget);
    if (this.#body !== undefined && exchange.plan?.rule.retry !== undefined) this.#keep(this.#body);
    if (exchange.filters.mirrors.length + exchange.ownFilters.mirrors.length > 0) {
      const copies = startMirrors(exchange);
      this.#body?.copyTo(copies);
    }
    this.#send(false, undefined);
  }

  /**
   * @param fresh on a new connection
   * @param allowance what counts the attempt, if it is a retry that its backend counts
   */
  #send(fresh: boolean, allowance: RetryAllowance | undefined): void {
    const { context, match, stream, plan } = this.#exchange;
    const attempt = new Attempt(this.#exchange, this.#endpoint, allowance);
    this.attempt = attempt;
    const certificate = match?.listener?.backendCertificate;
    const { endpoint } = this.#endpoint;
    attempt.send(
      context.pool.acquire(this.#backend, endpoint, certificate, fresh, stream.connection),
      plan?.rule.retry?.attemptTimeoutMs ?? plan?.rule.timeouts?.backendRequestMs,
    );
    const body = this.#body;
    if (body === undefined) {
      attempt.stream.end(NO_TRAILERS);
      return;
    }
    // Until it turns out that a new connection can be opened, another endpoint may have to get the body.
    if (!attempt.stream.reused) this.#keep(body);
    // Last, since the body may come from within.
    if (body.replay(attempt.stream) && !body.ended) stream.resumeBody();
  }

  #keep(body: RequestBody): void {
    const { context, bodyLength } = this.#exchange;
    const { retryBufferSize } = context.options;
    if (bodyLength <= retryBufferSize) body.keep(retryBufferSize, context.keptBytes);
  }

  /**
   * Tries again, now or later; false: it has to be left at this.
   * @param length of the body of the response that is thrown away, if there is one
   */
  again(reason: RetryReason, attempt: Attempt, length: BodyLength): boolean {
    if (this.#body?.isReplayable === false) return false;
    const exchange = this.#exchange;
    this.#retries ??= new Retries(exchange);
    const retrial = this.#retries.next(reason, attempt);
    if (retrial === undefined) return false;
    this.attempt = undefined;
    if (this.isComplete) attempt.discard(length);
    else attempt.abandon();
    if (retrial === "over-budget") {
      exchange.answer(answerForCode("retry-budget-spent"));
      return true;
    }
    if ("refused" in retrial) {
      exchange.decision = retrial.refused;
      exchange.answer(answerForFailure(retrial.refused.failure));
      return true;
    }
    exchange.context.traffic.backend(this.#backend.id).retries[reason] += 1;
    exchange.decision = retrial.decision;
    this.#retrial = retrial;
    if (retrial.waitMs > 0) {
      exchange.stream.pauseBody();
      this.#backoff = exchange.context.alarms.set(retrial.waitMs, this);
    } else {
      this.#sendAgain();
    }
    return true;
  }

  onAlarm(): void {
    this.#backoff = undefined;
    try {
      this.#sendAgain();
    } catch (cause) {
      this.#exchange.failByDefect("trying again failed", cause);
    }
  }

  #sendAgain(): void {
    resetRequest(this.#exchange);
    if (this.#ownFiltersAnswer()) return;
    editRequest(this.#exchange);
    const { fresh, allowance } = this.#retrial as Retrial;
    this.#retrial = undefined;
    this.#send(fresh, allowance);
  }

  #ownFiltersAnswer(): boolean {
    const exchange = this.#exchange;
    exchange.ownFilters = filterPlan(this.#decision.reference?.filters ?? NO_LIST);
    return answerByFilters(exchange, exchange.ownFilters);
  }

  /** The whole body has come. */
  get isComplete(): boolean {
    return this.#body?.ended ?? true;
  }

  /** A piece of the body; false: the endpoint is slower. */
  pass(chunk: BodyChunk): boolean {
    const body = this.#body;
    if (this.attempt === undefined || body === undefined || body.ended) return true;
    return body.pass(chunk, this.attempt.stream);
  }

  /** The end of the body, which may come between two attempts too. */
  end(trailers: Trailers): void {
    if (this.#body?.ended === false) this.#body.end(trailers, this.attempt?.stream);
  }

  /** An answer passes on to the client: there is no other attempt any more. */
  settle(): void {
    this.#body?.forget();
  }

  /** Nobody wants an answer any more. */
  abandon(): void {
    const { attempt } = this;
    this.attempt = undefined;
    attempt?.abandon();
  }

  /** The exchange is over. */
  close(): void {
    this.attempt = undefined;
    this.#body?.close();
    this.#backoff?.cancel();
    this.#retrial?.allowance?.release();
    this.#retrial = undefined;
  }

  get #decision(): Decision {
    return this.#exchange.decision as Decision;
  }

  get #backend(): Backend {
    return (this.#decision.backend as BackendState).backend;
  }

  get #endpoint(): EndpointState {
    return this.#decision.endpoint as EndpointState;
  }
}
