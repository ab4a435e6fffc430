// Thousands of routes at one host are told apart quickly, and each that collides is told once.
import { expect, test } from "vitest";
import type { CompiledRoute, NameAtHosts } from "../gateway-api/compile-route.ts";
import { Recall } from "../memory.ts";
import { checkSessionNames } from "./check-session-names.ts";

function route(index: number, use: Partial<NameAtHosts>): CompiledRoute {
  const object = {
    group: "gateway.networking.k8s.io",
    kind: "HTTPRoute",
    namespace: "default",
    name: `r${index}`,
  };
  const name: NameAtHosts = {
    kind: "cookie",
    name: "home",
    cookiePath: "/",
    scope: `scope-${index}`,
    backends: [],
    path: ["spec", "rules", 0],
    route: object,
    hosts: ["shop.example.com"],
    ...use,
  };
  const status = { object, conditions: [] };
  const nothing = {
    routes: [],
    tlsRoutes: [],
    backends: [],
    listeners: [],
    gateways: [],
    overrides: [],
    findings: [],
  };
  return { object, creationTimestamp: undefined, status, names: [name], ...nothing };
}

function collisions(uses: readonly Partial<NameAtHosts>[]): readonly string[] {
  const routes = uses.map((use, index) => route(index, use));
  return checkSessionNames(routes, new Recall(undefined))
    .filter(({ code }) => code === "session-name-collision")
    .map(({ object }) => object.name);
}

test("every session but the first of a name at a host collides", () => {
  expect(collisions(Array.from({ length: 2000 }, () => ({})))).toHaveLength(1999);
});

test("one session, hosts of their own, and paths of their own do not collide", () => {
  const uses = (make: (index: number) => Partial<NameAtHosts>) =>
    Array.from({ length: 500 }, (_, i) => make(i));
  expect(collisions(uses(() => ({ scope: "one" })))).toEqual([]);
  expect(collisions(uses((index) => ({ hosts: [`${index}.example.com`] })))).toEqual([]);
  expect(collisions(uses((index) => ({ hosts: ["*"], cookiePath: `/${index}` })))).toEqual([]);
  expect(collisions(uses((index) => ({ cookieDomain: `${index}.example.com` })))).toEqual([]);
});

test.each([
  ["the same host", ["shop.example.com"], ["shop.example.com"], 1],
  ["a wildcard and a host in it", ["*.example.com"], ["shop.example.com"], 1],
  ["a host and a wildcard around it", ["shop.example.com"], ["*.example.com"], 1],
  ["every host", ["shop.example.com"], ["*"], 1],
  ["a wildcard in a wildcard", ["*.example.com"], ["*.shop.example.com"], 1],
  ["another host", ["shop.example.com"], ["shop.example.net"], 0],
  ["a wildcard and its own domain", ["*.example.com"], ["example.com"], 0],
])("%s", (_what, hosts, others, count) => {
  expect(collisions([{ hosts }, { hosts: others }])).toHaveLength(count);
});

function codes(use: Partial<NameAtHosts>): readonly string[] {
  return checkSessionNames([route(0, use)], new Recall(undefined)).map(({ code }) => code);
}

test.each([
  ["shop.example.com", "shop.example.com", []],
  ["shop.example.com", "example.com", []],
  ["shop.example.com", ".Example.com", []],
  ["shop.example.com", "other.example.com", ["cookie-refused"]],
  ["myexample.com", "example.com", ["cookie-refused"]],
  ["example.com", "shop.example.com", ["cookie-refused"]],
  ["*.example.com", "example.com", []],
  ["*.example.com", "shop.example.com", []],
  ["*.example.net", "example.com", ["cookie-refused"]],
  ["*", "example.com", []],
])("%s with a cookie of the domain %s", (host, cookieDomain, expected) => {
  expect(codes({ hosts: [host], cookieDomain })).toEqual(expected);
});

test("a cookie that browsers do not send with all of its rule is told once for each place", () => {
  expect(codes({ cookiePath: "/shop", outside: "/" })).toEqual(["cookie-not-sent"]);
  const twice = [route(0, { outside: "/" }), route(0, { outside: "/other" })];
  const told = checkSessionNames(twice, new Recall(undefined));
  expect(told.map(({ code }) => code)).toEqual(["cookie-not-sent"]);
});

test("one session that leads to other backends elsewhere is told once, whatever the number of rules", () => {
  const uses = Array.from({ length: 50 }, (_, index) => ({
    scope: "one",
    backends: [`Service/default/s${index}:80`],
  }));
  expect(collisions(uses)).toEqual(["r1"]);
});
