// The application's cookie is found, replaced and taken out; everything around it stays as it was.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cookieValueSpan, replaceCookie } from "./application-cookie.ts";
import { cookieValues } from "./cookie.ts";

describe("in a request", () => {
  test.each([
    ["a=1; id=token; b=2", "a=1; id=own; b=2"],
    ["id=token", "id=own"],
    ['id="token";b=2', "id=own;b=2"],
    ["a=1;id=token;", "a=1;id=own;"],
    ["xid=1; id=token; idx=2; ID=3", "xid=1; id=own; idx=2; ID=3"],
    ["id=token; a=1; id=other", "id=own; a=1"],
    ["a=1;\tid=other; id=token", "a=1; id=own"],
  ])("the value of %s is replaced", (line, expected) => {
    expect(replaceCookie([line], "id", "own")).toEqual([expected]);
  });

  test.each([
    ["a=1; id=token; b=2", ["a=1; b=2"]],
    ["id=token; b=2", ["b=2"]],
    ["a=1; id=token", ["a=1"]],
    ["id=token", []],
    ["id=token; id=other;", []],
    ["a=1;\tid=token", ["a=1"]],
    ["a=1; id =token; i d=x", ["a=1; i d=x"]],
    ["\tid\t= token; xid=1; id", ["xid=1; id"]],
    ["idx; id\u00a0=token", ["idx"]],
  ])("is taken out of %s", (line, expected) => {
    expect(replaceCookie([line], "id", undefined)).toEqual(expected);
  });

  test("lines stay lines, and the first cookie of the name is the one that stays", () => {
    expect(replaceCookie(["a=1", "b=2; id=x", "id=y", "id=z; c=3"], "id", "own")).toEqual([
      "a=1",
      "b=2; id=own",
      "c=3",
    ]);
  });

  test("whatever the lines: afterwards the name reads as the new value, and other names as before", () => {
    const piece = fc.constantFrom("id=", "id", "a=1", "b", "=", ";", "; ", " ", '"', "x", "ID=4", "\t");
    const line = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
    const read = (lines: readonly string[], name: string) => cookieValues({ getAll: () => lines }, name);
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 3 }),
        fc.string({ unit: fc.constantFrom("o", "w", "n") }),
        (lines, value) => {
          const had = read(lines, "id").length > 0;
          const replaced = replaceCookie(lines, "id", value);
          const without = replaceCookie(lines, "id", undefined);
          expect(read(replaced, "id")).toEqual(had ? [value] : []);
          expect(read(without, "id")).toEqual([]);
          for (const name of ["a", "ID", "b", "x"]) {
            expect(read(replaced, name)).toEqual(read(lines, name));
            expect(read(without, name)).toEqual(read(lines, name));
          }
        },
      ),
    );
  });
});

describe("in a response", () => {
  const nowMs = Date.UTC(2026, 0, 1);
  const setValue = (line: string) => {
    const span = cookieValueSpan(line, "id", nowMs);
    return span === undefined ? undefined : line.slice(span.start, span.end);
  };

  test.each([
    ["id=own", "own"],
    ["id=own; Path=/; HttpOnly", "own"],
    [" id = own ;Path=/", "own"],
    ['id="own"; Max-Age=60', '"own"'],
    ["id=a=b==; Secure", "a=b=="],
    ["id=own; Expires=Thu, 01 Jan 2026 00:00:01 GMT", "own"],
    ["id=own; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", "own"],
    ["id=own; Max-Age=0; Max-Age=60", "own"],
    ["id=own; Max-Age=soon; Expires=never", "own"],
    ["id=own; Expires=0", "own"],
    ["id=own; Expires=-1; Path=/", "own"],
  ])("%s sets it", (line, value) => {
    expect(setValue(line)).toBe(value);
  });

  test.each([
    "other=own",
    "ID=own",
    "id",
    "id=",
    'id=""; Path=/',
    "other; id=own",
    "id=own; Max-Age=0",
    "id=own; max-age = -1",
    "id=own; Expires=Thu, 01 Jan 2030 00:00:00 GMT; Max-Age=0",
    "id=own; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "id=own; Path=/; expires=Thu, 01-Jan-1970 00:00:10 GMT",
    "id=own; Expires=Thu, 01 Jan 2026 00:00:00 GMT",
  ])("%s does not", (line) => {
    expect(setValue(line)).toBeUndefined();
  });

  test("whatever the line: with another value in its place it sets that one, and the rest is as it was", () => {
    const piece = fc.constantFrom(
      "id",
      "=",
      ";",
      " ",
      "\t",
      '"',
      "own",
      "Path=/",
      "Max-Age=",
      "0",
      "9",
      ",",
      "expires=",
    );
    const line = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(line, line, (before, after) => {
        for (const text of [`${before}id=own${after}`, `id=${after}`]) {
          const span = cookieValueSpan(text, "id", nowMs);
          if (span === undefined) continue;
          const head = text.slice(0, span.start);
          const tail = text.slice(span.end);
          expect(setValue(`${head}token${tail}`)).toBe("token");
          expect(text.slice(span.start, span.end)).toMatch(/^[^; \t](?:[^;]*[^; \t])?$/);
          expect([head.trim().startsWith("id"), /^[ \t]*(?:;|$)/.test(tail)]).toEqual([true, true]);
        }
      }),
    );
  });
});
