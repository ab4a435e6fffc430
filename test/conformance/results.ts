// Reads what the suite's test binary prints with -test.v=test2json: how each test came out, and what was said about it.

export interface TestResult {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly durationSec: number;
  /** Why it was skipped, such as the feature that nobody claims. */
  readonly reason?: string;
}

/** Lines that say whose the next ones are; tests that run at the same time take turns. */
const TURN = /^=== (?:RUN|CONT|NAME|PAUSE) +(\S+)/;
/** Verdicts on the tests of the suite, which are the second part of a name; their own parts are the third. */
const VERDICT = /^ *--- (PASS|FAIL|SKIP): ([^/ ]+)\/([^/ ]+) \(([\d.]+)s\)$/;
const SKIPPED = /Skipping \S+: (.*)/;

const OUTCOMES = { PASS: "passed", FAIL: "failed", SKIP: "skipped" } as const;

export class SuiteOutput {
  readonly results: TestResult[] = [];
  readonly #onResult: (result: TestResult) => void;
  readonly #said = new Map<string, string[]>();
  #speaker = "";

  constructor(onResult: (result: TestResult) => void = () => {}) {
    this.#onResult = onResult;
  }

  read(raw: string): void {
    // Of a line by which tools know the frame from what tests say.
    const line = raw.replaceAll("\x16", "");
    const turn = TURN.exec(line);
    if (turn !== null) this.#speaker = (turn[1] as string).split("/")[1] ?? "";
    const verdict = VERDICT.exec(line);
    if (verdict === null) {
      this.#note(this.#speaker, line);
      return;
    }
    const [, word, , name = "", seconds] = verdict;
    this.#note(name, line);
    const outcome = OUTCOMES[word as keyof typeof OUTCOMES];
    const reason = outcome === "skipped" ? this.#reasonOf(name) : undefined;
    const result: TestResult = {
      name,
      outcome,
      durationSec: Number(seconds),
      ...(reason === undefined ? {} : { reason }),
    };
    this.results.push(result);
    this.#onResult(result);
  }

  /** All lines of a test, its parts included; of the suite's own set-up for the name "". */
  saidOf(name: string): readonly string[] {
    return this.#said.get(name) ?? [];
  }

  #note(name: string, line: string): void {
    const lines = this.#said.get(name);
    if (lines === undefined) this.#said.set(name, [line]);
    else lines.push(line);
  }

  #reasonOf(name: string): string | undefined {
    for (const line of this.saidOf(name)) {
      const reason = SKIPPED.exec(line)?.[1];
      if (reason !== undefined) return reason;
    }
    return undefined;
  }
}

/** A line for the terminal. */
export function resultLine({ name, outcome, durationSec, reason }: TestResult): string {
  const time = outcome === "skipped" ? "" : `${durationSec.toFixed(1)} s`;
  return `${outcome.padEnd(8)}${time.padStart(8)}  ${name}${reason === undefined ? "" : `: ${reason}`}`;
}

export function summaryLine(results: readonly TestResult[]): string {
  const count = (wanted: TestResult["outcome"]) => results.filter(({ outcome }) => outcome === wanted).length;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`;
}
