// Writes the pages of docs/ that are made from registries; with --check it only tells which of them are out of date.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { flagSyntax } from "../src/cli/flag-options.ts";
import { type FlagTable, OUTPUT_FLAGS } from "../src/cli/flags.ts";
import { COMMANDS } from "../src/cli/main.ts";
import { ERRORS, type ErrorKind } from "../src/dataplane/respond.ts";
import { FINDING_CODES } from "../src/model/index.ts";
import { METRICS } from "../src/telemetry/index.ts";
import { markdownTable } from "./markdown-table.ts";

const DOCS = resolve(import.meta.dirname, "..", "docs");

const PAGES: Readonly<Record<string, () => string>> = {
  "cli.md": cliPage,
  "errors.md": errorsPage,
  "findings.md": findingsPage,
  "metrics.md": metricsPage,
};

function cliPage(): string {
  const sections = COMMANDS.map((command) => {
    if (command.run === undefined)
      return `## limpet ${command.name}\n\n${command.summary} Not built yet: exits 2.`;
    const examples = command.examples.map(([line, does]) => `${line}  # ${does}`).join("\n");
    return [
      `## limpet ${command.name}`,
      command.summary,
      `\`\`\`sh\n${examples}\n\`\`\``,
      flagTable(command.flags),
    ].join("\n\n");
  });
  const common = `## Every command\n\n${flagTable(OUTPUT_FLAGS)}`;
  const codes = "Exit codes: 0 done, 1 the configuration or the input is wrong, 2 usage.";
  return page("Command line", "src/cli/flags.ts", [codes, ...sections, common].join("\n\n"));
}

function flagTable(flags: FlagTable): string {
  const rows = Object.entries(flags).map(([name, flag]) => [
    `\`${flagSyntax(name, flag)}\``,
    flag.default === undefined ? "" : `\`${flag.default}\``,
    flag.notBuilt ? `${flag.help} Not built yet: exits 2.` : flag.help,
  ]);
  return markdownTable(["flag", "default", "meaning"], rows);
}

function errorsPage(): string {
  const rows = Object.entries<ErrorKind>(ERRORS).map(([code, { status, text }]) => [
    `\`${code}\``,
    String(status),
    text,
  ]);
  const about =
    "Every way in which a request ends without an endpoint's own answer. The code is the field `error` of the access " +
    "log and a label of `limpet_errors_total`. Status 499 is logged and never sent: the client was gone.";
  const body = `${about}\n\n${markdownTable(["code", "status", "what the client is told"], rows)}`;
  return page("Errors", "src/dataplane/respond.ts", body);
}

function findingsPage(): string {
  const rows = Object.entries(FINDING_CODES).map(([code, kind]) => [
    `\`${code}\``,
    kind.severity,
    kind.meaning,
  ]);
  const about =
    "What `limpet validate` and the log can say about a configuration. An `error` cannot be read or breaks a rule, a " +
    "`warning` is valid and not honoured as written.";
  return page(
    "Findings",
    "src/model/finding-codes.ts",
    `${about}\n\n${markdownTable(["code", "severity", "meaning"], rows)}`,
  );
}

function metricsPage(): string {
  const rows = Object.entries(METRICS).map(([name, kind]) => [
    `\`${name}\``,
    kind.type,
    kind.labels.map((label) => `\`${label}\``).join(", "),
    kind.help,
  ]);
  const about = "Served at `/metrics` of the admin port, summed over all workers.";
  return page(
    "Metrics",
    "src/telemetry/metrics.ts",
    `${about}\n\n${markdownTable(["metric", "type", "labels", "meaning"], rows)}`,
  );
}

function page(title: string, source: string, body: string): string {
  return `<!-- Generated from ${source} by npm run generate. -->\n# ${title}\n\n${body}\n`;
}

function current(name: string): string | undefined {
  try {
    return readFileSync(resolve(DOCS, name), "utf8");
  } catch {
    return undefined;
  }
}

const outdated = Object.entries(PAGES).filter(([name, make]) => current(name) !== make());
if (process.argv.includes("--check")) {
  for (const [name] of outdated) process.stderr.write(`docs/${name} is out of date: npm run generate\n`);
  process.exitCode = outdated.length > 0 ? 1 : 0;
} else {
  for (const [name, make] of outdated) writeFileSync(resolve(DOCS, name), make());
}
