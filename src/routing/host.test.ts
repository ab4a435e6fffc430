// Hostnames: exact over wildcard over none, whatever port or trailing dot the authority carries.
import { expect, test } from "vitest";
import { HostTable, hostEnd } from "./host.ts";

const table = new HostTable<string>();
for (const hostname of ["*", "shop.example", "*.example", "*.shop.example", "[::1]"]) {
  table.add(hostname, hostname);
}

function found(authority: string): string[] {
  const room: string[] = [];
  const count = table.find(authority, hostEnd(authority), room);
  return room.slice(0, count).reverse();
}

test.each([
  ["shop.example", ["shop.example", "*.example", "*"]],
  ["shop.example:8080", ["shop.example", "*.example", "*"]],
  ["shop.example.", ["shop.example", "*.example", "*"]],
  ["shop.example.:80", ["shop.example", "*.example", "*"]],
  ["a.shop.example", ["*.shop.example", "*.example", "*"]],
  ["b.a.shop.example", ["*.shop.example", "*.example", "*"]],
  ["example", ["*"]],
  [".example", ["*"]],
  ["shopexample", ["*"]],
  ["[::1]:8080", ["[::1]", "*"]],
  ["", ["*"]],
])("%s is taken by %j", (authority, expected) => {
  expect(found(authority)).toEqual(expected);
});

test("a table without catch-all takes no other host", () => {
  const narrow = new HostTable<number>();
  narrow.add("*.example", 1);
  const room: number[] = [];
  expect(narrow.find("example", 7, room)).toBe(0);
  expect(narrow.find("a.b.c.example", 13, room)).toBe(1);
  expect(narrow.get("*.example")).toBe(1);
  expect(narrow.get("*.other")).toBeUndefined();
});
