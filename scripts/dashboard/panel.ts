// The words that the dashboard's table is written in: panels, and the queries that most of them ask.

/** In Grafana's words: requests, events or bytes a second, bytes, a share of 1, seconds, plain numbers. */
export type Unit = "reqps" | "cps" | "Bps" | "bytes" | "percentunit" | "s" | "short";

export interface Query {
  /** PromQL; the filters of the dashboard's variables are added to each of its metrics. */
  readonly expr: string;
  /** The name of its series, with `{{label}}` in it. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** What to make of it, where the help of its metrics does not say so. */
  readonly about?: string;
  /** For each series its last value, or its name, in place of a line. */
  readonly figure?: "value" | "name";
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export function panel(
  title: string,
  unit: Unit,
  queries: readonly Query[],
  more: Pick<Panel, "about" | "figure"> = {},
): Panel {
  return { title, unit, queries, ...more };
}

/** @param labels such as `route, backend`; empty: one series for all */
export function sum(labels: string, vector: string): string {
  return labels === "" ? `sum(${vector})` : `sum by (${labels}) (${vector})`;
}

export function rate(counter: string): string {
  return `rate(${counter}[$__rate_interval])`;
}

/** The gauge, summed over what is not in `labels`. */
export function sumBy(labels: string, gauge: string, legend = legendOf(labels)): Query {
  return { expr: sum(labels, gauge), legend };
}

/** So many a second. */
export function rateBy(labels: string, counter: string, legend = legendOf(labels)): Query {
  return { expr: sum(labels, rate(counter)), legend };
}

/** So many since the point before, for events that are rare. */
export function increaseBy(labels: string, counter: string): Query {
  return { expr: sum(labels, `increase(${counter}[$__rate_interval])`), legend: legendOf(labels) };
}

/** What part of all a second are such, 0 to 1. */
export function shareBy(labels: string, part: string, all: string): Query {
  return { expr: `${sum(labels, rate(part))} / ${sum(labels, rate(all))}`, legend: legendOf(labels) };
}

/** The value that this part of all stays below, as exact as the histogram's buckets are. @param part 0 to 1 */
export function quantileBy(labels: string, part: number, histogram: string): Query {
  const buckets = sum(`${labels}, le`, rate(`${histogram}_bucket`));
  return { expr: `histogram_quantile(${part}, ${buckets})`, legend: legendOf(labels) };
}

function legendOf(labels: string): string {
  return labels.replace(/\w+/g, "{{$&}}").replaceAll(",", "");
}
