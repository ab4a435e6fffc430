// Reads Prometheus' text format (0.0.4) as strictly as `promtool check metrics`: what it takes, any server takes.

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly series: readonly Series[];
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)/y;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[+-]Inf|NaN)$/i;

/** By name. Throws on the first line that is not as it should be. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let current: { name: string; help: string; type: string; series: Series[] } | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const refuse = (problem: string) => {
      throw new Error(`${problem}: ${line}`);
    };
    if (line === "") continue;
    const [, keyword, about = "", rest = ""] = new RegExp(`^# (HELP|TYPE) (${NAME}) (.*)$`).exec(line) ?? [];
    if (keyword === "HELP") {
      if (families.has(about)) refuse("a second HELP");
      if (/\\(?![\\n])/.test(rest)) refuse("an escape that is none");
      current = { name: about, help: rest, type: "", series: [] };
      families.set(about, current);
    } else if (keyword === "TYPE") {
      if (current?.name !== about || current.type !== "" || current.series.length > 0)
        refuse("a TYPE astray");
      if (!["counter", "gauge", "histogram"].includes(rest)) refuse("an unknown type");
      if (current !== undefined) current.type = rest;
    } else if (line.startsWith("#")) {
      refuse("a comment that is none");
    } else {
      const series = parseSeries(line) ?? refuse("no sample");
      if (current === undefined || series === undefined || !belongs(series.name, current)) {
        refuse("a sample outside of its family");
        continue;
      }
      const key = `${series.name} ${JSON.stringify(Object.entries(series.labels).sort())}`;
      if (seen.has(key)) refuse("a series that was there before");
      seen.add(key);
      if (current.type !== "gauge" && !(series.value >= 0)) refuse("a count below zero");
      current.series.push(series);
    }
  }
  for (const family of families.values()) check(family);
  return families;
}

/** The sum over the series of that name with these labels, among others; `name` may end in `_bucket`, `_sum`, `_count`. */
export function total(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ""));
  return (family?.series ?? [])
    .filter(
      (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
    )
    .reduce((sum, { value }) => sum + value, 0);
}

function parseSeries(line: string): Series | undefined {
  const [, name, , block = "", value] = new RegExp(`^(${NAME})(\\{(.*)\\})? (\\S+)$`).exec(line) ?? [];
  if (name === undefined || value === undefined || !VALUE.test(value)) return undefined;
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < block.length) {
    const match = LABEL.exec(block);
    if (match === null) return undefined;
    const [, label = "", escaped = ""] = match;
    if (Object.hasOwn(labels, label) || label.startsWith("__")) return undefined;
    labels[label] = escaped.replace(/\\(.)/g, (_, character: string) =>
      character === "n" ? "\n" : character,
    );
  }
  return { name, labels, value: numberOf(value) };
}

function numberOf(text: string): number {
  if (/inf/i.test(text)) return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}

function belongs(series: string, { name, type }: Family): boolean {
  if (type !== "histogram") return series === name;
  return [`${name}_bucket`, `${name}_sum`, `${name}_count`].includes(series);
}

function check({ name, type, help, series }: Family): void {
  if (type === "") throw new Error(`${name} has no type`);
  if (help === "") throw new Error(`${name} has no help`);
  if ((type === "counter") !== name.endsWith("_total")) throw new Error(`${name} is no name for a ${type}`);
  if (type === "histogram") checkHistogram(name, series);
}

/** For each set of labels: buckets that grow in bound and count up to +Inf, a sum, and a count that agrees with them. */
function checkHistogram(name: string, all: readonly Series[]): void {
  const groups = new Map<string, Series[]>();
  for (const series of all) {
    const { le: _, ...labels } = series.labels;
    const key = JSON.stringify(Object.entries(labels).sort());
    groups.set(key, [...(groups.get(key) ?? []), series]);
  }
  for (const [labels, series] of groups) {
    const refuse = (problem: string) => {
      throw new Error(`${name} ${labels}: ${problem}`);
    };
    const buckets = series.filter((one) => one.name === `${name}_bucket`);
    const bounds = buckets.map((one) => numberOf(one.labels["le"] ?? "NaN"));
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY) refuse("the last bucket is not +Inf");
    if (bounds.some((bound, index) => index > 0 && !(bound > (bounds[index - 1] as number)))) {
      refuse("bounds do not grow");
    }
    const counts = buckets.map(({ value }) => value);
    if (counts.some((count, index) => index > 0 && count < (counts[index - 1] as number))) {
      refuse("counts shrink");
    }
    const only = (suffix: string) => series.filter((one) => one.name === `${name}_${suffix}`);
    if (only("sum").length !== 1 || only("count").length !== 1) refuse("no sum, or no count");
    if (only("count")[0]?.value !== counts.at(-1)) refuse("the count is not that of +Inf");
  }
}
