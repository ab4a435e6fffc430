// Ten thousand routes: compiled in small steps, and matched as fast as one. The margins are wide, the bench is exact.
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
])("%s: under 3 s to compile, under 3 us to match", (_, make) => {
  const build = new RouterBuild([http], numbered(make));
  const start = performance.now();
  let steps = 0;
  while (!build.step(() => true)) steps++;
  expect(performance.now() - start).toBeLessThan(3000);
  expect(steps).toBeGreaterThan(COUNT);

  const router = build.router as Router;
  const heads = Array.from({ length: COUNT }, (__, index) =>
    requestHead({ authority: `t${index}.example`, path: `/item/${index}/a` }),
  );
  const lookAll = () => heads.map((head) => router.match(head, head.path).rule?.name);
  expect(lookAll()).toEqual(heads.map((__, index) => String(index)));
  const matchStart = performance.now();
  for (let round = 0; round < 10; round++) lookAll();
  expect((performance.now() - matchStart) / (10 * COUNT)).toBeLessThan(0.003);
});
