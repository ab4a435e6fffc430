// The stages of a request: listener, route, rule, affinity, endpoint, exchange; each either goes on or answers.
import { normalizePath } from "../routing/path.ts";
import { chooseFirst } from "./choice.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import { answerByFilters } from "./filter-answers.ts";
import { filterPlan } from "./filter-plan.ts";
import { countHop } from "./max-forwards.ts";
import { isMisdirected } from "./misdirected.ts";
import { ProxyError } from "./proxy-error.ts";
import { answerForCode, answerForFailure, answerForRule, PASSING_METHODS } from "./respond.ts";
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
      else if (stream.head.method === "OPTIONS") exchange.answerWith(204, ["allow", PASSING_METHODS]);
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
  exchange.target = path;
  exchange.path = path;
  const match = plan.router.match(exchange.head, path);
  exchange.match = match;
  const { rule } = match;
  if (isMisdirected(exchange, plan)) exchange.answer(answerForCode("misdirected"));
  else if (rule === undefined) exchange.answer(answerForCode(match.reason));
  else if (rule.action.kind === "respond") exchange.answer(answerForRule(rule.action.status));
  else {
    exchange.port = plan;
    exchange.plan = plan.planOf(rule);
    exchange.filters = filterPlan(rule.filters);
    if (answerByFilters(exchange, exchange.filters)) return;
    if (rule.timeouts?.requestMs !== undefined) exchange.limitTo(rule.timeouts.requestMs);
    chooseEndpoint(exchange);
  }
}

/** Stages affinity and endpoint. Comes back to here when a hash table had to be built first. */
function chooseEndpoint(exchange: Exchange): void {
  const decision = chooseFirst(exchange);
  if (decision.pending !== undefined) {
    exchange.waiter = new DecisionWait(exchange);
    exchange.context.tables.wait(decision.pending, exchange.waiter);
    return;
  }
  exchange.decision = decision;
  if (decision.failure !== undefined) exchange.answer(answerForFailure(decision.failure));
  else exchange.begin();
}

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
