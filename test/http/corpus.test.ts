// Limpet against the whole corpus: nothing smuggled, poisoned, hung, truncated or let through, and nothing refused that is right.
import { beforeAll, describe, expect, test } from "vitest";
import type { Theme } from "./corpus/case.ts";
import { CORPUS, THEMES } from "./corpus/index.ts";
import { type Result, runCorpus } from "./harness/run.ts";
import { limpet } from "./peers/limpet.ts";

const LANES = 12;

const countOf = (themes: readonly Theme<unknown>[]) =>
  themes.reduce((sum, { cases }) => sum + cases.length, 0);

describe.each([
  ["written at once", 0],
  ["written in small pieces", 3],
])("every case, %s", (_how, pieceSize) => {
  let results: Result[] = [];

  beforeAll(async () => {
    results = await runCorpus(limpet, CORPUS, LANES, pieceSize);
  }, 120_000);

  test.each(THEMES)("%s", (theme) => {
    const judged = results.filter((result) => result.theme === theme);
    expect(judged.length).toBeGreaterThan(0);
    expect(judged.filter((result) => result.failure !== undefined)).toEqual([]);
  });

  test("was judged", () => {
    expect(results).toHaveLength(countOf(CORPUS.requests) + countOf(CORPUS.responses));
  });
});

describe("the corpus", () => {
  const all = [...CORPUS.requests, ...CORPUS.responses].flatMap(({ theme, cases }) =>
    cases.map(({ name, source }) => ({ name: `${theme}: ${name}`, source })),
  );

  test("is of some size", () => {
    expect(countOf(CORPUS.requests)).toBeGreaterThanOrEqual(400);
    expect(countOf(CORPUS.responses)).toBeGreaterThanOrEqual(100);
  });

  test("names every case once and says what it stands for", () => {
    const names = all.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    const known = /RFC \d{4}|CWE-\d+|CVE-\d+|smuggling|ABUSE-HOP/;
    expect(all.filter(({ source }) => !known.test(source))).toEqual([]);
  });

  test("promises no more for Limpet than the specifications allow", () => {
    const beyond = CORPUS.responses.flatMap(({ cases }) =>
      cases.filter(({ accept, limpet: own }) => own?.some((outcome) => !accept.includes(outcome))),
    );
    expect(beyond.map(({ name }) => name)).toEqual([]);
  });
});
