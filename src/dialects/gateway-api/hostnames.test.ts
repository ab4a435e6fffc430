// Hostname intersection: the examples of the specification; and by which names a route is known on a listener.
import { expect, test } from "vitest";
import { hostnamesOn, intersectHostnames } from "./hostnames.ts";

test.each([
  [undefined, [], ["*"]],
  [undefined, ["a.example.com"], ["a.example.com"]],
  ["a.example.com", [], ["a.example.com"]],
  [
    "*.example.com",
    ["a.example.com", "a.b.example.com", "example.com", "a.example.org"],
    ["a.example.com", "a.b.example.com"],
  ],
  ["a.example.com", ["*.example.com", "*.com", "b.example.com"], ["a.example.com"]],
  ["*.example.com", ["*.a.example.com", "*.example.com", "*.com"], ["*.a.example.com", "*.example.com"]],
  ["*.example.com", ["*.notexample.com"], []],
])("a listener for %s and a route for %j have %j in common", (listener, route, common) => {
  expect(intersectHostnames(listener, route)).toEqual(common);
});

test.each([
  [undefined, [], ["*"]],
  ["a.example.com", [], ["*"]],
  [
    "a.example.com",
    ["*.example.com", "*.com", "b.example.com", "a.example.com"],
    ["*.example.com", "*.com", "a.example.com"],
  ],
  ["*.example.com", ["*.com", "a.example.org"], ["*.com"]],
])("on a listener for %s, a route for %j is known by %j", (listener, route, names) => {
  expect(hostnamesOn(listener, route)).toEqual(names);
});
