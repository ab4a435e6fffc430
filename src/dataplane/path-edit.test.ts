// Path edits: the table of examples of Gateway API's HTTPPathModifier, and what it does not say.
import { describe, expect, test } from "vitest";
import { editPath } from "./path-edit.ts";

describe("a prefix", () => {
  test.each([
    ["/foo/bar", "/foo", "/xyz", "/xyz/bar"],
    ["/foo/bar", "/foo", "/xyz/", "/xyz/bar"],
    ["/foo/bar", "/foo/", "/xyz", "/xyz/bar"],
    ["/foo/bar", "/foo/", "/xyz/", "/xyz/bar"],
    ["/foo", "/foo", "/xyz", "/xyz"],
    ["/foo/", "/foo", "/xyz", "/xyz/"],
    ["/foo/bar", "/foo", "", "/bar"],
    ["/foo/", "/foo", "", "/"],
    ["/foo", "/foo", "", "/"],
    ["/foo/", "/foo", "/", "/"],
    ["/foo", "/foo", "/", "/"],
  ])("%s with %s becoming %j is %s", (path, prefix, value, edited) => {
    expect(editPath(path, { kind: "prefix", prefix, value })).toBe(edited);
  });

  test.each([
    ["/", "/", "/xyz", "/xyz/"],
    ["/bar", "/", "/xyz", "/xyz/bar"],
    ["/bar", "/", "/", "/bar"],
    ["/foo?a=/foo", "/foo", "/xyz", "/xyz?a=/foo"],
    ["/foo/?", "/foo", "", "/?"],
    ["/foo/bar", "/foo", "xyz", "/xyz/bar"],
    ["/foo//bar", "/foo", "/xyz", "/xyz//bar"],
    ["/f%6Fo/bar", "/f%6Fo", "/xyz", "/xyz/bar"],
    ["/foobar", "/foo", "/xyz", "/foobar"],
    ["/fo?o/", "/fo?o", "/xyz", "/fo?o/"],
    ["*", "/", "/xyz", "*"],
  ])("beyond the table: %s with %s becoming %j is %s", (path, prefix, value, edited) => {
    expect(editPath(path, { kind: "prefix", prefix, value })).toBe(edited);
  });
});

describe("the full path", () => {
  test.each([
    ["/foo/bar", "/xyz", "/xyz"],
    ["/foo?a=1&b", "/xyz", "/xyz?a=1&b"],
    ["/foo", "", "/"],
    ["/foo", "xyz/", "/xyz/"],
    ["/foo?a", "/größe #1?", "/gr%C3%B6%C3%9Fe%20%231%3F?a"],
    ["/foo", "/a%20b", "/a%20b"],
    ["*", "/xyz", "*"],
  ])("%s becoming %j is %s", (path, value, edited) => {
    expect(editPath(path, { kind: "fullPath", value })).toBe(edited);
  });
});
