// Makes the Grafana dashboard (classic model, schema version 42) of the table of its rows.
import { METRICS, type MetricKind } from "../../src/telemetry/index.ts";
import type { Panel, Query } from "./panel.ts";
import { ROWS } from "./rows.ts";

const GRID_WIDTH = 24;
const PANEL_HEIGHT = 8;
const PANELS_A_LINE = 3;

/** Grafana puts the variable in. */
const DATASOURCE = { type: "prometheus", uid: `\${datasource}` };

/** What the dashboard can be narrowed to, and whose values are offered: each is a filter of all metrics with that label. */
const VARIABLES: Readonly<Record<string, string>> = {
  instance: "limpet_build_info",
  listener: "limpet_listener_requests_total",
  route: "limpet_requests_total",
  backend: "limpet_requests_total",
};
/** Prometheus says it of whatever it scrapes. */
const INSTANCE = "instance";

const SERIES = /\b(limpet_[a-z_]+)(?:\{([^}]*)\})?/g;

export function dashboardJson(): string {
  const dashboard = {
    uid: "limpet",
    title: "Limpet",
    description: "Traffic, sessions, endpoints and processes of Limpet, from the metrics of its admin port.",
    tags: ["limpet", "gateway"],
    schemaVersion: 42,
    editable: true,
    graphTooltip: 1,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    timepicker: {},
    timezone: "browser",
    links: [],
    annotations: { list: [] },
    templating: { list: [datasourceVariable(), ...Object.keys(VARIABLES).map(queryVariable)] },
    panels: laidOut(),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

function datasourceVariable() {
  return { name: "datasource", label: "Data source", type: "datasource", query: "prometheus", refresh: 1 };
}

function queryVariable(label: string) {
  const filter = label === INSTANCE ? "" : `{${filterOf(INSTANCE)}}`;
  const query = `label_values(${VARIABLES[label]}${filter}, ${label})`;
  return {
    name: label,
    label: `${label.charAt(0).toUpperCase()}${label.slice(1)}`,
    type: "query",
    datasource: DATASOURCE,
    definition: query,
    query: { qryType: 1, query, refId: "PrometheusVariableQueryEditor-VariableQuery" },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    // Not the list of all values: that would leave out what has none, such as requests that found no route.
    allValue: ".*",
    current: { text: ["All"], value: ["$__all"] },
  };
}

/** Rows from top to bottom, each with its panels in lines that are filled. */
function laidOut(): object[] {
  const panels: object[] = [];
  let y = 0;
  for (const { title, panels: inRow } of ROWS) {
    const gridPos = { x: 0, y, w: GRID_WIDTH, h: 1 };
    panels.push({ id: panels.length + 1, type: "row", title, collapsed: false, gridPos, panels: [] });
    y += 1;
    for (const line of linesOf(inRow)) {
      const w = GRID_WIDTH / line.length;
      line.forEach((panel, index) => {
        panels.push({
          id: panels.length + 1,
          ...panelOf(panel),
          gridPos: { x: index * w, y, w, h: PANEL_HEIGHT },
        });
      });
      y += PANEL_HEIGHT;
    }
  }
  return panels;
}

/** As few lines as will do, of much the same length. */
function linesOf(panels: readonly Panel[]): (readonly Panel[])[] {
  const lines: (readonly Panel[])[] = [];
  const count = Math.ceil(panels.length / PANELS_A_LINE);
  let at = 0;
  for (let left = count; left > 0; left--) {
    const length = Math.ceil((panels.length - at) / left);
    lines.push(panels.slice(at, at + length));
    at += length;
  }
  return lines;
}

function panelOf(panel: Panel): object {
  const { title, unit, queries, figure } = panel;
  return {
    type: figure === undefined ? "timeseries" : "stat",
    title,
    description: descriptionOf(panel),
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit, min: 0, ...(figure === undefined ? LINES : {}) }, overrides: [] },
    options: figure === undefined ? LINE_OPTIONS : { ...FIGURE_OPTIONS, textMode: figure },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + index),
      datasource: DATASOURCE,
      editorMode: "code",
      expr: filtered(expr),
      legendFormat: legend,
      range: figure === undefined,
      instant: figure !== undefined,
    })),
  };
}

const LINES = { custom: { lineWidth: 1, fillOpacity: 10, showPoints: "never", spanNulls: false } };

const LINE_OPTIONS = {
  legend: { showLegend: true, displayMode: "list", placement: "bottom", calcs: [] },
  tooltip: { mode: "multi", sort: "desc" },
};

const FIGURE_OPTIONS = {
  colorMode: "none",
  graphMode: "none",
  justifyMode: "auto",
  orientation: "auto",
  reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
};

/** What the table says, and the help of each metric. */
function descriptionOf({ about, queries }: Panel): string {
  const helps = [...new Set(queries.flatMap(metricsOf))].map((name) => `\`${name}\`: ${kindOf(name).help}`);
  return [...(about === undefined ? [] : [about]), ...helps].join("\n\n");
}

function metricsOf({ expr }: Query): string[] {
  return [...expr.matchAll(SERIES)].map(([, series]) => metricOf(series as string));
}

/** With the filters of all variables that the metric has a label for. */
function filtered(expr: string): string {
  return expr.replace(SERIES, (_, series: string, own: string | undefined) => {
    const { labels } = kindOf(metricOf(series));
    const variables = Object.keys(VARIABLES).filter((name) => name === INSTANCE || labels.includes(name));
    return `${series}{${[...(own === undefined ? [] : [own]), ...variables.map(filterOf)].join(", ")}}`;
  });
}

function filterOf(label: string): string {
  return `${label}=~"$${label}"`;
}

/** The name of a metric, of which a series of a histogram is a part. */
function metricOf(series: string): string {
  return Object.hasOwn(METRICS, series) ? series : series.replace(/_(bucket|sum|count)$/, "");
}

function kindOf(name: string): MetricKind {
  if (!Object.hasOwn(METRICS, name)) throw new Error(`the dashboard asks for ${name}, which is no metric`);
  return METRICS[name as keyof typeof METRICS];
}
