// Full-match expressions: anchored, never throwing, and refused where RE2 means something else.
import { expect, test } from "vitest";
import { fullMatchRegex } from "./regex.ts";

test("the whole value must match, alternatives included", () => {
  const regex = fullMatchRegex("/a|/b");
  expect(regex?.test("/a")).toBe(true);
  expect(regex?.test("/b")).toBe(true);
  expect(regex?.test("/ab")).toBe(false);
  expect(regex?.test("x/b")).toBe(false);
});

test("leading flags of RE2 are honoured", () => {
  expect(fullMatchRegex("(?i)chrome.*")?.test("CHROME/1")).toBe(true);
});

test.each(["[", "(", "(?P<name>a)", "\\Aabc", "abc\\z", "[[:alpha:]]+", "\\pL", "\\Q.\\E"])(
  "%s is refused, not misread",
  (source) => {
    expect(fullMatchRegex(source)).toBeUndefined();
  },
);

test("an escaped backslash before a letter is no escape of that letter", () => {
  expect(fullMatchRegex("a\\\\z")?.test("a\\z")).toBe(true);
});
