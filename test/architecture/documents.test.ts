// Holds the documents to the code: every file that they name is there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");

const DOCUMENTS = [
  "README.md",
  "CONTRIBUTING.md",
  ...markdownIn("docs"),
  ...markdownIn("examples"),
  ...markdownIn("src"),
];

function markdownIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));
}

/** Files that a document names: targets of relative links, and paths in backticks that begin at a folder of ours. */
function namedFiles(document: string): string[] {
  const text = readFileSync(join(ROOT, document), "utf8");
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target]) =>
    join(dirname(document), target as string),
  );
  const paths = [
    ...text.matchAll(/`((?:src|test|docs|examples|scripts|bench|testdata|grafana)\/[^`*<>{}\s]*)`/g),
  ].map(([, path]) => path as string);
  return [...links, ...paths];
}

test("every file that a document names is there", () => {
  const missing = DOCUMENTS.flatMap((document) =>
    namedFiles(document)
      .filter((file) => !existsSync(join(ROOT, file)))
      .map((file) => `${document}: ${relative("", file)}`),
  );
  expect(missing).toEqual([]);
  expect(DOCUMENTS.flatMap(namedFiles).length).toBeGreaterThan(50);
});

test("every decision is in the list of decisions", () => {
  const list = readFileSync(join(ROOT, "docs/adr/README.md"), "utf8");
  const pages = readdirSync(join(ROOT, "docs/adr")).filter((name) => /^\d{4}-/.test(name));
  expect(pages.filter((page) => !list.includes(`(${page})`))).toEqual([]);
  expect(pages.length).toBeGreaterThan(5);
});
