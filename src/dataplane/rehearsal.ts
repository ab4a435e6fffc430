// Sends a request through the pipeline to endpoints that nobody is behind: what would become of it, and nothing is done.

import type { PendingTable } from "../affinity/decision.ts";
import type { SessionKeys } from "../affinity/token/session-keys.ts";
import type { Endpoint, RequestHead } from "../model/index.ts";
import type { AccessRecord } from "./access-record.ts";
import type { Alarm, AlarmOwner } from "./alarms.ts";
import { Attempt } from "./attempt.ts";
import { ClientIdentity } from "./client-identity.ts";
import { NO_OBSERVER } from "./endpoint-observer.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import { KeptBytes } from "./kept-body.ts";
import type { DataplaneOptions } from "./options.ts";
import { Pipeline } from "./pipeline.ts";
import { PlainResponseHead } from "./plain-head.ts";
import { ProxyError } from "./proxy-error.ts";
import { NO_STREAM, type SentRequest, sentRequest } from "./rehearsed-endpoint.ts";
import { RehearsedStream, type SentResponse } from "./rehearsed-stream.ts";
import { RequestIds } from "./request-id.ts";
import { RequestSender } from "./request-sender.ts";
import { RetryAllowances } from "./retry-allowance.ts";
import { EMPTY_PORT_PLAN, type PortPlan } from "./serving-plan.ts";
import type { ClientStreamHandlers, ConnectionInfo } from "./stream.ts";
import { TableBuilds, type TableWaiter } from "./table-builds.ts";
import { Traffic } from "./traffic.ts";
import type { UpstreamConnection, UpstreamConnectionOwner } from "./upstream-connection.ts";
import { UpstreamPool } from "./upstream-pool.ts";

export interface RehearsedRequest {
  readonly head: RequestHead;
  readonly connection: ConnectionInfo;
  readonly upgrade: string | undefined;
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
  readonly keys: SessionKeys | undefined;
  /** `ip:port` of endpoints that refuse connections; all others answer 200 with no field and no body. */
  readonly refusing: ReadonlySet<string>;
}

export interface Rehearsed {
  /** All that the stages found out; it is over. */
  readonly exchange: Exchange;
  readonly attempts: readonly SentRequest[];
  readonly mirrors: readonly SentRequest[];
  readonly response: SentResponse;
  /** Code of the error with which the gateway answers; undefined: it is none, or the endpoint answers. */
  readonly error: string | undefined;
}

/** Wakes nobody but those who wait to try again: what times out needs time to pass. */
class BackoffAlarms {
  readonly waiting: { readonly alarm: Alarm; readonly owner: RequestSender }[] = [];

  set(_delayMs: number, owner: AlarmOwner): Alarm {
    const alarm: Alarm = {
      cancel: () => {
        const at = this.waiting.findIndex((one) => one.alarm === alarm);
        if (at !== -1) this.waiting.splice(at, 1);
      },
    };
    if (owner instanceof RequestSender) this.waiting.push({ alarm, owner });
    return alarm;
  }
}

/** Builds tables when it is their turn, in one go: the caller may block. */
class TableTurns extends TableBuilds {
  readonly turns: { readonly table: PendingTable; readonly waiter: TableWaiter }[] = [];

  override wait(table: PendingTable, waiter: TableWaiter): void {
    this.turns.push({ table, waiter });
  }
}

/** An attempt or a copy that waits for its answer. */
interface Call {
  readonly endpoint: Endpoint;
  readonly connection: UpstreamConnection;
  readonly owner: UpstreamConnectionOwner;
  readonly handlers: ClientStreamHandlers;
}

/** One at a time; rehearsals count nowhere, and leave no request in flight behind. */
export class Rehearsal {
  readonly #context: ExchangeContext;
  readonly #pipeline: Pipeline;
  readonly #alarms = new BackoffAlarms();
  readonly #tables: TableTurns;
  readonly #calls: Call[] = [];
  #atMs = 0;
  #attempts: SentRequest[] = [];
  #mirrors: SentRequest[] = [];
  #refusing: ReadonlySet<string> = new Set();
  readonly #log: AccessRecord[] = [];

  /** @param random uniform in [0, 1) */
  constructor(options: DataplaneOptions, random: () => number) {
    const clock = { wallMs: () => this.#atMs, monotonicMs: () => this.#atMs };
    const sweep = { add() {}, delete() {}, overloaded: false };
    const traffic = new Traffic();
    this.#tables = new TableTurns(clock);
    this.#context = {
      options,
      clock,
      random,
      identity: new ClientIdentity(options),
      requestIds: new RequestIds(random),
      pool: new UpstreamPool({
        connect: (endpoint, owner) => this.#connect(endpoint, owner),
        counters: (backend) => traffic.backend(backend),
        onTlsFailure() {},
        sweep,
        connectTimeoutMs: options.upstreamConnectTimeoutMs,
        maxIdlePerEndpoint: 0,
        idleTimeoutMs: options.upstreamIdleTimeoutMs,
        maxWaitMs: options.upstreamResponseTimeoutMs,
        workers: options.workers,
        monotonicMs: clock.monotonicMs,
      }),
      tables: this.#tables,
      traffic,
      accessLog: {
        write: (record) => void this.#log.push(record),
        dropped: 0,
        flush: () => Promise.resolve(),
      },
      logger: {
        error: ({ err }) => {
          throw err;
        },
        warn() {},
        debug() {},
      },
      sweep,
      alarms: this.#alarms,
      observer: NO_OBSERVER,
      retries: new RetryAllowances(options.workers, clock),
      keptBytes: new KeptBytes(0),
    };
    this.#pipeline = new Pipeline(this.#context, EMPTY_PORT_PLAN);
  }

  /** Throws what fails by a defect. */
  run(plan: PortPlan, request: RehearsedRequest): Rehearsed {
    this.#atMs = request.atMs;
    this.#context.sessionKeys = request.keys;
    this.#refusing = request.refusing;
    this.#attempts = [];
    this.#mirrors = [];
    this.#log.length = 0;
    this.#pipeline.plan = plan;
    const stream = new RehearsedStream(request);
    this.#pipeline.onRequest(stream);
    while (this.#goOn());
    const { handlers: exchange, response } = stream;
    const [record] = this.#log;
    if (!(exchange instanceof Exchange) || response === undefined || record === undefined) {
      throw new Error("a rehearsed request has got no answer");
    }
    return {
      exchange,
      attempts: this.#attempts,
      mirrors: this.#mirrors,
      response,
      error: record.error,
    };
  }

  /** Of no use afterwards. */
  close(): void {
    this.#context.pool.close();
  }

  /** Lets the next thing happen that somebody waits for; false: nobody does. */
  #goOn(): boolean {
    const turn = this.#tables.turns.shift();
    if (turn !== undefined) {
      turn.table.step(() => false);
      turn.waiter.onTableReady();
      return true;
    }
    const call = this.#calls.shift();
    if (call !== undefined) {
      this.#answer(call);
      return true;
    }
    const backoff = this.#alarms.waiting.shift();
    backoff?.owner.onAlarm();
    return backoff !== undefined;
  }

  #connect(endpoint: Endpoint, owner: UpstreamConnectionOwner): UpstreamConnection {
    const connection: UpstreamConnection = {
      send: (request, handlers) => {
        const isAttempt = request instanceof Exchange;
        (isAttempt ? this.#attempts : this.#mirrors).push(
          sentRequest(endpoint, request, this.#refusing.has(endpoint.address)),
        );
        this.#calls.push({ endpoint, connection, owner, handlers });
        // The next rehearsal must not find an endpoint busier for this one.
        if (handlers instanceof Attempt) handlers.endpoint.sessions.forget();
        return NO_STREAM;
      },
      close() {},
    };
    return connection;
  }

  #answer({ endpoint, connection, owner, handlers }: Call): void {
    if (this.#refusing.has(endpoint.address)) {
      owner.onClosed(connection, "connect-failed");
      const message = `${endpoint.address} refuses connections`;
      handlers.onError(new ProxyError("connect-failed", "upstream", message, { retry: "yes" }));
      return;
    }
    owner.onClosed(connection);
    handlers.onHead(new PlainResponseHead(200, "OK", []), 0);
    handlers.onEnd([]);
  }
}
