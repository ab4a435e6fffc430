// Keeps the last good configuration, and decides whether what the files say now may take its place.
import type { Translation } from "../dialects/translation.ts";
import {
  diffSnapshots,
  EMPTY_SNAPSHOT,
  type Finding,
  isEmptyDelta,
  type ObjectStatus,
  type Snapshot,
} from "../model/index.ts";
import type { FileSet } from "./file-source.ts";

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

/** Files to a translation; `memory` is opaque and makes the next one quick. */
export type TranslateFiles<M> = (
  files: FileSet,
  memory: M | undefined,
) => { readonly translation: Translation; readonly memory: M };

export interface ConfigurationStoreOptions<M> {
  readonly read: () => Promise<FileSet>;
  readonly translate: TranslateFiles<M>;
  /** Any finding with severity error refuses the whole configuration. */
  readonly strict: boolean;
  readonly nowMs: () => number;
}

export class ConfigurationStore<M> {
  readonly #options: ConfigurationStoreOptions<M>;
  #current: LoadedConfiguration | undefined;
  #memory: M | undefined;
  /** What `accept` will make the current one, with the memory that goes with it. */
  #candidate: { configuration: LoadedConfiguration; memory: M; filled: ReadonlySet<string> } | undefined;
  /** Files that said something when they were last good. */
  #filled: ReadonlySet<string> = new Set();
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
    const files = await this.#options.read();
    const { translation, memory } = this.#options.translate(files, this.#memory);
    const { findings, statuses } = translation;
    const reasons = [...this.#emptied(files), ...refusals(translation, this.#options.strict)];
    if (reasons.length > 0) return { kind: "refused", reasons, findings };
    const before = this.#current?.snapshot ?? EMPTY_SNAPSHOT;
    const next: Snapshot = { ...translation.snapshot, version: this.#lastVersion + 1 };
    const unchanged = isEmptyDelta(diffSnapshots(before, next), before);
    const configuration = {
      snapshot: unchanged ? before : next,
      statuses,
      findings,
      loadedAtMs: this.#options.nowMs(),
    };
    const filled = new Set(files.files.filter((file) => !isBlank(file.text)).map((file) => file.name));
    this.#candidate = { configuration, memory, filled };
    return { kind: unchanged ? "unchanged" : "changed", configuration };
  }

  accept(configuration: LoadedConfiguration): void {
    if (this.#candidate?.configuration !== configuration) throw new Error("not what was loaded last");
    this.#current = configuration;
    this.#memory = this.#candidate.memory;
    this.#filled = this.#candidate.filled;
    this.#lastVersion = configuration.snapshot.version;
  }

  /** A file that is empty but was not is being written: it is no configuration yet. */
  #emptied(files: FileSet): string[] {
    return files.files
      .filter((file) => isBlank(file.text) && this.#filled.has(file.name))
      .map((file) => `${file.name} is empty: remove the file if that is meant`);
  }
}

function isBlank(text: string): boolean {
  return text.trim() === "";
}

function refusals({ findings, snapshot }: Translation, strict: boolean): string[] {
  const errors = findings.filter((finding) => finding.severity === "error");
  const fatal = strict ? errors : errors.filter((finding) => finding.code === "unreadable-file");
  const reasons = fatal.map((finding) => {
    const { source } = finding;
    return source === undefined ? finding.message : `${source.file}:${source.line}: ${finding.message}`;
  });
  if (reasons.length === 0 && snapshot.listeners.length === 0) {
    reasons.push("no Gateway has a listener that can be served");
  }
  return reasons;
}
