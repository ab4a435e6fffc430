// Full-match expressions: anchored, never throwing, and refused where RE2 means something else.
import { expect, test } from "vitest";
import { compileRegex } from "./regex.ts";

function matches(source: string, value: string): boolean {
  const compiled = compileRegex(source);
  if ("problem" in compiled) throw new Error(compiled.problem);
  return compiled.regex.test(value);
}

test("the whole value must match, alternatives included", () => {
  expect(matches("/a|/b", "/a")).toBe(true);
  expect(matches("/a|/b", "/b")).toBe(true);
  expect(matches("/a|/b", "/ab")).toBe(false);
  expect(matches("/a|/b", "x/b")).toBe(false);
});

test("leading flags and named groups of RE2 are honoured", () => {
  expect(matches("(?i)chrome.*", "CHROME/1")).toBe(true);
  expect(matches("(?P<version>v[0-9]+)", "v12")).toBe(true);
});

test.each(["[", "(", "*", "a**"])("%s does not compile, which is said and not thrown", (source) => {
  expect(compileRegex(source)).toMatchObject({ problem: expect.stringContaining("does not compile: ") });
});

test.each(["\\Aabc", "abc\\z", "[[:alpha:]]+", "\\pL", "\\Q.\\E", "a(?=b)", "(?<!a)b", "(a)\\1"])(
  "%s is refused, not misread",
  (source) => {
    expect(compileRegex(source)).toMatchObject({ problem: expect.stringContaining("the expression has ") });
  },
);

test("an escaped backslash before a letter is no escape of that letter", () => {
  expect(matches("a\\\\z", "a\\z")).toBe(true);
});
