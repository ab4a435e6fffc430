// Keeps the last good configuration, and decides whether what its source says now may take its place.
import type { Resource, TranslateOptions, Translation } from "../dialects/translation.ts";
import {
  diffSnapshots,
  EMPTY_SNAPSHOT,
  type Finding,
  isEmptyDelta,
  type ObjectStatus,
  type Snapshot,
} from "../model/index.ts";
import type { ConfigurationInput, ConfigurationSource } from "./configuration-source.ts";
import { reasonText } from "./finding-log.ts";

export interface LoadedConfiguration {
  readonly snapshot: Snapshot;
  readonly statuses: readonly ObjectStatus[];
  readonly findings: readonly Finding[];
  /** Milliseconds since 1970. */
  readonly loadedAtMs: number;
}

export type LoadOutcome =
  | { readonly kind: "changed"; readonly configuration: LoadedConfiguration }
  /** The same snapshot; findings and statuses may differ. */
  | { readonly kind: "unchanged"; readonly configuration: LoadedConfiguration }
  /** The last good configuration stays. */
  | { readonly kind: "refused"; readonly reasons: readonly string[]; readonly findings: readonly Finding[] };

/** As the dialects' `translate`; `memory` makes the next one quick. */
export type Translate<M> = (
  resources: readonly Resource[],
  options: TranslateOptions,
  before: M | undefined,
) => Translation & { readonly memory: M };

export interface ConfigurationStoreOptions<M> {
  readonly source: Pick<ConfigurationSource, "isExacting" | "read" | "accepted">;
  readonly translate: Translate<M>;
  /** Any finding with severity error refuses the whole configuration. */
  readonly strict: boolean;
  readonly nowMs: () => number;
}

/** What was loaded last, with all that goes with it once it is served. */
interface Candidate<M> {
  readonly configuration: LoadedConfiguration;
  readonly input: ConfigurationInput;
  readonly translation: Translation;
  readonly memory: M;
}

export class ConfigurationStore<M> {
  readonly #options: ConfigurationStoreOptions<M>;
  #current: LoadedConfiguration | undefined;
  #memory: M | undefined;
  #candidate: Candidate<M> | undefined;
  #lastVersion = 0;

  constructor(options: ConfigurationStoreOptions<M>) {
    this.#options = options;
  }

  /** The last good one; undefined until the first `accept`. */
  get current(): LoadedConfiguration | undefined {
    return this.#current;
  }

  /** Reads and translates. What it answers becomes current with `accept`, once the workers serve it. */
  async load(): Promise<LoadOutcome> {
    const { source, nowMs } = this.#options;
    const input = await source.read();
    const options = { ...input.options, nowMs: nowMs() };
    const { memory, ...translated } = this.#options.translate(input.resources, options, this.#memory);
    const findings = [...input.findings, ...translated.findings];
    const translation = { ...translated, findings };
    const reasons = [...input.refusals, ...this.#refusals(translation)];
    if (reasons.length > 0) return { kind: "refused", reasons, findings };
    const before = this.#current?.snapshot ?? EMPTY_SNAPSHOT;
    const next: Snapshot = { ...translation.snapshot, version: this.#lastVersion + 1 };
    const isFirst = this.#current === undefined;
    const unchanged = !isFirst && isEmptyDelta(diffSnapshots(before, next), before);
    const configuration = {
      snapshot: unchanged ? before : next,
      statuses: translation.statuses,
      findings,
      loadedAtMs: nowMs(),
    };
    this.#candidate = { configuration, input, translation, memory };
    return { kind: unchanged ? "unchanged" : "changed", configuration };
  }

  /** @param unbound by id of a listener: why nobody can connect to it */
  accept(configuration: LoadedConfiguration, unbound: ReadonlyMap<string, string> = new Map()): void {
    const candidate = this.#candidate;
    if (candidate?.configuration !== configuration) throw new Error("not what was loaded last");
    this.#current = configuration;
    this.#memory = candidate.memory;
    this.#lastVersion = configuration.snapshot.version;
    this.#options.source.accepted(candidate.input, candidate.translation, unbound);
  }

  #refusals({ findings, snapshot }: Translation): string[] {
    const errors = findings.filter((finding) => finding.severity === "error");
    const { strict, source } = this.#options;
    const fatal = strict ? errors : errors.filter((finding) => finding.code === "unreadable-file");
    const reasons = fatal.map(reasonText);
    if (reasons.length === 0 && source.isExacting && snapshot.listeners.length === 0) {
      reasons.push("no Gateway has a listener that can be served");
    }
    return reasons;
  }
}
