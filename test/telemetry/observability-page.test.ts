// The page on observability says nothing that is not so: its queries, its rules, its metrics, its fields.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { ACCESS_FIELDS } from "../../src/dataplane/access-fields.ts";
import { parseLogFormat } from "../../src/dataplane/access-format.ts";
import { METRICS } from "../../src/telemetry/index.ts";
import { readQuery } from "../support/promql.ts";

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
}

const ROOT = resolve(import.meta.dirname, "../..");
const PAGE = readFileSync(resolve(ROOT, "docs/observability.md"), "utf8");

const rules = blocks("yaml").flatMap((text) => {
  const { groups = [] } = parse(text) as { groups?: readonly { rules: readonly Rule[] }[] };
  return groups.flatMap((group) => group.rules);
});
const queries = blocks("promql").flatMap((text) =>
  text.split("\n").filter((line) => line !== "" && !line.startsWith("#")),
);

function blocks(language: string): string[] {
  return [...PAGE.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, kind, text = ""]) =>
    kind === language ? [text] : [],
  );
}

test.each(rules)("the alert $alert can fire, and says for whom", ({ expr, annotations, ...rule }) => {
  const { metrics, labels = new Set<string>() } = readQuery(expr);
  expect(metrics.size).toBeGreaterThan(0);
  const named = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
  expect([...labels]).toEqual(expect.arrayContaining(named));
  expect(expr).toMatch(/ unless | [<>=]=? [\d.]+\s*$/);
  expect(rule.for).toMatch(/^\d+m$/);
  expect(["page", "ticket"]).toContain(rule.labels.severity);
});

test("there are ten alerts", () => {
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(10);
});

test.each(queries)("%s", (query) => {
  expect(readQuery(query).metrics.size).toBeGreaterThan(0);
});

test("every metric that is named is there, and every one belongs to a group", () => {
  const names = Object.keys(METRICS);
  const patterns = patternsOf(PAGE);
  expect(patterns.filter((pattern) => !names.some((name) => pattern.test(name)))).toEqual([]);
  const groups = PAGE.split("\n").filter((line) => line.startsWith("| ") && line.includes("`limpet_"));
  const listed = patternsOf(groups.join("\n"));
  expect(names.filter((name) => !listed.some((pattern) => pattern.test(name)))).toEqual([]);
});

function patternsOf(text: string): RegExp[] {
  return [...text.matchAll(/`(limpet_[a-z_*]+)[`{]/g)].map(
    ([, name = ""]) => new RegExp(`^${name.replaceAll("*", "[a-z_]*")}$`),
  );
}

test("the table of the access log has its fields, in their order", () => {
  const section = PAGE.slice(PAGE.indexOf("## Access log"), PAGE.indexOf("## Trace context"));
  const fields = [...section.matchAll(/^\| `([a-z_.]+)` +\|/gm)].map(([, name]) => name);
  expect(fields).toEqual(Object.keys(ACCESS_FIELDS));
});

test("the format that is shown is one", () => {
  const [, format = ""] = /--access-log-format '([^']+)'/.exec(PAGE) ?? [];
  expect(() => parseLogFormat(format)).not.toThrow();
  expect(format).toContain("%{request_header.");
});

test("the attributes of spans are those that are set", () => {
  const source = readFileSync(resolve(ROOT, "src/dataplane/opentelemetry.ts"), "utf8");
  const set = [...source.matchAll(/"((?:[a-z_]+\.)+[a-z_]+)"/g)].map(([, name]) => name as string);
  const section = PAGE.slice(PAGE.indexOf("## Spans"));
  const rows = section.split("\n").filter((line) => /^\| (request|attempt)/.test(line));
  const told = [...rows.join("\n").matchAll(/`((?:[a-z_]+\.)+[a-z_]+)`/g)].map(([, name]) => name as string);
  expect([...new Set(told)].sort()).toEqual([...new Set(set)].sort());
});
