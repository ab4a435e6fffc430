// Expressions written anew: they take the same values, V8's linear engine can run all of them, and none runs for long.
import { setFlagsFromString } from "node:v8";
import { beforeAll, describe, expect, test } from "vitest";
import { linearRegex } from "./linear-regex.ts";
import { compileRegex } from "./regex.ts";

const PLAIN = { ignoreCase: false, dotAll: false };

/** Each with values of which some match and some do not. */
const EXPRESSIONS: readonly (readonly [source: string, flags: string, values: readonly string[]])[] = [
  ["a{3}", "", ["aa", "aaa", "aaaa"]],
  ["a{0}b", "", ["b", "ab"]],
  ["a{2,}", "", ["a", "aa", "aaaaa"]],
  ["a{2,4}?b", "", ["ab", "aab", "aaaab", "aaaaab"]],
  ["a{0,2}", "", ["", "aa", "aaa"]],
  ["(ab+|c){2}", "", ["abc", "cabbb", "ab", "ccc"]],
  ["((((((a+)+)+)+)+)+)+", "", ["", "aaaa", "aab"]],
  ["(?<n>x)-(?:y){2}", "", ["x-yy", "x-y"]],
  ["(?:a{0}){0}", "", ["", "a"]],
  ["a{,3}", "", ["a{,3}", "aaa"]],
  ["x{", "", ["x{", "x"]],
  ["x{}{2}", "", ["x{}}", "x{}"]],
  ["[{(|*]{2}", "", ["({", "**", "("]],
  ["[^]a[]|b", "", ["b", "xa"]],
  ["[\\]a]{2}", "", ["]a", "aa", "a"]],
  ["\\{a\\(\\[\\x41\\u0042", "", ["{a([AB", "{a([ab"]],
  ["\\d{2}\\.\\w+", "", ["12.a", "1.a", "12xa"]],
  ["a\\b.*|^b$", "", ["a b", "ab", "b"]],
  ["chrome[0-9a-f-]+\\x41", "i", ["CHROME-Fa", "cHrOmeG-a", "chrome-1A"]],
  ["[^a-y]{2}", "i", ["zZ", "aZ", "Zz", "11"]],
  ["[-a]+", "i", ["-A", "B", "A-a"]],
  ["[+--a-]x", "i", ["AX", "-x", "Bx"]],
  ["(?i:ab)c", "", ["ABc", "abC", "aBc"]],
  ["a(?-i:b)c", "i", ["AbC", "ABC", "abc"]],
  ["a.b", "s", ["a\nb", "axb", "ab"]],
  ["a(?s:.)b.", "", ["a\nbx", "axb\n"]],
];

test.each(EXPRESSIONS)("%s with the flags %j takes what JavaScript takes", (source, flags, values) => {
  const written = linearRegex(source, { ignoreCase: flags.includes("i"), dotAll: flags.includes("s") });
  const expected = values.map((value) => new RegExp(`^(?:${source})$`, flags).test(value));
  expect(values.map((value) => new RegExp(`^(?:${written})$`).test(value))).toEqual(expected);
  expect(new Set(expected).size).toBe(2);
});

test("what would be very long written out is refused", () => {
  for (const source of [
    "((a{1000}){1000}){1000}",
    "((((a?){100}){100}){100})",
    "((((){1000}){1000}){1000})",
    "(?:||||){1000}",
    `${"(".repeat(20)}a${"+)".repeat(20)}`,
  ]) {
    expect(compileRegex(source)).toMatchObject({ problem: expect.stringContaining("repeats too much") });
  }
  expect(compileRegex("(?m:a)")).toMatchObject({ problem: expect.stringContaining("the flag m") });
});

describe("in V8", () => {
  beforeAll(() => {
    setFlagsFromString("--enable-experimental-regexp-engine");
    setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
  });

  test.each(EXPRESSIONS)("the linear engine can run %s with the flags %j", (source, flags) => {
    const written = linearRegex(source, { ignoreCase: flags.includes("i"), dotAll: flags.includes("s") });
    // The flag `l` is V8's own: it refuses whatever the engine cannot run.
    expect(() => new RegExp(`^(?:${written})$`, "l")).not.toThrow();
  });

  test.each([
    "(?:a?){500}",
    "(?:a{0,10}b?){0,80}",
    "(((((a+)+)+)+)+)+",
    "(?i)(a|A|aa)+",
    "[a-z]{1,100}".repeat(9),
  ])("%s ends on a value that has backtracking go on for years", (source) => {
    const compiled = compileRegex(source);
    if ("problem" in compiled) throw new Error(compiled.problem);
    expect(compiled.regex.test(`${"a".repeat(500)}!`)).toBe(false);
  });

  test("without being written anew, the engine would not run it", () => {
    for (const source of ["(?:a?){17}", "(?:a{4}){5}"]) {
      expect(() => new RegExp(source, "l")).toThrow();
      expect(() => new RegExp(linearRegex(source, PLAIN), "l")).not.toThrow();
    }
  });
});
