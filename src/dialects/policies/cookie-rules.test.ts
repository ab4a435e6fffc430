// Where browsers send a cookie, by its path: what decides whether a session's cookie reaches all of its rule.
import { expect, test } from "vitest";
import { isSentTo } from "./cookie-rules.ts";

test.each([
  ["/", "/", true],
  ["/shop", "/", true],
  ["/shop", "/shop", true],
  ["/shop/cart", "/shop", true],
  ["/shop/cart", "/shop/", true],
  ["/shop", "/shop/", false],
  ["/shopping", "/shop", false],
  ["/", "/shop", false],
  ["/other", "/shop", false],
])("requests for %s have a cookie of path %s: %s", (requestPath, cookiePath, expected) => {
  expect(isSentTo(requestPath, cookiePath)).toBe(expected);
});
