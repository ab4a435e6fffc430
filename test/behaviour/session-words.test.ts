// The words for what becomes of a session are the same everywhere: in the code, the metrics and the documents.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { SESSION_OUTCOMES } from "../../src/affinity/decision.ts";
import { Traffic } from "../../src/dataplane/traffic.ts";
import { METRICS } from "../../src/telemetry/index.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../docs/sessions.md"), "utf8");

test("metrics count the outcomes of decisions, by their names", () => {
  const traffic = new Traffic();
  const { outcomes } = traffic.affinity("HTTPRoute/default/shop");
  expect(Object.keys(outcomes)).toEqual([...SESSION_OUTCOMES]);
  for (const outcome of SESSION_OUTCOMES) outcomes[outcome] += 1;
  const labels = traffic
    .samples()
    .filter(({ name }) => name === "limpet_session_outcomes_total")
    .map((sample) => sample.labels.outcome);
  expect(labels).toEqual([...SESSION_OUTCOMES]);
  const words = SESSION_OUTCOMES.slice(0, -1).join(", ");
  expect(METRICS.limpet_session_outcomes_total.help).toContain(`${words} or ${SESSION_OUTCOMES.at(-1)}`);
});

test("the page on sessions has a row for each, in that order, and no other", () => {
  const table = page.slice(page.indexOf("## Outcomes"), page.indexOf("## What happens when"));
  expect([...table.matchAll(/^\| `(\w+)`/gm)].map(([, outcome]) => outcome)).toEqual([...SESSION_OUTCOMES]);
});

test("the diagram on that page shows all of them", () => {
  const diagram = page.slice(page.indexOf("stateDiagram-v2"), page.indexOf("## Outcomes"));
  for (const outcome of SESSION_OUTCOMES) expect(diagram).toMatch(new RegExp(`: .*\\b${outcome}\\b`));
});
