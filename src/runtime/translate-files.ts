// Files to a translation: reads their documents, translates them, and remembers both for the next reload.
import type { TranslationMemory } from "../dialects/memory.ts";
import { translate } from "../dialects/translate.ts";
import type { Translation } from "../dialects/translation.ts";
import { type DocumentMemory, readResources } from "../dialects/yaml/read-resources.ts";
import type { Finding } from "../model/index.ts";
import type { FileProblem, FileSet } from "./file-source.ts";

/** Opaque: hand it from one translation to the next. */
export interface FileMemory {
  readonly documents: ReadonlyMap<string, DocumentMemory>;
  readonly translation: TranslationMemory;
}

export interface TranslateFilesOptions {
  /** The process has session keys; the same for all translations that remember each other. */
  readonly sealTokens: boolean;
  /** Wall clock, for certificates that are out of their time. Default: now. */
  readonly nowMs?: number;
}

export function translateFiles(
  set: FileSet,
  before: FileMemory | undefined,
  { sealTokens, nowMs = Date.now() }: TranslateFilesOptions,
): { readonly translation: Translation; readonly memory: FileMemory } {
  const read = set.files.map(({ name, text }) => ({
    name,
    ...readResources(name, text, before?.documents.get(name)),
  }));
  const { memory, ...translation } = translate(
    read.flatMap(({ resources }) => resources),
    { nowMs, sealTokens },
    before?.translation,
  );
  const findings = [
    ...set.problems.map(problemFinding),
    ...read.flatMap((file) => file.findings),
    ...translation.findings,
  ];
  const documents = new Map(read.map((file) => [file.name, file.memory]));
  return { translation: { ...translation, findings }, memory: { documents, translation: memory } };
}

function problemFinding({ name, message }: FileProblem): Finding {
  return {
    code: "unreadable-file",
    severity: "error",
    path: "",
    source: { file: name, line: 1, column: 1 },
    message,
    expected: "a file or a folder that can be read",
    hint: "check the path and its permissions",
  };
}
