// Reads PromQL as far as our own queries use it, and refuses what a server would answer with an error or with nothing.
import { METRICS, type MetricKind } from "../../src/telemetry/index.ts";

export interface QueryReading {
  /** Of `METRICS`. */
  readonly metrics: ReadonlySet<string>;
  /** What its series are told apart by; undefined: it is a number. */
  readonly labels: ReadonlySet<string> | undefined;
}

/** Throws an Error that says what is wrong. */
export function readQuery(text: string): QueryReading {
  const reader = new Reader(text);
  const value = reader.read();
  return { metrics: reader.metrics, labels: value.kind === "number" ? undefined : value.labels };
}

type Value =
  | { readonly kind: "number" }
  | { readonly kind: "vector"; readonly labels: ReadonlySet<string> }
  | { readonly kind: "range"; readonly labels: ReadonlySet<string>; readonly counts: boolean };
type Vector = Extract<Value, { kind: "vector" }>;

/** What Prometheus says of every series by itself. */
const TARGET_LABELS = ["instance", "job"];
/** From the weakest to the strongest. */
const OPERATORS = [["or"], ["and", "unless"], ["==", "!=", ">", "<", ">=", "<="], ["+", "-"], ["*", "/"]];
const SETS = new Set(["or", "and", "unless"]);
const AGGREGATIONS = new Set(["sum", "min", "max", "avg", "count"]);

const TOKEN =
  /\s*(?:(?<number>\d+(?:\.\d+)?)|(?<text>"[^"\\]*")|(?<range>\[(?:\d+[smhd]|\$__rate_interval)\])|(?<word>[a-zA-Z_]\w*)|(?<mark>[=!><]=|=~|!~|[-+*/(){},=<>]))/y;

interface Token {
  readonly kind: string;
  readonly text: string;
}

class Reader {
  readonly metrics = new Set<string>();
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  read(): Value {
    const value = this.#operation(0);
    if (this.#at < this.#tokens.length) this.#refuse("an end was expected");
    return value;
  }

  #operation(level: number): Value {
    const operators = OPERATORS[level];
    if (operators === undefined) return this.#operand();
    let left = this.#operation(level + 1);
    for (;;) {
      const operator = this.#peek?.text ?? "";
      if (!operators.includes(operator)) return left;
      this.#at += 1;
      const on = this.#takes("on") ? this.#names() : undefined;
      const group = this.#takes("group_left");
      left = this.#combined(operator, left, this.#operation(level + 1), on, group);
    }
  }

  #combined(operator: string, left: Value, right: Value, on: string[] | undefined, group: boolean): Value {
    if (left.kind === "range" || right.kind === "range") return this.#refuse("a range is no operand");
    if (left.kind === "number" || right.kind === "number") {
      if (SETS.has(operator) || on !== undefined) this.#refuse(`${operator} is for two vectors`);
      return left.kind === "number" ? right : left;
    }
    if (on === undefined) {
      // Series of different labels never meet; `or` takes both sides as they are.
      if (operator !== "or" && !isSame(left.labels, right.labels)) {
        this.#refuse(`${operator} of ${[...left.labels]} and ${[...right.labels]} matches nothing`);
      }
      if (operator === "or")
        return { kind: "vector", labels: only(left.labels, (label) => right.labels.has(label)) };
      return left;
    }
    for (const { labels } of [left, right]) this.#demand(on, labels);
    return SETS.has(operator) || group ? left : { kind: "vector", labels: new Set(on) };
  }

  #operand(): Value {
    const token = this.#peek;
    this.#at += 1;
    if (token?.kind === "number") return { kind: "number" };
    if (token?.text === "(") {
      const value = this.#operation(0);
      this.#expect(")");
      return value;
    }
    if (token?.kind !== "word") return this.#refuse("a number, a metric or a function was expected");
    if (AGGREGATIONS.has(token.text)) return this.#aggregation();
    return this.#peek?.text === "(" ? this.#call(token.text) : this.#selector(token.text);
  }

  #aggregation(): Value {
    const by = this.#takes("by") ? this.#names() : [];
    this.#expect("(");
    const { labels } = this.#vector(this.#operation(0));
    this.#expect(")");
    this.#demand(by, labels);
    return { kind: "vector", labels: new Set(by) };
  }

  #call(name: string): Value {
    this.#expect("(");
    const given: Value[] = [];
    while (this.#peek?.text !== ")") {
      if (given.length > 0) this.#expect(",");
      given.push(this.#operation(0));
    }
    this.#expect(")");
    const [first, second] = given;
    if (name === "time" && first === undefined) return { kind: "number" };
    if (name === "absent" && second === undefined) {
      this.#vector(first);
      return { kind: "vector", labels: new Set() };
    }
    if ((name === "rate" || name === "increase") && first?.kind === "range" && second === undefined) {
      if (!first.counts) this.#refuse(`${name} is for what only counts up`);
      return { kind: "vector", labels: first.labels };
    }
    if (name === "histogram_quantile" && first?.kind === "number" && given.length === 2) {
      const { labels } = this.#vector(second);
      this.#demand(["le"], labels);
      return { kind: "vector", labels: only(labels, (label) => label !== "le") };
    }
    return this.#refuse(`${name} is unknown, or not for that`);
  }

  #selector(series: string): Value {
    const { type, labels: own } = this.#seriesKind(series);
    const labels = new Set([...own, ...TARGET_LABELS]);
    if (this.#takes("{")) {
      do {
        if (this.#peek?.text === "}") break;
        this.#demand([this.#word()], labels);
        if (!["=", "!=", "=~", "!~"].some((operator) => this.#takes(operator)))
          this.#refuse("a match was expected");
        const value = this.#next("text");
        new RegExp(value.slice(1, -1));
      } while (this.#takes(","));
      this.#expect("}");
    }
    const counts = type !== "gauge";
    if (this.#peek?.kind === "range") {
      this.#at += 1;
      return { kind: "range", labels, counts };
    }
    if (counts) this.#refuse(`${series} by itself says how long the process has run`);
    return { kind: "vector", labels };
  }

  #seriesKind(series: string): Pick<MetricKind, "type" | "labels"> {
    if (series === "up") return { type: "gauge", labels: [] };
    const name = Object.hasOwn(METRICS, series) ? series : series.replace(/_(bucket|sum|count)$/, "");
    const kind: MetricKind | undefined = METRICS[name as keyof typeof METRICS];
    if (kind === undefined) return this.#refuse(`${series} is no metric`);
    if ((kind.type === "histogram") === (name === series)) this.#refuse(`${series} is no series`);
    this.metrics.add(name);
    return series.endsWith("_bucket") ? { type: kind.type, labels: [...kind.labels, "le"] } : kind;
  }

  /** `(a, b)` */
  #names(): string[] {
    this.#expect("(");
    const names = [this.#word()];
    while (this.#takes(",")) names.push(this.#word());
    this.#expect(")");
    return names;
  }

  #vector(value: Value | undefined): Vector {
    return value?.kind === "vector" ? value : this.#refuse("a vector was expected");
  }

  #demand(names: readonly string[], labels: ReadonlySet<string>): void {
    const missing = names.filter((name) => !labels.has(name));
    if (missing.length > 0) this.#refuse(`there is no label ${missing} among ${[...labels]}`);
  }

  get #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #takes(text: string): boolean {
    const isThere = this.#peek?.text === text;
    if (isThere) this.#at += 1;
    return isThere;
  }

  #expect(text: string): void {
    if (!this.#takes(text)) this.#refuse(`${text} was expected`);
  }

  #word(): string {
    return this.#next("word");
  }

  #next(kind: string): string {
    const token = this.#peek;
    if (token?.kind !== kind) return this.#refuse(`a ${kind} was expected`);
    this.#at += 1;
    return token.text;
  }

  #refuse(problem: string): never {
    const texts = this.#tokens.map(({ text }) => text);
    throw new Error(
      `${problem}: ${texts.slice(0, this.#at).join(" ")} <here> ${texts.slice(this.#at).join(" ")}`,
    );
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined) throw new Error(`nothing to read at ${JSON.stringify(text.slice(at))}`);
    const [kind = "", token = ""] = Object.entries(groups).find(([, value]) => value !== undefined) ?? [];
    tokens.push({ kind, text: token });
  }
  return tokens;
}

function isSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((label) => b.has(label));
}

function only(labels: ReadonlySet<string>, wanted: (label: string) => boolean): ReadonlySet<string> {
  return new Set([...labels].filter(wanted));
}
