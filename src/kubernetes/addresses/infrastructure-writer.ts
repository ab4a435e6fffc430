// Writes what is made for Gateways, a few things at a time, and comes back to what could not be written.
import { isDeepStrictEqual } from "node:util";
import { type ObjectRef, objectKey } from "../../model/index.ts";
import type { Logger } from "../../telemetry/index.ts";
import { ApiError, type KubernetesClient } from "../api/client.ts";
import { retryDelayMs, type WaitLimits } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import { apiPath } from "../watch/cluster-view.ts";
import { ENDPOINT_SLICES, SERVICES } from "../watch/watched-kinds.ts";
import { type Write, writeKey } from "./infrastructure-plan.ts";
import { APPLIED_ANNOTATION } from "./names.ts";

/** What was written is seen by then, or was lost. */
const SEEN_MS = 5_000;
/** What was seen and is gone again is somebody else's doing: no quarrel with him is faster than this. */
const QUARREL_MS = 1_000;
const RETRY: WaitLimits = { firstMs: 1_000, lastMs: 60_000 };
/** With thousands of Gateways, a replica that comes or goes is a change of as many EndpointSlices. */
const IN_FLIGHT = 8;
/** Failures that may pass are told after so many. */
const PATIENCE = 3;
/** Of fields, in what the API server keeps about who set them. */
const FIELD_MANAGER = "limpet";

export interface InfrastructureWriterOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Pick<Logger, "info" | "warn">;
  /** What is to be written by now. */
  readonly plan: () => readonly Write[];
  /** Asked before each write. */
  readonly mayWrite: () => boolean;
  /** Other Gateways have failures than before, or for other reasons. */
  readonly onFailures: () => void;
}

/** The last that was tried of an object. */
interface Attempt {
  readonly wanted: string;
  /** Monotonic. */
  readonly atMs: number;
  /** Monotonic: the same is not tried before. */
  readonly dueMs: number;
  readonly failures: number;
  readonly gateway: string;
  /** Undefined: it was written. */
  readonly reason: string | undefined;
  /** It will not pass by itself. */
  readonly isRefusal: boolean;
}

export class InfrastructureWriter {
  readonly #options: InfrastructureWriterOptions;
  readonly #attempts = new Map<string, Attempt>();
  /** By object key of the Gateway, as the last pass left them. */
  #failures: ReadonlyMap<string, string> = new Map();
  #running: Promise<void> | undefined;
  #isAsked = false;
  #isStopped = false;
  #cancel: (() => void) | undefined;
  /** Ends with the right to write. */
  #reign = new AbortController();

  constructor(options: InfrastructureWriterOptions) {
    this.#options = options;
  }

  /** Something changed. Never rejects; resolves when what could be written is. */
  run(): Promise<void> {
    this.#isAsked = true;
    this.#running ??= this.#passes();
    return this.#running;
  }

  /** Why something of this Gateway could not be written; undefined: everything could. */
  failureOf(gateway: ObjectRef): string | undefined {
    return this.#failures.get(objectKey(gateway));
  }

  /** Somebody else writes from here on: what is on its way might undo what he writes. */
  forget(): void {
    this.#reign.abort();
    this.#reign = new AbortController();
    this.#cancel?.();
    this.#attempts.clear();
    this.#failures = new Map();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.forget();
    await this.#running;
  }

  async #passes(): Promise<void> {
    while (this.#isAsked && !this.#isStopped) {
      this.#isAsked = false;
      try {
        await this.#pass(this.#reign.signal);
      } catch (err) {
        this.#options.logger.warn({ err }, "what Gateways need could not be told");
      }
    }
    // In the same breath as the last look at what was asked, so that nothing is asked in vain.
    this.#running = undefined;
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { plan, mayWrite, clock, onFailures } = this.#options;
    this.#cancel?.();
    if (!mayWrite()) return;
    const writes = plan();
    const wanted = new Set(writes.map(writeKey));
    for (const [key, attempt] of this.#attempts) {
      if (wanted.has(key)) continue;
      // It stands there by now, or is wanted no more.
      const dueMs = Math.min(attempt.dueMs, attempt.atMs + QUARREL_MS);
      if (attempt.reason !== undefined || dueMs <= clock.monotonicMs()) this.#attempts.delete(key);
      else this.#attempts.set(key, { ...attempt, dueMs });
    }
    const due = writes.filter((write) => this.#dueMs(write) <= clock.monotonicMs()).values();
    const writeOn = async () => {
      for (const write of due) {
        if (signal.aborted || !mayWrite()) return;
        await this.#write(write, signal);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, writeOn));
    if (signal.aborted || !mayWrite()) return;
    const nextMs = writes.reduce((ms, write) => Math.min(ms, this.#dueMs(write)), Number.POSITIVE_INFINITY);
    const before = this.#failures;
    this.#failures = failuresOf(this.#attempts.values());
    if (!isDeepStrictEqual(before, this.#failures)) onFailures();
    if (nextMs !== Number.POSITIVE_INFINITY) {
      this.#cancel = clock.after(Math.max(0, nextMs - clock.monotonicMs()), () => void this.run());
    }
  }

  #dueMs(write: Write): number {
    const attempt = this.#attempts.get(writeKey(write));
    return attempt === undefined || attempt.wanted !== wantedText(write)
      ? Number.NEGATIVE_INFINITY
      : attempt.dueMs;
  }

  async #write(write: Write, signal: AbortSignal): Promise<void> {
    const { client, clock, random, logger } = this.#options;
    const key = writeKey(write);
    const atMs = clock.monotonicMs();
    const tried = { wanted: wantedText(write), gateway: objectKey(write.gateway), atMs };
    const what = { [write.action]: key, gateway: tried.gateway };
    try {
      await send(client, write, signal);
      if (signal.aborted) return;
      this.#attempts.set(key, {
        ...tried,
        dueMs: clock.monotonicMs() + SEEN_MS,
        failures: 0,
        reason: undefined,
        isRefusal: false,
      });
      logger.info(what, "wrote what a Gateway needs");
    } catch (error) {
      if (signal.aborted) return;
      const failures = (this.#attempts.get(key)?.failures ?? 0) + 1;
      const dueMs = clock.monotonicMs() + retryDelayMs(error, failures, RETRY, random);
      const reason = (error as Error).message;
      if (this.#attempts.get(key)?.reason !== reason) {
        logger.warn({ ...what, reason }, "could not write what a Gateway needs");
      }
      this.#attempts.set(key, { ...tried, dueMs, failures, reason, isRefusal: isRefusal(error) });
    }
  }
}

function failuresOf(attempts: Iterable<Attempt>): ReadonlyMap<string, string> {
  const told = new Map<string, string>();
  for (const { gateway, reason, isRefusal, failures } of attempts) {
    if (reason !== undefined && (isRefusal || failures >= PATIENCE)) told.set(gateway, reason);
  }
  return told;
}

/** It says no to what is asked for; everything else may pass, as do credentials that are old. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.status >= 400 && error.status < 500 && ![401, 429].includes(error.status);
}

/** Server-side apply, so that what others set in the object stays theirs. */
async function send(
  client: KubernetesClient,
  { action, object, isNew }: Write,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name, uid } = object.metadata;
  const path = apiPath(object.kind === SERVICES.kind ? SERVICES : ENDPOINT_SLICES, namespace, name);
  if (action === "apply") {
    await client.request("PATCH", path, {
      // What is there unknown to us belongs to somebody, and is not taken from him.
      query: { fieldManager: FIELD_MANAGER, force: !isNew },
      contentType: "application/apply-patch+yaml",
      body: object,
      signal,
    });
    return;
  }
  try {
    await client.request("DELETE", path, { body: { preconditions: { uid } }, signal });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
}

function wantedText({ action, object: { metadata } }: Write): string {
  return action === "apply"
    ? `apply ${metadata.annotations?.[APPLIED_ANNOTATION]}`
    : `delete ${metadata.uid}`;
}
