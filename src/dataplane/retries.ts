// Whether an exchange tries again after an attempt was in vain, where, and how soon: by its rule, or because it is safe.
import type { BackendState, Decision, DecisionFailure, EndpointState } from "../affinity/decision.ts";
import type { Retry } from "../model/index.ts";
import type { Attempt } from "./attempt.ts";
import { chooseAgain } from "./choice.ts";
import type { Exchange } from "./exchange.ts";
import type { ProxyError } from "./proxy-error.ts";
import type { RetryAllowance } from "./retry-allowance.ts";

/**
 * What speaks for another try. `reused-connection`: it had served before and died without a byte; `endpoint-drains`: so
 * did a new one, of an endpoint that is on its way out; `connect-failed`: nothing was sent; `connection-lost`: before
 * the head of a response; `status`: the endpoint answered with one that the rule names.
 */
export type RetryReason =
  | "reused-connection"
  | "endpoint-drains"
  | "connect-failed"
  | "connection-lost"
  | "timeout"
  | "status";

/** Another try. */
export interface Retrial {
  readonly decision: Decision;
  readonly waitMs: number;
  /** On a new connection. */
  readonly fresh: boolean;
  /** What its backend counts it by, to be released with its end; undefined: it counts for nothing. */
  readonly allowance: RetryAllowance | undefined;
}

/** What the decision would be now leaves no other try. */
export interface Refusal {
  readonly refused: Decision & { readonly failure: DecisionFailure };
}

/** Methods that may be sent twice (RFC 9110 section 9.2.2). */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);

const TIMEOUTS = new Set(["attempt-timeout", "upstream-timeout"]);

/** Undefined: the error speaks against it. */
export function retryReason(error: ProxyError, attempt: Attempt, method: string): RetryReason | undefined {
  if (error.retry === "yes") return "connect-failed";
  if (error.retry === "unanswered" && IDEMPOTENT.has(method)) {
    if (attempt.stream.reused) return "reused-connection";
    // A server that stops resets whoever its kernel has let in and it has not taken yet.
    if (attempt.endpoint.endpoint.health === "draining") return "endpoint-drains";
  }
  if (TIMEOUTS.has(error.code)) return "timeout";
  return error.code === "upstream-closed" ? "connection-lost" : undefined;
}

/** What one exchange has tried; made when its first attempt fails. */
export class Retries {
  readonly #exchange: Exchange;
  readonly #rule: Retry | undefined;
  readonly #tried: EndpointState[] = [];
  #countByRule = 0;
  #wentElsewhere = false;
  #renewed = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.#rule = exchange.plan?.rule.retry;
  }

  /** `over-budget`: there would be another try if the backend put up with it. */
  next(reason: RetryReason, attempt: Attempt): Retrial | Refusal | "over-budget" | undefined {
    const { decision } = this.#exchange;
    if (decision === undefined) return undefined;
    if ((reason === "reused-connection" || reason === "endpoint-drains") && !this.#renewed) {
      this.#renewed = true;
      return { decision, waitMs: 0, fresh: true, allowance: undefined };
    }
    const isLeft = reason === "connect-failed" || reason === "endpoint-drains";
    const refusal = isLeft && decision.pinned ? this.#refusal() : undefined;
    if (refusal !== undefined) return refusal;
    const rule = this.#rule;
    if (rule !== undefined && allows(rule, reason)) return this.#byRule(rule, decision, attempt);
    return isLeft ? this.#elsewhereOnce(decision, attempt) : undefined;
  }

  /** For a session that may not move: it was lost while it was on its way, and gets the answer that it would get now. */
  #refusal(): Refusal | undefined {
    const refused = chooseAgain(this.#exchange, []);
    const { failure } = refused;
    return failure === undefined ? undefined : { refused: { ...refused, failure } };
  }

  /** A session that may not move is tried again where it is. */
  #byRule(rule: Retry, decision: Decision, attempt: Attempt): Retrial | "over-budget" | undefined {
    if (this.#countByRule >= rule.attempts) return undefined;
    const next = decision.pinned ? decision : (this.#elsewhere(attempt) ?? decision);
    const fresh = next === decision && attempt.stream.reused;
    return this.#granted(next, fresh, () => {
      this.#countByRule += 1;
      return this.#waitMs(rule);
    });
  }

  /** Where the rule says nothing: nobody has seen the request, or it may be seen twice, and another endpoint may be there. */
  #elsewhereOnce(decision: Decision, attempt: Attempt): Retrial | "over-budget" | undefined {
    if (this.#wentElsewhere || decision.pinned) return undefined;
    const next = this.#elsewhere(attempt);
    if (next === undefined || next.endpoint === attempt.endpoint) return undefined;
    return this.#granted(next, false, () => {
      this.#wentElsewhere = true;
      return 0;
    });
  }

  /** Undefined: nowhere, or it would have to wait for a hash table. */
  #elsewhere({ endpoint }: Attempt): Decision | undefined {
    if (!this.#tried.includes(endpoint)) this.#tried.push(endpoint);
    const next = chooseAgain(this.#exchange, this.#tried);
    const { maxRequestsPerEndpoint } = this.#exchange.context.options;
    return next.endpoint === undefined || next.endpoint.active >= maxRequestsPerEndpoint ? undefined : next;
  }

  #granted(decision: Decision, fresh: boolean, wait: () => number): Retrial | "over-budget" | undefined {
    const { backend } = decision.backend as BackendState;
    const allowance = this.#exchange.context.retries.take(backend);
    if (allowance === "over-budget") return allowance;
    return allowance === "too-many" ? undefined : { decision, waitMs: wait(), fresh, allowance };
  }

  #waitMs({ baseBackoffMs, maxBackoffMs, minBackoffMs = 0 }: Retry): number {
    const most = Math.min(maxBackoffMs, baseBackoffMs * (2 ** this.#countByRule - 1));
    return minBackoffMs + this.#exchange.context.random() * Math.max(0, most - minBackoffMs);
  }
}

function allows(rule: Retry, reason: RetryReason): boolean {
  switch (reason) {
    case "connect-failed":
      return rule.onConnectionError;
    case "reused-connection":
    case "endpoint-drains":
    case "connection-lost":
      return rule.onConnectionError && !rule.onlyUnopened;
    case "timeout":
      return rule.onTimeout;
    case "status":
      return true;
  }
}
