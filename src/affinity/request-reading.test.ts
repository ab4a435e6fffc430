// Cookies and query parameters as hash policies and sessions read them, and Set-Cookie as they write it.
import { describe, expect, test } from "vitest";
import { requestOf } from "../../test/support/affinity.ts";
import { cookieValues } from "./cookie.ts";
import { queryValue } from "./query.ts";
import { setCookieText } from "./set-cookie.ts";

function cookies(...lines: string[]): readonly string[] {
  return cookieValues(
    requestOf(
      "/",
      lines.map((line) => ["cookie", line] as const),
    ),
    "home",
  );
}

describe("cookies", () => {
  test.each([
    ["home=1", ["1"]],
    ["a=b; home=1;home=2", ["1", "2"]],
    ["  home=1", ["1"]],
    ['home="quoted"', ["quoted"]],
    ['home="', ['"']],
    ["home=", [""]],
    ["home=a=b==", ["a=b=="]],
    ["home= 1 ", [" 1 "]],
    ["home=%41", ["%41"]],
    ["home =1", []],
    ["HOME=1", []],
    ["home", []],
    ["xhome=1; homes=2", []],
    ["a=home=1", []],
    ["\thome=1", []],
    [";;home=1;", ["1"]],
  ])("%s", (line, values) => {
    expect(cookies(line)).toEqual(values);
  });

  test("all lines count, in order", () => {
    expect(cookies("home=1", "x=y", "home=2")).toEqual(["1", "2"]);
  });
});

describe("query parameters", () => {
  test.each([
    ["/p?u=1", "1"],
    ["/p?a=2&u=1&u=3", "1"],
    ["/?u", ""],
    ["/?u=", ""],
    ["/?u&x", ""],
    ["/?u=a?b=c", "a?b=c"],
    ["/?u=a%20+b", "a%20+b"],
    ["/?uu=1", undefined],
    ["/?a=u=1", undefined],
    ["/?U=1", undefined],
    ["/?a;u=1", undefined],
    ["/u=1", undefined],
    ["/?", undefined],
  ])("%s", (path, value) => {
    expect(queryValue(path, "u")).toBe(value);
  });
});

describe("Set-Cookie", () => {
  const bare = { name: "home", value: "v", attributes: [] };

  test("a session cookie", () => {
    expect(setCookieText(bare)).toBe('home="v"; HttpOnly');
  });

  test("all that can be said, in Envoy's order", () => {
    const attributes = [
      { name: "SameSite", value: "Lax" },
      { name: "Partitioned" },
      { name: "X", value: "" },
    ];
    const text = setCookieText({ ...bare, maxAgeSec: 60, path: "/p", attributes, secure: true });
    expect(text).toBe('home="v"; Max-Age=60; Path=/p; SameSite=Lax; Partitioned; X; Secure; HttpOnly');
  });

  test("Secure is not written twice", () => {
    const text = setCookieText({ ...bare, attributes: [{ name: "secure" }], secure: true });
    expect(text).toBe('home="v"; secure; HttpOnly');
  });
});
