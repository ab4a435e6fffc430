// Files to resources and, for commands that look at them once, on to a translation.
import { translate } from "../dialects/translate.ts";
import type { Resource, Translation } from "../dialects/translation.ts";
import { type DocumentMemory, readResources } from "../dialects/yaml/read-resources.ts";
import type { Finding } from "../model/index.ts";
import type { FileProblem, FileSet } from "./file-source.ts";

export interface Documents {
  readonly resources: readonly Resource[];
  /** What kept documents and files from being read. */
  readonly findings: readonly Finding[];
  /** By name of the file; hand it to the next read. */
  readonly documents: ReadonlyMap<string, DocumentMemory>;
}

export function readDocuments(
  set: FileSet,
  before: ReadonlyMap<string, DocumentMemory> | undefined,
): Documents {
  const read = set.files.map(({ name, text }) => ({
    name,
    ...readResources(name, text, before?.get(name)),
  }));
  return {
    resources: read.flatMap(({ resources }) => resources),
    findings: [...set.problems.map(problemFinding), ...read.flatMap(({ findings }) => findings)],
    documents: new Map(read.map(({ name, memory }) => [name, memory])),
  };
}

export interface TranslateFilesOptions {
  /** The process that serves the files has session keys. */
  readonly sealTokens: boolean;
  /** Wall clock, for certificates that are out of their time. Default: now. */
  readonly nowMs?: number;
}

export function translateFiles(
  set: FileSet,
  { sealTokens, nowMs = Date.now() }: TranslateFilesOptions,
): Translation {
  const { resources, findings } = readDocuments(set, undefined);
  const { memory: _, ...translation } = translate(resources, { nowMs, sealTokens });
  return { ...translation, findings: [...findings, ...translation.findings] };
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
