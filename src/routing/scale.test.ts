// Ten thousand routes: compiled in small steps, each found by its own requests. How fast is measured by bench/routing.ts.
import { expect, test } from "vitest";
import { requestHead } from "../../test/support/request-head.ts";
import { exact, listener, match, prefix, route, rule } from "../../test/support/routes.ts";
import type { Route } from "../model/index.ts";
import { RouterBuild } from "./compile.ts";
import type { Router } from "./router.ts";

const COUNT = 10_000;
const http = listener("http");
const numbered = (make: (index: number) => Route) => Array.from({ length: COUNT }, (_, index) => make(index));

test.each([
  ["hostnames", (index: number) => route("r", http, [`t${index}.example`], rule(String(index)))],
  [
    "exact paths",
    (index: number) => route("r", http, [], rule(String(index), match(exact(`/item/${index}/a`)))),
  ],
  ["prefixes", (index: number) => route("r", http, [], rule(String(index), match(prefix(`/item/${index}`))))],
])("ten thousand %s", (_, make) => {
  const build = new RouterBuild([http], numbered(make));
  let steps = 0;
  while (!build.step(() => true)) steps++;
  expect(steps).toBeGreaterThan(COUNT);

  const router = build.router as Router;
  const heads = Array.from({ length: COUNT }, (__, index) =>
    requestHead({ authority: `t${index}.example`, path: `/item/${index}/a` }),
  );
  const found = heads.map((head) => router.match(head, head.path).rule?.name);
  expect(found).toEqual(heads.map((__, index) => String(index)));
});
