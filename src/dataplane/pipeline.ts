// The stages of a request: listener, route, rule, affinity, endpoint, exchange; each either goes on or answers.
import { decide } from "../affinity/decide.ts";
import type { DecideOptions } from "../affinity/decision.ts";
import { normalizePath } from "../routing/path.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import { writeForwardedFields } from "./forwarded-fields.ts";
import { applyRequestFilters } from "./header-filters.ts";
import { countHop } from "./max-forwards.ts";
import { ProxyError } from "./proxy-error.ts";
import { answerForCode, answerForFailure, answerForRule } from "./respond.ts";
import type { PortPlan } from "./serving-plan.ts";
import type { ConnectionInfo, RequestHandler, ServerStream } from "./stream.ts";
import type { TableWaiter } from "./table-builds.ts";

/** Handles the requests of one bind point. */
export class Pipeline implements RequestHandler {
  /** What new requests are served by; those in flight keep the one that they began with. */
  plan: PortPlan;
  readonly #context: ExchangeContext;

  constructor(context: ExchangeContext, plan: PortPlan) {
    this.#context = context;
    this.plan = plan;
  }

  onRequest(stream: ServerStream): void {
    const { identity, requestIds } = this.#context;
    const client = identity.identify(stream.connection, stream.head);
    const requestId = requestIds.idOf(stream.head.get("x-request-id"));
    const exchange = new Exchange(this.#context, stream, client, requestId);
    stream.handlers = exchange;
    const { traffic, options, sweep } = this.#context;
    if (traffic.requestsInFlight > options.maxRequests || sweep.overloaded) {
      exchange.answer(answerForCode("overloaded"));
      return;
    }
    try {
      const verdict = countHop(stream.head);
      if (verdict === "pass") findRule(exchange, this.plan);
      else if (verdict === "malformed") exchange.answer(answerForCode("bad-request"));
      else if (stream.head.method === "OPTIONS") exchange.answerOptions();
      else exchange.answer(answerForCode("method-not-allowed"));
    } catch (cause) {
      exchange.fail(
        new ProxyError("internal-error", "internal", "a stage of the pipeline failed", { cause }),
      );
    }
  }

  onRejected(connection: ConnectionInfo, error: ProxyError, status: number): void {
    const { traffic, accessLog, clock, requestIds } = this.#context;
    traffic.rejected(error.code);
    accessLog.write({
      startedWallMs: clock.wallMs(),
      durationMs: 0,
      clientIp: connection.peerIp,
      method: undefined,
      host: undefined,
      path: undefined,
      protocol: undefined,
      status,
      bytesIn: 0,
      bytesOut: 0,
      requestId: requestIds.next(),
      listener: undefined,
      route: undefined,
      rule: undefined,
      backend: undefined,
      upstreamAddress: undefined,
      affinity: undefined,
      error: error.code,
    });
  }
}

/** Stages listener, route and rule: the router finds all three in one walk. */
function findRule(exchange: Exchange, plan: PortPlan): void {
  const path = normalizePath(exchange.head.path);
  if (typeof path !== "string") {
    exchange.answer(answerForCode("bad-path"));
    return;
  }
  exchange.path = path;
  const match = plan.router.match(exchange.head, path);
  exchange.match = match;
  if (match.rule === undefined) exchange.answer(answerForCode(match.reason));
  else if (match.rule.action.kind === "respond") exchange.answer(answerForRule(match.rule.action.status));
  else {
    exchange.plan = plan.planOf(match.rule);
    chooseEndpoint(exchange);
  }
}

/** Stages affinity and endpoint. Comes back to here when a hash table had to be built first. */
function chooseEndpoint(exchange: Exchange): void {
  const { context, stream, plan } = exchange;
  if (plan === undefined) throw new Error("a rule that forwards has a plan");
  decideOptions.nowSec = Math.floor(exchange.startedWallMs / 1000);
  decideOptions.random = context.random;
  const decision = decide(plan, stream.head, exchange.client, decideOptions);
  if (decision.pending !== undefined) {
    exchange.waiter = new DecisionWait(exchange);
    context.tables.wait(decision.pending, exchange.waiter);
    return;
  }
  exchange.decision = decision;
  if (decision.failure !== undefined) exchange.answer(answerForFailure(decision.failure));
  else forward(exchange);
}

/** Stage exchange: from here on the request is the endpoint's. */
function forward(exchange: Exchange): void {
  const { head, connection } = exchange.stream;
  writeForwardedFields(head, connection, exchange.client, exchange.requestId);
  const ruleFilters = exchange.plan?.rule.filters;
  if (ruleFilters !== undefined && ruleFilters.length > 0) applyRequestFilters(ruleFilters, head.edits);
  const ownFilters = exchange.decision?.reference?.filters;
  if (ownFilters !== undefined && ownFilters.length > 0) applyRequestFilters(ownFilters, head.edits);
  exchange.begin();
}

/** One object for all decisions: `decide` is synchronous and keeps nothing of it. */
const decideOptions: { -readonly [K in keyof DecideOptions]: DecideOptions[K] } = {
  nowSec: 0,
  random: () => 0,
};

/** Takes a request up again once its hash table is built. */
class DecisionWait implements TableWaiter {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  onTableReady(): void {
    const exchange = this.#exchange;
    exchange.waiter = undefined;
    if (exchange.ended) return;
    try {
      chooseEndpoint(exchange);
    } catch (cause) {
      this.onTableFailed(cause);
    }
  }

  onTableFailed(cause: unknown): void {
    if (this.#exchange.ended) return;
    this.#exchange.fail(
      new ProxyError("internal-error", "internal", "choosing an endpoint failed", { cause }),
    );
  }
}
