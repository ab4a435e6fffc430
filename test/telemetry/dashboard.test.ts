// The Grafana dashboard as it ships: queries that can show something, all metrics, and panels that lie side by side.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { METRICS } from "../../src/telemetry/index.ts";
import { readQuery } from "../support/promql.ts";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat: string;
  }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
}

const FILE = resolve(import.meta.dirname, "../../grafana/limpet.json");
const { panels, templating } = JSON.parse(readFileSync(FILE, "utf8")) as Dashboard;
const charts = panels.filter(({ type }) => type !== "row");
const targets = charts.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));

/** Metrics that no panel shows, and why. */
const NOT_SHOWN: Readonly<Record<string, string>> = {
  limpet_snapshot_loaded_time_seconds: "limpet_snapshot_age_seconds is shown, which is the same to a reader",
};

test.each(targets)("$title $refId: $expr", ({ expr, legendFormat }) => {
  const { metrics, labels } = readQuery(expr);
  expect(metrics.size).toBeGreaterThan(0);
  const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
  // Series that are told apart by a label that their names do not show look all the same.
  expect(named).toEqual(expect.arrayContaining([...(labels ?? [])].filter((label) => label !== "job")));
  expect([...(labels ?? [])]).toEqual(expect.arrayContaining(named));
});

test("every metric is shown, or there is a reason why not", () => {
  const shown = new Set(targets.flatMap(({ expr }) => [...readQuery(expr).metrics]));
  const missing = Object.keys(METRICS).filter((name) => !shown.has(name));
  expect(missing).toEqual(Object.keys(NOT_SHOWN));
});

test("every variable offers the values of a label that its metric has, and narrows all metrics with that label", () => {
  const variables = templating.list.filter(({ type }) => type === "query");
  expect(variables.map(({ name }) => name)).toEqual(["instance", "listener", "route", "backend"]);
  for (const { name, definition = "" } of variables) {
    const [, series = "", label] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
    expect(label).toBe(name);
    const [metric] = readQuery(series.includes("_total") ? `rate(${series}[5m])` : series).metrics;
    expect(labelsOf(metric)).toContain(name);
    for (const { expr } of targets) {
      for (const [, one, filters = ""] of expr.matchAll(/\b(limpet_\w+)\{([^}]*)\}/g)) {
        const isNarrowed = filters.includes(`${name}=~"$${name}"`);
        expect([expr, isNarrowed]).toEqual([expr, labelsOf(one).includes(name)]);
      }
    }
  }
});

test("every panel has an id of its own, a unit, a description and a place of its own within the grid", () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const taken = new Map<string, string>();
  for (const { title, gridPos } of panels) {
    const { x, y, w, h } = gridPos;
    expect([title, x >= 0 && x + w <= 24]).toEqual([title, true]);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        const cell = `${column} ${line}`;
        expect([cell, taken.get(cell)]).toEqual([cell, undefined]);
        taken.set(cell, title);
      }
    }
  }
  for (const { title, fieldConfig, description = "", targets: queries = [] } of charts) {
    expect([title, fieldConfig?.defaults.unit]).toEqual([title, expect.stringMatching(/^\w+$/)]);
    expect([title, description.length > 20]).toEqual([title, true]);
    expect([title, queries.length > 0]).toEqual([title, true]);
  }
  expect(charts.length).toBeGreaterThan(40);
});

function labelsOf(series = ""): readonly string[] {
  const name = Object.hasOwn(METRICS, series) ? series : series.replace(/_(bucket|sum|count)$/, "");
  return ["instance", ...METRICS[name as keyof typeof METRICS].labels];
}
