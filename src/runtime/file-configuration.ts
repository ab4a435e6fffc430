// The configuration in files: their documents, remembered from read to read, and a watch on them.
import type { DocumentMemory } from "../dialects/yaml/read-resources.ts";
import type { ConfigurationInput, ConfigurationSource } from "./configuration-source.ts";
import { type FileSet, FileSource } from "./file-source.ts";
import { FileWatch } from "./file-watch.ts";
import { readDocuments } from "./translate-files.ts";

export interface FileConfigurationOptions {
  /** Files and folders. */
  readonly paths: readonly string[];
  /** Follow them. */
  readonly watch: boolean;
  readonly sealTokens: boolean;
}

/** What goes with an input once it has been accepted. */
interface Remembered {
  readonly documents: ReadonlyMap<string, DocumentMemory>;
  /** Files that said something. */
  readonly filled: ReadonlySet<string>;
}

export class FileConfiguration implements ConfigurationSource {
  readonly isExacting = true;
  readonly #options: FileConfigurationOptions;
  readonly #source: FileSource;
  readonly #candidates = new WeakMap<ConfigurationInput, Remembered>();
  #good: Remembered | undefined;
  /** Signature of the files that were read last. */
  #signature = "";
  #watch: FileWatch | undefined;

  constructor(options: FileConfigurationOptions) {
    this.#options = options;
    this.#source = new FileSource(options.paths);
  }

  get description() {
    return { paths: this.#options.paths };
  }

  async read(): Promise<ConfigurationInput> {
    const files = await this.#source.read();
    this.#signature = files.signature;
    const { resources, findings, documents } = readDocuments(files, this.#good?.documents);
    const input: ConfigurationInput = {
      resources,
      findings,
      options: { sealTokens: this.#options.sealTokens },
      refusals: this.#emptied(files),
    };
    const filled = new Set(files.files.filter((file) => !isBlank(file.text)).map((file) => file.name));
    this.#candidates.set(input, { documents, filled });
    return input;
  }

  accepted(input: ConfigurationInput): void {
    this.#good = this.#candidates.get(input);
  }

  follow(onChange: () => Promise<void>): void {
    if (!this.#options.watch) return;
    this.#watch = new FileWatch(this.#source, this.#signature, () => void onChange());
  }

  /** Replicas that read files have nothing to do for each other. */
  resign(): void {}

  samples(): [] {
    return [];
  }

  async stop(): Promise<void> {
    this.#watch?.stop();
  }

  /** A file that is empty but was not is being written: it is no configuration yet. */
  #emptied(files: FileSet): string[] {
    return files.files
      .filter((file) => isBlank(file.text) && this.#good?.filled.has(file.name))
      .map((file) => `${file.name} is empty: remove the file if that is meant`);
  }
}

function isBlank(text: string): boolean {
  return text.trim() === "";
}
