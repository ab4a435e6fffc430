// The session keys of a running gateway: the last good ones of their file or Secret, handed to all workers when it changes.

import type { KeptKeys } from "../kubernetes/session-key-secret.ts";
import type { Logger, MetricSample } from "../telemetry/index.ts";
import { FileSource } from "./file-source.ts";
import { FileWatch } from "./file-watch.ts";
import type { ReloadResult } from "./reload-result.ts";
import {
  type LoadedKeys,
  makeSessionKeys,
  readSessionKeys,
  SessionKeyError,
  sessionKeysOf,
} from "./session-keys.ts";

/** `kept`: in a Secret of the cluster. `made`: a key of this process alone, which is forgotten when it ends. */
export type SessionKeySource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "kept"; readonly keys: KeptKeys }
  | { readonly kind: "made" };

type ReadableSource = Exclude<SessionKeySource, { readonly kind: "made" }>;

export interface SessionKeyStoreOptions {
  readonly source: SessionKeySource;
  /** Follow the file; else `reload` has to be called. What somebody else keeps is always followed. */
  readonly watch: boolean;
  readonly logger: Logger;
  /** Resolves when whoever seals and opens tokens has these keys, `LoadedKeys.lines`. */
  readonly publish: (lines: readonly string[]) => Promise<void>;
}

export class SessionKeyStore {
  readonly #options: SessionKeyStoreOptions;
  readonly #reloads: Record<ReloadResult, number> = { published: 0, unchanged: 0, kept: 0 };
  #current: LoadedKeys | undefined;
  #watch: FileWatch | undefined;
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: SessionKeyStoreOptions) {
    this.#options = options;
  }

  /** What everybody has; undefined until `start` has resolved. */
  get current(): LoadedKeys | undefined {
    return this.#current;
  }

  /** Rejects with a SessionKeyError if the keys cannot be used. */
  async start(): Promise<void> {
    const { source, watch, publish } = this.#options;
    if (source.kind === "made") {
      this.#current = makeSessionKeys();
      await publish(this.#current.lines);
      return;
    }
    const reload = () => void this.reload();
    if (source.kind === "kept") {
      await this.#begin(source);
      source.keys.follow(reload);
      return;
    }
    const files = new FileSource([source.path]);
    // Before the file is read: what is written meanwhile is a change.
    const signature = await files.signature();
    await this.#begin(source);
    if (watch && !this.#stopped) this.#watch = new FileWatch(files, signature, reload);
  }

  async #begin(source: ReadableSource): Promise<void> {
    const loaded = await this.#read(source);
    await this.#options.publish(loaded.lines);
    this.#current = loaded;
  }

  /** Reads the keys again. Never rejects: keys that cannot be used leave everything as it is. */
  reload(): Promise<void> {
    this.#turn = this.#turn
      .then(() => this.#reload())
      .catch((error: Error) => {
        this.#reloads.kept++;
        const details = error instanceof SessionKeyError ? { reason: error.message } : { err: error };
        this.#options.logger.error(details, "the last good session keys stay");
      });
    return this.#turn;
  }

  stop(): void {
    this.#stopped = true;
    this.#watch?.stop();
  }

  samples(): MetricSample[] {
    const keyIds = this.#current?.ring.keyIds ?? [];
    return [
      ...keyIds.map((key, index) => ({
        name: "limpet_session_keys",
        labels: { key, use: index === 0 ? "seals" : "opens" },
        value: 1,
      })),
      ...Object.entries(this.#reloads).map(([result, value]) => ({
        name: "limpet_session_key_reloads_total",
        labels: { result },
        value,
      })),
    ];
  }

  async #reload(): Promise<void> {
    const { source, logger, publish } = this.#options;
    const before = this.#current;
    if (source.kind === "made" || before === undefined || this.#stopped) return;
    const loaded = await this.#read(source);
    if (loaded.lines.join() === before.lines.join()) {
      this.#reloads.unchanged++;
      return;
    }
    const learning = learningOrder(before.lines, loaded.lines);
    if (learning !== undefined) await publish(learning);
    await publish(loaded.lines);
    this.#current = loaded;
    this.#reloads.published++;
    const { keyIds } = loaded.ring;
    logger.info({ keys: keyIds }, "session keys published");
    if (!before.ring.keyIds.some((id) => keyIds.includes(id))) {
      logger.warn("none of the session keys before is left: every session begins anew");
    }
  }

  async #read(source: ReadableSource): Promise<LoadedKeys> {
    if (source.kind === "kept") return sessionKeysOf(await source.keys.read(), source.keys.place);
    const loaded = await readSessionKeys(source.path);
    if (loaded.warning !== undefined) this.#options.logger.warn(loaded.warning);
    return loaded;
  }
}

/**
 * What everybody gets before `next`, where its first key is one that nobody has: it seals as before, and opens what
 * `next` seals. So no worker meets a token of a key that it has not got yet. Undefined: `next` may come at once.
 */
export function learningOrder(
  before: readonly string[],
  next: readonly string[],
): readonly string[] | undefined {
  const [sealing] = before;
  if (sealing === undefined || next[0] === undefined || before.includes(next[0])) return undefined;
  return [sealing, ...next.filter((line) => line !== sealing)];
}
