// Writes the measured table into the documents that show it, between their markers.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { relative, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");

/** Answers with the names of the documents that were written. @param command stands in the markers */
export function record(table: string, command: string, documents: readonly string[]): string[] {
  const beginMarker = `<!-- ${command}: begin -->`;
  const files = documents.map((name) => resolve(ROOT, name)).filter((file) => existsSync(file));
  return files.flatMap((file) => {
    const text = readFileSync(file, "utf8");
    const begin = text.indexOf(beginMarker);
    const end = text.indexOf(`<!-- ${command}: end -->`);
    if (begin === -1 || end < begin) return [];
    writeFileSync(file, `${text.slice(0, begin + beginMarker.length)}\n\n${table}\n\n${text.slice(end)}`);
    return [relative(ROOT, file)];
  });
}
