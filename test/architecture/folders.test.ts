// Enforces which folder may import which: the arrows of the architecture, read from the import specifiers.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { describe, expect, test } from "vitest";

const SOURCE = resolve(import.meta.dirname, "../../src");

/** Folder under src/ -> folders that it may import. Every folder may import itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  model: [],
  affinity: ["model"],
  routing: ["model"],
  dialects: ["model"],
  inspect: ["model", "affinity", "routing", "dialects"],
  dataplane: ["model", "routing", "affinity", "telemetry"],
  xds: ["model", "telemetry"],
  extproc: ["model", "affinity", "telemetry", "xds"],
  kubernetes: ["model", "dialects", "telemetry"],
  telemetry: [],
  demo: ["telemetry"],
  runtime: [
    "model",
    "affinity",
    "routing",
    "dialects",
    "inspect",
    "dataplane",
    "xds",
    "extproc",
    "kubernetes",
    "telemetry",
    "demo",
  ],
  cli: [
    "model",
    "affinity",
    "routing",
    "dialects",
    "inspect",
    "dataplane",
    "xds",
    "extproc",
    "kubernetes",
    "telemetry",
    "demo",
    "runtime",
  ],
};

/** Pure folders compute: what they know comes in as arguments. Node's built-in modules stand for the outside world. */
const ALLOWED_MODULES: Record<string, readonly string[]> = {
  model: [],
  affinity: ["node:crypto"],
  routing: [],
  // node:crypto and node:tls read certificates and say whether the TLS library takes them: texts in, verdicts out.
  dialects: ["zod", "yaml", "node:crypto", "node:tls"],
  inspect: [],
};

/** Only tests may use it. */
const SUPPORT = resolve(SOURCE, "../test/support");

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|import\(\s*"([^"]+)"\s*\)|(?:^|\n)import\s+"([^"]+)"/g;

function sourceFiles(): string[] {
  return readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(SOURCE, name));
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(IMPORT)].map((match) => (match[1] ?? match[2] ?? match[3]) as string);
}

function folderOf(file: string): string {
  return relative(SOURCE, file).split(sep)[0] as string;
}

const files = sourceFiles();

describe("folders", () => {
  test("every folder under src has a row in the table", () => {
    const folders = new Set(files.map(folderOf));
    expect([...folders].filter((folder) => !(folder in MAY_IMPORT))).toEqual([]);
    expect(files.length).toBeGreaterThan(10);
  });

  test("imports follow the arrows of the table", () => {
    const violations: string[] = [];
    for (const file of files) {
      const from = folderOf(file);
      for (const specifier of importsOf(file).filter((name) => name.startsWith("."))) {
        const target = resolve(dirname(file), specifier);
        if (file.endsWith(".test.ts") && dirname(target) === SUPPORT) continue;
        const to = folderOf(target);
        if (to !== from && !MAY_IMPORT[from]?.includes(to)) {
          violations.push(`${relative(SOURCE, file)} imports ${specifier}`);
        }
      }
    }
    expect(violations).toEqual([]);
  });

  test("pure folders import no module that reaches outside", () => {
    const violations: string[] = [];
    for (const file of files.filter((name) => !name.endsWith(".test.ts"))) {
      const allowed = ALLOWED_MODULES[folderOf(file)];
      if (allowed === undefined) continue;
      for (const specifier of importsOf(file).filter((name) => !name.startsWith("."))) {
        if (!allowed.includes(specifier)) violations.push(`${relative(SOURCE, file)} imports ${specifier}`);
      }
    }
    expect(violations).toEqual([]);
  });

  test("pure folders read no clock, no randomness and no environment", () => {
    const reach = /\bDate\.now\(|new Date\(\)|\bMath\.random\(|\bprocess\.[a-z]|performance\.now\(/;
    const violations = files
      .filter((file) => folderOf(file) in ALLOWED_MODULES && !file.endsWith(".test.ts"))
      .filter((file) => reach.test(readFileSync(file, "utf8")))
      .map((file) => relative(SOURCE, file));
    expect(violations).toEqual([]);
  });
});

describe("files", () => {
  test("every file opens with one sentence that says what it is for", () => {
    const silent = files.filter((file) => {
      const text = readFileSync(file, "utf8").replace(/^#!.*\n/, "");
      return !/^\/\/ \S.*[.:]/.test(text);
    });
    expect(silent.map((file) => relative(SOURCE, file))).toEqual([]);
  });

  test("no file is called utils or manager", () => {
    const named = files.filter((file) => /util|manager|helper/i.test(relative(SOURCE, file)));
    expect(named.map((file) => relative(SOURCE, file))).toEqual([]);
  });
});
