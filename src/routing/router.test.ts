// Which rule takes a request: Gateway API's precedence, one behaviour a test.
import { describe, expect, test } from "vitest";
import { type RequestHeadParts, requestHead } from "../../test/support/request-head.ts";
import { exact, listener, match, prefix, regex, route, rule } from "../../test/support/routes.ts";
import type { Listener, Route, RouteMatch } from "../model/index.ts";
import { compileRouter } from "./compile.ts";

const http = listener("http");

/** Name of the rule that takes the request, or why none does. */
function ask(listeners: readonly Listener[], routes: readonly Route[], parts: RequestHeadParts): string {
  const head = requestHead(parts);
  const result = compileRouter(listeners, routes).match(head, head.path);
  return result.rule === undefined ? result.reason : result.rule.name;
}

/** Rules are named by their place: the answer is the index of the match that won. */
function winner(matches: readonly RouteMatch[], parts: RequestHeadParts): string {
  const rules = matches.map((one, index) => rule(String(index), one));
  return ask([http], [route("r", http, [], ...rules)], parts);
}

describe("listener", () => {
  const listeners = [listener("all"), listener("wild", "*.example"), listener("shop", "shop.example")];
  const routes = listeners.map((one) => route(one.name, one, one.hostname ? [one.hostname] : []));

  test.each([
    ["shop.example", "shop"],
    ["shop.example:8080", "shop"],
    ["cart.example", "wild"],
    ["a.b.example", "wild"],
    ["example", "all"],
    ["", "all"],
  ])("of %s is the one with the most specific hostname", (authority, expected) => {
    expect(ask(listeners, routes, { authority })).toBe(expected);
  });

  test("keeps a request that none of its routes takes", () => {
    const [all, , shop] = listeners as [Listener, Listener, Listener];
    const only = [
      route("all", all, []),
      route("cart", shop, ["shop.example"], rule("c", match(exact("/cart")))),
    ];
    expect(ask(listeners, only, { authority: "shop.example", path: "/" })).toBe("no-route");
  });

  test("is missing where no hostname takes the authority", () => {
    expect(ask([listener("shop", "shop.example")], [], { authority: "other" })).toBe("no-listener");
  });

  test("of several Gateways with one hostname serves the routes of all", () => {
    const other = { ...listener("http"), id: "Gateway/default/second/http" };
    const routes = [route("a", http, [], rule("a", match(prefix("/a")))), route("b", other, [])];
    expect(ask([http, other], routes, { path: "/a" })).toBe("a");
    expect(ask([http, other], routes, { path: "/b" })).toBe("b");
  });
});

describe("hostname of a route", () => {
  test("that is more specific wins over a better path", () => {
    const routes = [
      route("wild", http, ["*.example"], rule("wild", match(exact("/cart")))),
      route("exact", http, ["shop.example"], rule("exact")),
    ];
    expect(ask([http], routes, { path: "/cart" })).toBe("exact");
  });

  test("leaves what its rules do not match to a less specific one", () => {
    const routes = [
      route("any", http, [], rule("any")),
      route("wild", http, ["*.example"], rule("wild", match(prefix("/w")))),
      route("exact", http, ["shop.example"], rule("exact", match(prefix("/e")))),
    ];
    expect(ask([http], routes, { path: "/e" })).toBe("exact");
    expect(ask([http], routes, { path: "/w" })).toBe("wild");
    expect(ask([http], routes, { path: "/x" })).toBe("any");
  });

  test("is compared without case", () => {
    expect(ask([http], [route("r", http, ["Shop.Example"])], {})).toBe("r");
  });
});

describe("path", () => {
  test("exact comes before expression, expression before prefix", () => {
    const matches = [match(prefix("/a/b")), match(regex("/a/.*")), match(exact("/a/b"))];
    expect(winner(matches, { path: "/a/b" })).toBe("2");
    expect(winner(matches, { path: "/a/c" })).toBe("1");
    expect(winner(matches.slice(0, 1), { path: "/a/b/c" })).toBe("0");
  });

  test("the longest prefix wins, in segments", () => {
    const matches = [match(prefix("/")), match(prefix("/shop")), match(prefix("/shop/cart/"))];
    expect(winner(matches, { path: "/shop" })).toBe("1");
    expect(winner(matches, { path: "/shop/" })).toBe("1");
    expect(winner(matches, { path: "/shopping" })).toBe("0");
    expect(winner(matches, { path: "/shop/cart" })).toBe("2");
    expect(winner(matches, { path: "/shop/cart/1?x=/y" })).toBe("2");
    expect(winner(matches, { path: "/shop/carts" })).toBe("1");
  });

  test("an exact path keeps its trailing slash, and neither case nor query", () => {
    expect(winner([match(exact("/a/"))], { path: "/a" })).toBe("no-route");
    expect(winner([match(exact("/a"))], { path: "/A" })).toBe("no-route");
    expect(winner([match(exact("/a"))], { path: "/a?b" })).toBe("0");
  });

  test("an expression sees the whole path without the query", () => {
    expect(winner([match(regex("/v[0-9]+"))], { path: "/v12?x" })).toBe("0");
    expect(winner([match(regex("/v[0-9]+"))], { path: "/v12/x" })).toBe("no-route");
  });

  test("the prefix / takes every request, OPTIONS * too", () => {
    expect(winner([match()], { method: "OPTIONS", path: "*" })).toBe("0");
    expect(winner([match(prefix("/a"))], { method: "OPTIONS", path: "*" })).toBe("no-route");
  });
});

describe("other conditions", () => {
  const withMethod = match(prefix("/"), { method: "POST" });
  const withHeader = match(prefix("/"), { headers: [{ type: "exact", name: "version", value: "two" }] });
  const withQuery = match(prefix("/"), { query: [{ type: "exact", name: "debug", value: "1" }] });

  test("method comes before headers, headers before query parameters, any of them before none", () => {
    const all = { method: "POST", path: "/?debug=1", fields: [["version", "two"]] } as const;
    expect(winner([match(), withQuery, withHeader, withMethod], all)).toBe("3");
    expect(winner([match(), withQuery, withHeader], all)).toBe("2");
    expect(winner([match(), withQuery], all)).toBe("1");
    expect(winner([match(), withQuery], {})).toBe("0");
  });

  test("more headers come first", () => {
    const two = match(prefix("/"), {
      headers: [
        { type: "exact", name: "version", value: "two" },
        { type: "regex", name: "color", value: "b.*" },
      ],
    });
    const fields = [
      ["Version", "two"],
      ["color", "blue"],
    ] as const;
    expect(winner([withHeader, two], { fields })).toBe("1");
    expect(winner([withHeader, two], { fields: fields.slice(0, 1) })).toBe("0");
  });

  test("a longer prefix comes before any number of them", () => {
    const path = "/a/b";
    const full = match(prefix("/a"), { method: "GET", headers: [{ type: "exact", name: "x", value: "1" }] });
    expect(winner([full, match(prefix("/a/b"))], { path, fields: [["x", "1"]] })).toBe("1");
  });

  test("repeated header lines are one value, joined by a comma", () => {
    const joined = match(prefix("/"), { headers: [{ type: "exact", name: "x", value: "a,b" }] });
    const fields = [
      ["x", "a"],
      ["x", "b"],
    ] as const;
    expect(winner([joined], { fields })).toBe("0");
  });

  test("an absent header does not fulfil an expression for the empty text", () => {
    const maybe = match(prefix("/"), { headers: [{ type: "regex", name: "x", value: ".*" }] });
    expect(winner([maybe], {})).toBe("no-route");
    expect(winner([maybe], { fields: [["x", ""]] })).toBe("0");
  });

  test.each([
    ["/?debug=1", "0"],
    ["/?a&debug=1&b", "0"],
    ["/?debug=1&debug=2", "0"],
    ["/?debug=2&debug=1", "no-route"],
    ["/?xdebug=1", "no-route"],
    ["/?debugx=1&debug=1", "0"],
    ["/?debug=%31", "no-route"],
    ["/?debug", "no-route"],
    ["/debug=1", "no-route"],
  ])("the first query parameter of the name counts, undecoded: %s", (path, expected) => {
    expect(winner([withQuery], { path })).toBe(expected);
  });

  test("a parameter without value has the empty one", () => {
    const flag = match(prefix("/"), { query: [{ type: "exact", name: "debug", value: "" }] });
    expect(winner([flag], { path: "/?debug" })).toBe("0");
    expect(winner([flag], { path: "/?debug=" })).toBe("0");
  });
});

test("an expression that does not compile never matches and never throws", () => {
  const broken = [
    match(regex("/[")),
    match(exact("/a"), { headers: [{ type: "regex", name: "x", value: "(" }] }),
    match(exact("/a"), { query: [{ type: "regex", name: "x", value: "(" }] }),
  ];
  expect(winner(broken, { path: "/a?x=(", fields: [["x", "("]] })).toBe("no-route");
});

test("of equal matches the earlier route wins, then the earlier rule", () => {
  const first = route("first", http, [], rule("first-1"), rule("first-2"));
  const second = route("second", http, [], rule("second-1"));
  expect(ask([http], [first, second], {})).toBe("first-1");
  expect(ask([http], [second, first], {})).toBe("second-1");
});

test("a result names listener, route, rule and its index", () => {
  const shop = route("shop", http, [], rule("a", match(exact("/a"))), rule("b", match(exact("/b"))));
  const head = requestHead({ path: "/b" });
  expect(compileRouter([http], [shop]).match(head, head.path)).toEqual({
    listener: http,
    route: shop,
    rule: shop.rules[1],
    ruleIndex: 1,
  });
});
