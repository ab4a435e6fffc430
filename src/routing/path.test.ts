// Path normalisation: what is resolved, what is left alone, what is refused.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalizePath } from "./path.ts";

test.each([
  ["/a/./b", "/a/b"],
  ["/a/../b", "/b"],
  ["/a/b/..", "/a/"],
  ["/a/b/.", "/a/b/"],
  ["/a/b/../", "/a/"],
  ["/./", "/"],
  ["/.", "/"],
  ["/a/..", "/"],
  ["/a/%2e%2e/b", "/b"],
  ["/a/%2E./b", "/b"],
  ["/a/.%2e/b", "/b"],
  ["/a/%2e/b", "/a/b"],
  ["/a//../b", "/a/b"],
  ["/a/../b?next=/x/../y", "/b?next=/x/../y"],
])("%s is forwarded as %s", (path, expected) => {
  expect(normalizePath(path)).toBe(expected);
});

test.each([
  "/",
  "*",
  "/a//b",
  "//a",
  "/a/.well-known/x..y/...",
  "/a%2F..%2Fb",
  "/a\\..\\b",
  "/a/..%5Cb",
  "/a/%252e%252e/b",
  "/a?x=/../y",
  "/a/..;/b",
  "/%20/%2a",
])("%s stays as it is", (path) => {
  expect(normalizePath(path)).toBe(path);
});

test.each(["/..", "/../a", "/a/../..", "/%2e%2E/etc/passwd", "/a/../../b?c"])(
  "%s leaves the root",
  (path) => {
    expect(normalizePath(path)).toEqual({ reason: "above-root" });
  },
);

test.each(["/a#b", "/a?b#c", "/#"])("%s has a fragment", (path) => {
  expect(normalizePath(path)).toEqual({ reason: "fragment" });
});

describe("for any path", () => {
  const piece = fc.constantFrom("a", "b", "", ".", "..", "%2e", "%2E.", "%2f", "...", "a.b");
  const path = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => `/${pieces.join("/")}`);

  test("no dot segment is left, and a second pass changes nothing", () => {
    fc.assert(
      fc.property(path, (target) => {
        const once = normalizePath(target);
        if (typeof once !== "string") return;
        expect(once.split("/").filter((segment) => /^(?:\.|%2e){1,2}$/i.test(segment))).toEqual([]);
        expect(normalizePath(once)).toBe(once);
      }),
    );
  });

  test("the result is what a URL parser makes of it, where the root is not left", () => {
    fc.assert(
      fc.property(path, (target) => {
        const result = normalizePath(target);
        if (typeof result !== "string") return;
        expect(result).toBe(new URL(`http://host${target}`).pathname);
      }),
    );
  });
});
