// How long a client may keep its connection waiting, and for what: the clocks behind a server connection's timeouts.
import type { Socket } from "node:net";
import type { DataplaneOptions } from "../options.ts";
import type { DeadlineSweep } from "./deadline-sweep.ts";
import { Pace } from "./pace.ts";
import { WriteProgress } from "./write-progress.ts";

/** How long a connection that has said its last word listens on, so that the client can read it (RFC 9112 section 9.6). */
export const LINGER_MS = 2_000;
/** Where places are short, and while draining: who waits for so long without a whole request has had its chance. */
export const GRACE_MS = 1_000;
/** Where memory is short: how long a client may leave its response untouched. */
export const HURRIED_WRITE_TIMEOUT_MS = 2_000;
/**
 * A client that has ended its side is asked after so much silence whether it still waits for its answer. With a part of
 * it, silence for so long tells that it has left: nothing else would before the endpoint says something.
 */
export const HALF_CLOSED_SILENCE_MS = 15_000;
/** Any byte will do. */
const ANY_RATE = 1e-6;

export interface DeadlineContext {
  readonly options: DataplaneOptions;
  readonly sweep: DeadlineSweep;
}

/**
 * Knows times and nothing of phases: the connection restarts what it waits for, and each sweep asks what its phase has
 * a deadline for. Times are of the sweep's clock.
 */
export class ServerDeadlines {
  readonly #context: DeadlineContext;
  readonly #progress: WriteProgress;
  /** Of the request's body, and of the response once the client has ended its side. */
  readonly #pace = new Pace();
  /** Since when the connection waits for bytes. */
  #sinceMs: number;

  constructor(socket: Socket, context: DeadlineContext) {
    this.#context = context;
    this.#progress = new WriteProgress(socket);
    this.#sinceMs = context.sweep.stampMs;
  }

  /** A wait for bytes of the client begins, or some have come. */
  restart(): void {
    this.#sinceMs = this.#context.sweep.stampMs;
  }

  /** A wait for a body begins. @param received bytes of it so far */
  restartBody(received: number): void {
    this.restart();
    this.#pace.restart(received, this.#sinceMs);
  }

  /** From now on the client only takes. @param sent bytes of the response's body so far */
  restartResponse(sent: number): void {
    this.#pace.restart(sent, this.#context.sweep.stampMs);
  }

  /** Written bytes wait for the client. */
  get isWriting(): boolean {
    return this.#progress.queued > 0;
  }

  /** Any phase: the client takes nothing of what waits for it, or too little. */
  isStuck(nowMs: number): boolean {
    const { options, sweep } = this.#context;
    const { writeTimeoutMs } = options;
    const timeoutMs = sweep.overloaded ? Math.min(writeTimeoutMs, HURRIED_WRITE_TIMEOUT_MS) : writeTimeoutMs;
    return this.#progress.isStuck(nowMs, timeoutMs, options.minRate);
  }

  /** Without a request: for longer than a client may be silent. @param served how many it has had */
  isIdle(nowMs: number, served: number, draining: boolean): boolean {
    // Nobody is idle who still reads the last answer.
    if (this.isWriting) this.#sinceMs = nowMs;
    const { requestHeadTimeoutMs, idleTimeoutMs } = this.#context.options;
    const limitMs = served === 0 ? requestHeadTimeoutMs : idleTimeoutMs;
    return nowMs - this.#sinceMs > (draining ? Math.min(GRACE_MS, limitMs) : limitMs);
  }

  /** Without a whole request: for so long that somebody else may have the place. */
  get hasHadItsChance(): boolean {
    return this.#context.sweep.nowMs - this.#sinceMs >= GRACE_MS;
  }

  isHeadLate(nowMs: number): boolean {
    return nowMs - this.#sinceMs > this.#context.options.requestHeadTimeoutMs;
  }

  /** None of it for too long, or too little. @param received bytes of it so far */
  isBodyLate(nowMs: number, received: number): boolean {
    const { requestBodyTimeoutMs, minRate } = this.#context.options;
    if (nowMs - this.#sinceMs > requestBodyTimeoutMs) return true;
    return this.#pace.isTooSlow(received, nowMs, requestBodyTimeoutMs, minRate);
  }

  /**
   * Whether a client that sends no more takes no more either.
   * @param underWay it has a part of its response
   * @param sent bytes of the response's body so far
   */
  isSilent(nowMs: number, underWay: boolean, sent: number): boolean {
    if (underWay && !this.isWriting) {
      return this.#pace.isTooSlow(sent, nowMs, HALF_CLOSED_SILENCE_MS, ANY_RATE);
    }
    this.#pace.restart(sent, nowMs);
    return false;
  }

  /** After the last word: the client has had the time to read it. */
  hasLingered(nowMs: number): boolean {
    if (this.isWriting) this.#sinceMs = nowMs;
    return nowMs - this.#sinceMs > LINGER_MS;
  }
}
