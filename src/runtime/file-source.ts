// Finds and reads the configuration files that `-f` names, and tells when they have changed.
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { extname, join } from "node:path";

export interface SourceFile {
  /** The path as it was given, or found below a given folder: what findings print. */
  readonly name: string;
  readonly text: string;
}

/** A path that could not be read. */
export interface FileProblem {
  readonly name: string;
  readonly message: string;
}

export interface FileSet {
  /** Sorted by name within each given folder; a file that several paths reach appears once. */
  readonly files: readonly SourceFile[];
  readonly problems: readonly FileProblem[];
  /** Differs from another set's exactly if a file came, went, was written, or can be read where it could not, in between. */
  readonly signature: string;
}

const EXTENSIONS = new Set([".yaml", ".yml", ".json"]);

interface FoundFile {
  readonly name: string;
  /** Identity and times of the file that the name leads to now. */
  readonly stamp: string;
}

type ReadText = (path: string) => Promise<string>;

/** Files and folders on the disk; folders are searched in depth for .yaml, .yml and .json. */
export class FileSource {
  readonly #paths: readonly string[];
  readonly #readText: ReadText;
  /** Names of files that are there, and could not be read when they were last tried. */
  readonly #unread = new Set<string>();

  constructor(paths: readonly string[], readText: ReadText = (path) => readFile(path, "utf8")) {
    this.#paths = paths;
    this.#readText = readText;
  }

  /** Never rejects: what cannot be read is a problem of the set. */
  async read(): Promise<FileSet> {
    const { found, problems, signature } = await this.#search();
    const files: SourceFile[] = [];
    this.#unread.clear();
    for (const { name } of found) {
      try {
        files.push({ name, text: await this.#readText(name) });
      } catch (error) {
        problems.push({ name, message: systemReason(error) });
        this.#unread.add(name);
      }
    }
    const unread = [...this.#unread].map((name) => `${name} is unread`);
    return { files, problems, signature: [signature, ...unread].join("\n") };
  }

  /**
   * The signature that `read` would give, but for files that could not be read when they were last tried. A disk or a
   * network may fail for a while (EIO, EMFILE), and nothing about the file is another then: so those are tried again.
   */
  async signature(): Promise<string> {
    const { found, signature } = await this.#search();
    const tried: string[] = [];
    for (const { name } of found) {
      if (!this.#unread.has(name)) continue;
      const state = await this.#readText(name).then(
        () => "can be read",
        () => "is unread",
      );
      tried.push(`${name} ${state}`);
    }
    return [signature, ...tried].join("\n");
  }

  async #search(): Promise<{ found: FoundFile[]; problems: FileProblem[]; signature: string }> {
    const search = new Search();
    for (const path of this.#paths) await search.visit(path, true);
    const stamps = search.found.map((file) => `${file.name} ${file.stamp}`);
    const failures = search.problems.map((problem) => `${problem.name} ${problem.message}`);
    return { found: search.found, problems: search.problems, signature: [...stamps, ...failures].join("\n") };
  }
}

class Search {
  readonly found: FoundFile[] = [];
  readonly problems: FileProblem[] = [];
  /** Real paths, against links that lead in circles and paths that overlap. */
  readonly #seen = new Set<string>();

  async visit(path: string, given: boolean): Promise<void> {
    try {
      // Through links: a ConfigMap's files are links into a folder that is swapped as a whole.
      const stats = await stat(path, { bigint: true });
      const real = await realpath(path);
      if (this.#seen.has(real)) return;
      this.#seen.add(real);
      if (stats.isDirectory()) {
        await this.#visitFolder(path);
      } else if (given || (stats.isFile() && EXTENSIONS.has(extname(path).toLowerCase()))) {
        const stamp = [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(":");
        this.found.push({ name: path, stamp });
      }
    } catch (error) {
      // A file that went while its folder was searched is gone, which is no problem of its own.
      if (given || (error as NodeJS.ErrnoException).code !== "ENOENT") {
        this.problems.push({ name: path, message: systemReason(error) });
      }
    }
  }

  async #visitFolder(path: string): Promise<void> {
    const names = await readdir(path);
    // Hidden names are editors' swap files, and `..data` with the versions of a ConfigMap behind it.
    for (const name of names.filter((entry) => !entry.startsWith(".")).sort()) {
      await this.visit(join(path, name), false);
    }
  }
}

const REASONS: Record<string, string> = {
  ENOENT: "no such file or folder",
  EACCES: "no permission to read it",
  EISDIR: "is a folder",
  ELOOP: "its links lead in a circle",
};

/** The system's error in words. */
export function systemReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ""] ?? message;
}
