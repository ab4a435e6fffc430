// Asks an API server that fails whether it answers again: one question for all who wait, so that they need not ask themselves.
import type { Logger } from "../../telemetry/index.ts";
import { ApiError, type KubernetesClient } from "../api/client.ts";
import { pause } from "../backoff.ts";
import type { Clock } from "../clock.ts";

export interface ServerProbeOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Needs what needs authentication, authorisation and storage, and has hardly anything to send. */
const QUESTION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/** Soon enough after an outage, and nothing that a starting API server would notice. */
const INTERVAL_MS = 1_000;
const TIMEOUT_MS = 5_000;

export class ServerProbe {
  readonly #options: ServerProbeOptions;
  #asking: Promise<void> | undefined;
  #isDown = false;

  constructor(options: ServerProbeOptions) {
    this.#options = options;
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  /** Resolves as soon as the server answers; asks at once. */
  answers(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const { clock, random, logger, signal } = this.#options;
    const beganMs = clock.monotonicMs();
    while (!signal.aborted) {
      const failure = await this.#failure();
      if (failure === undefined) break;
      if (!this.#isDown) {
        logger.warn(
          { reason: failure },
          "the API server does not answer: what it said last goes on being served",
        );
      }
      this.#isDown = true;
      await pause(clock, INTERVAL_MS * (0.5 + random()), signal);
    }
    if (!this.#isDown || signal.aborted) return;
    this.#isDown = false;
    const seconds = Math.round((clock.monotonicMs() - beganMs) / 1000);
    logger.info({ seconds }, "the API server answers again");
  }

  /** A refusal is an answer. */
  async #failure(): Promise<string | undefined> {
    const { client, signal } = this.#options;
    try {
      await client.request("GET", QUESTION, {
        query: { limit: 1 },
        timeoutMs: TIMEOUT_MS,
        metadataOnly: true,
        signal,
      });
      return undefined;
    } catch (error) {
      return error instanceof ApiError && !isOutage(error) ? undefined : String(error);
    }
  }
}

/** The server is not there, or cannot serve anybody; all else is about the one request. */
export function isOutage({ status }: ApiError): boolean {
  return status === 0 || status >= 500;
}
