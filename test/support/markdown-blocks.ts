// The code blocks of a document, so that tests play what people are told to type.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

/** Text of the first block of the language that contains all of these. Throws where there is none. */
export function codeBlock(document: string, language: string, ...parts: readonly string[]): string {
  const text = readFileSync(resolve(ROOT, document), "utf8");
  const blocks = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].filter(([, name]) => name === language);
  const found = blocks
    .map(([, , code]) => code as string)
    .find((code) => parts.every((part) => code.includes(part)));
  if (found === undefined)
    throw new Error(`${document} has no block of ${language} with ${parts.join(" and ")}`);
  return found;
}
