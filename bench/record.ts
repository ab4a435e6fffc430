// Writes the measured table into the documents that show it, between their markers.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { relative, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const DOCUMENTS: readonly string[] = ["README.md", "docs/benchmark.md"].map((name) => resolve(ROOT, name));
const BEGIN = "<!-- npm run bench: begin -->";
const END = "<!-- npm run bench: end -->";

/** Names of the documents that were written. */
export function record(table: string): string[] {
  return DOCUMENTS.filter((file) => existsSync(file)).flatMap((file) => {
    const text = readFileSync(file, "utf8");
    const begin = text.indexOf(BEGIN);
    const end = text.indexOf(END);
    if (begin === -1 || end < begin) return [];
    writeFileSync(file, `${text.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${text.slice(end)}`);
    return [relative(ROOT, file)];
  });
}
