// Limpet against the whole corpus: nothing smuggled, poisoned, hung, truncated or let through, and nothing refused that is right.
import { beforeAll, describe, expect, test } from "vitest";
import type { ResponseCase, Theme } from "./corpus/case.ts";
import { CORPUS, THEMES } from "./corpus/index.ts";
import { type Result, runCorpus } from "./harness/run.ts";
import { limpet } from "./peers/limpet.ts";

const LANES = 12;

let results: Result[] = [];

beforeAll(async () => {
  results = await runCorpus(limpet, CORPUS, LANES);
}, 120_000);

test.each(THEMES)("%s", (theme) => {
  const judged = results.filter((result) => result.theme === theme);
  expect(judged.length).toBeGreaterThan(0);
  expect(judged.filter((result) => result.failure !== undefined)).toEqual([]);
});

describe("the corpus", () => {
  const count = (themes: readonly Theme<unknown>[]) =>
    themes.reduce((sum, { cases }) => sum + cases.length, 0);

  test("is of some size, and every case was judged", () => {
    expect(count(CORPUS.requests)).toBeGreaterThanOrEqual(400);
    expect(count(CORPUS.responses)).toBeGreaterThanOrEqual(100);
    expect(results).toHaveLength(count(CORPUS.requests) + count(CORPUS.responses));
  });

  test("names every case once and says what it stands for", () => {
    const names = results.map(({ theme, name }) => `${theme}: ${name}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    expect(
      results.filter(
        ({ source }) => !/RFC \d{4}|CWE-\d+|CVE-|[A-Z0]{2}\.[A-Z0]{2}|smuggling|poisoning|ABUSE/.test(source),
      ),
    ).toEqual([]);
  });

  test("promises no more for Limpet than the specifications allow", () => {
    const generous = CORPUS.responses.flatMap(({ cases }: Theme<ResponseCase>) =>
      cases.filter(({ accept, limpet: own }) => own?.some((outcome) => !accept.includes(outcome))),
    );
    expect(generous.map(({ name }) => name)).toEqual([]);
  });
});
