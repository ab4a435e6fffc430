// Compilation in steps: it can be interrupted anywhere, and takes over what did not change.
import { expect, test } from "vitest";
import { requestHead } from "../../test/support/request-head.ts";
import { exact, listener, match, route, rule } from "../../test/support/routes.ts";
import { RouterBuild } from "./compile.ts";
import type { Router } from "./router.ts";

const http = listener("http");
const routes = Array.from({ length: 50 }, (_, index) =>
  route(`r${index}`, http, [`h${index}.example`], rule(`r${index}`, match(exact("/a")))),
);

function finish(build: RouterBuild): Router {
  build.step(() => false);
  return build.router as Router;
}

test("a build that stops after every rule gives the same router", () => {
  const build = new RouterBuild([http], routes);
  let steps = 1;
  while (!build.step(() => true)) {
    expect(build.router).toBeUndefined();
    steps++;
  }
  expect(steps).toBeGreaterThan(routes.length);
  const head = requestHead({ authority: "h31.example" });
  expect(build.router?.match(head, "/a").rule?.name).toBe("r31");
});

test("a finished build stays finished", () => {
  const build = new RouterBuild([http], routes);
  const router = finish(build);
  expect(build.step(() => true)).toBe(true);
  expect(build.router).toBe(router);
});

test("hostnames whose routes did not change keep their tables, the others are compiled anew", () => {
  const before = finish(new RouterBuild([http], routes));
  const changed = route("r7", http, ["h7.example"], rule("changed", match(exact("/a"))));
  const after = finish(new RouterBuild([http], routes.with(7, changed), before));
  const tables = (router: Router, hostname: string) => router.listeners.get("*")?.hosts.get(hostname)?.paths;
  expect(tables(after, "h6.example")).toBe(tables(before, "h6.example"));
  expect(tables(after, "h7.example")).not.toBe(tables(before, "h7.example"));
  expect(after.match(requestHead({ authority: "h7.example" }), "/a").rule?.name).toBe("changed");
  expect(before.match(requestHead({ authority: "h7.example" }), "/a").rule?.name).toBe("r7");
});

test("a listener that changed takes nothing over", () => {
  const before = finish(new RouterBuild([http], routes));
  const moved = { ...http, port: 81 };
  const after = finish(new RouterBuild([moved], routes, before));
  expect(after.match(requestHead({ authority: "h7.example" }), "/a").listener).toBe(moved);
});

test("routes of listeners on other ports are left out", () => {
  const elsewhere = listener("elsewhere");
  const router = finish(new RouterBuild([http], [route("r", elsewhere, [])]));
  expect(router.match(requestHead(), "/")).toMatchObject({ reason: "no-route", listener: http });
});
