// Copies of a request for mirrors: sent and forgotten, so that none can slow the request down, fail it, or answer it.
import { decide } from "../affinity/decide.ts";
import type { BackendState, EndpointState } from "../affinity/decision.ts";
import type { RequestHead, ResponseHead } from "../model/index.ts";
import type { Exchange } from "./exchange.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import type { MirrorFilter } from "./filter-plan.ts";
import { copyRequestHead } from "./plain-head.ts";
import type { ProxyError } from "./proxy-error.ts";
import type { BodyCopy } from "./request-body.ts";
import type {
  BodyChunk,
  BodyLength,
  ClientStream,
  ClientStreamHandlers,
  Trailers,
  Tunnel,
  UpstreamRequest,
} from "./stream.ts";
import type { TableWaiter } from "./table-builds.ts";
import type { MirrorCounters } from "./traffic.ts";

/** What may wait in memory for a mirror that is slower than the client; and what is read of its answer. */
const MAX_WAITING_BYTES = 64 * 1024;

const NOBODY: TableWaiter = { onTableReady() {}, onTableFailed() {} };

/**
 * Begins the copies that the filters ask for, of the request as its endpoint gets it. An upgrade is not copied: a
 * mirror takes part in no conversation.
 */
export function startMirrors(exchange: Exchange): MirrorCopy[] {
  const copies: MirrorCopy[] = [];
  if (exchange.upgrade !== undefined) return copies;
  for (const filter of [...exchange.filters.mirrors, ...exchange.ownFilters.mirrors]) {
    const copy = isDrawn(filter, exchange.context.random) ? startMirror(exchange, filter) : undefined;
    if (copy !== undefined) copies.push(copy);
  }
  return copies;
}

function isDrawn({ numerator, denominator }: MirrorFilter, random: () => number): boolean {
  return numerator >= denominator || random() * denominator < numerator;
}

function startMirror(exchange: Exchange, filter: MirrorFilter): MirrorCopy | undefined {
  const { context } = exchange;
  const { options, traffic } = context;
  const counters = traffic.backend(filter.backend).mirrored;
  const to = chooseEndpoint(exchange, filter);
  const isBusy =
    traffic.mirrorsInFlight >= options.maxRequests ||
    (to !== undefined && to.endpoint.active >= options.maxRequestsPerEndpoint);
  if (to === undefined || isBusy) {
    counters.dropped += 1;
    return undefined;
  }
  const copy = new MirrorCopy(exchange, to, counters);
  copy.begin(exchange);
  return copy;
}

interface MirrorTarget {
  readonly backend: BackendState;
  readonly endpoint: EndpointState;
}

/** By the balancer of the mirror's backend, with the rule's hash policies; no session leads to it. */
function chooseEndpoint(exchange: Exchange, filter: MirrorFilter): MirrorTarget | undefined {
  const { context, head, client, plan, port } = exchange;
  const mirrorPlan = plan === undefined ? undefined : port?.mirrorPlanOf(plan.rule, filter.backend);
  if (mirrorPlan === undefined) return undefined;
  const nowSec = Math.floor(exchange.startedWallMs / 1000);
  const { endpoint, backend, pending } = decide(mirrorPlan, head, client, { nowSec, random: context.random });
  // Requests that come before the table is there are not copied, rather than kept waiting.
  if (pending !== undefined) context.tables.wait(pending, NOBODY);
  return endpoint === undefined || backend === undefined ? undefined : { endpoint, backend };
}

/** One copy on its way. */
export class MirrorCopy implements UpstreamRequest, ClientStreamHandlers, BodyCopy {
  readonly head: RequestHead;
  readonly path: string;
  readonly bodyLength: BodyLength;
  readonly upgrade = undefined;
  readonly #context: ExchangeContext;
  readonly #target: MirrorTarget;
  readonly #counters: MirrorCounters;
  #stream!: ClientStream;
  #bodyEnded: boolean;
  #isSlow = false;
  #waitingBytes = 0;
  #readableBytes = MAX_WAITING_BYTES;
  #answered = false;
  #over = false;

  constructor(exchange: Exchange, target: MirrorTarget, counters: MirrorCounters) {
    // A copy of its own: the request's edits change if it is tried again elsewhere.
    this.head = copyRequestHead(exchange.head);
    this.path = exchange.path;
    this.bodyLength = exchange.bodyLength;
    this.#bodyEnded = exchange.bodyLength === 0;
    this.#context = exchange.context;
    this.#target = target;
    this.#counters = counters;
  }

  begin({ match, stream }: Exchange): void {
    const { backend } = this.#target.backend;
    const { endpoint } = this.#target.endpoint;
    const certificate = match?.listener?.backendCertificate;
    this.#target.endpoint.active += 1;
    this.#context.traffic.mirrorsInFlight += 1;
    const connection = this.#context.pool.acquire(backend, endpoint, certificate, false, stream.connection);
    this.#stream = connection.send(this, this);
    if (this.#bodyEnded) this.#stream.end([]);
  }

  // The request's body.

  takeData(chunk: BodyChunk): void {
    if (this.#over) return;
    if (!this.#stream.write(chunk)) this.#isSlow = true;
    if (!this.#isSlow) return;
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.#drop();
  }

  takeEnd(trailers: Trailers): void {
    this.#bodyEnded = true;
    if (!this.#over) this.#stream.end(trailers);
  }

  close(): void {
    if (!this.#bodyEnded) this.#drop();
  }

  // The mirror's answer.

  onDrain(): void {
    this.#isSlow = false;
    this.#waitingBytes = 0;
  }

  onInform(): void {}

  onHead(head: ResponseHead): void {
    if (this.#over) return;
    this.#counters.answered += 1;
    this.#answered = true;
    this.#context.observer.answered(this.#target.backend, this.#target.endpoint, head.status);
  }

  /** Read to its end where that is near, so that the connection can serve again. */
  onData(chunk: BodyChunk): void {
    if (this.#over) return;
    this.#readableBytes -= chunk.length;
    if (this.#readableBytes < 0) this.#drop();
  }

  onEnd(): void {
    // What is left of the request's body is for nobody.
    if (!this.#bodyEnded) this.#drop();
    else this.#finish();
  }

  onUpgrade(_head: ResponseHead, tunnel: Tunnel): void {
    tunnel.destroy();
    this.#finish();
  }

  onError(error: ProxyError): void {
    if (this.#over) return;
    if (!this.#answered) {
      this.#counters.failed += 1;
      this.#context.observer.failed(this.#target.backend, this.#target.endpoint, error.code);
    }
    this.#finish();
  }

  #drop(): void {
    if (this.#over) return;
    if (!this.#answered) this.#counters.dropped += 1;
    this.#finish();
    this.#stream.abort();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#target.endpoint.active -= 1;
    this.#context.traffic.mirrorsInFlight -= 1;
  }
}
