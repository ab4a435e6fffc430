// What shared caches are told about a response that carries a new token.
import { expect, test } from "vitest";
import type { ResponseHead } from "../model/index.ts";
import { valuesAfterEdits } from "./header-edits.ts";
import { PlainResponseHead } from "./plain-head.ts";
import { keepFromSharedCaches } from "./shared-caches.ts";

function kept(...fields: string[]): ResponseHead {
  const head = new PlainResponseHead(200, "OK", fields);
  keepFromSharedCaches(head);
  return head;
}

test.each([
  [[], "private"],
  [[""], "private"],
  [["public, max-age=60"], "private, max-age=60"],
  [["max-age=60", "S-MaxAge = 600, must-revalidate"], "private, max-age=60, must-revalidate"],
  [['private="set-cookie", max-age=60'], "private, max-age=60"],
  [["private, s-maxage=60"], "private"],
  [["public, no-store"], "no-store"],
  [['ext="a, public, \\" b", no-cache'], 'private, ext="a, public, \\" b", no-cache'],
  [['ext="a, b'], 'private, ext="a, b'],
])("of %j is left: %s", (lines, expected) => {
  const head = kept(...lines.flatMap((line) => ["cache-control", line]));
  expect(valuesAfterEdits(head, "cache-control")).toEqual([expected]);
});

test.each(["private", "no-store", "Private,max-age=60", "no-cache,  no-store,max-age=0"])(
  "%s is as it was",
  (line) => {
    const head = kept("cache-control", line);
    expect((head as PlainResponseHead).edits.isEmpty).toBe(true);
  },
);

test("fields by which a network of caches overrules Cache-Control are taken out, configured ones too", () => {
  const head = new PlainResponseHead(200, "OK", ["cdn-cache-control", "max-age=60", "x-cache", "1"]);
  head.edits.add("Surrogate-Control", "max-age=60");
  keepFromSharedCaches(head);
  expect(valuesAfterEdits(head, "cdn-cache-control")).toEqual([]);
  expect(valuesAfterEdits(head, "surrogate-control")).toEqual([]);
  expect(valuesAfterEdits(head, "x-cache")).toEqual(["1"]);
});
