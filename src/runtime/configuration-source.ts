// Where a configuration comes from, files or an API server: read, followed, and told what became of it.
import type { Resource, TranslateOptions, Translation } from "../dialects/translation.ts";
import type { Finding } from "../model/index.ts";
import type { MetricSample } from "../telemetry/index.ts";
import type { SessionKeySource } from "./session-key-store.ts";

/** What a source says at one moment. */
export interface ConfigurationInput {
  readonly resources: readonly Resource[];
  readonly options: Omit<TranslateOptions, "nowMs">;
  /** What there is to tell before any translation. */
  readonly findings: readonly Finding[];
  /** Why this is no configuration to serve, one line each. */
  readonly refusals: readonly string[];
}

export interface ConfigurationSource {
  /** For the log: where it comes from. */
  readonly description: Readonly<Record<string, unknown>>;
  /**
   * Somebody started the process for this very configuration, and is told at once where nothing of it can be served, or a
   * port is taken. Else what can be served is served, and the rest is waited for.
   */
  readonly isExacting: boolean;
  /** What session tokens are sealed with where the options do not say. */
  readonly sessionKeys?: SessionKeySource;
  /** What it says now, as soon as all of it is known. May reject once it is stopped. */
  read(): Promise<ConfigurationInput>;
  /** What was read is served, but for the listeners that could not be bound: by their ids, the reasons. */
  accepted(input: ConfigurationInput, translation: Translation, unbound: ReadonlyMap<string, string>): void;
  /** Calls `onChange` when it says something else than what was read last. */
  follow(onChange: () => Promise<void>): void;
  /** The process ends soon: it reads on, and leaves to others what one of all replicas does. */
  resign(): void;
  samples(): MetricSample[];
  /** Nothing is read or written any more. */
  stop(): Promise<void>;
}
