// Measures the router with 10,000 routes: compile time, the longest slice of it, and the time of one match.
import type { Listener, Route } from "../src/model/index.ts";
import { RouterBuild } from "../src/routing/compile.ts";
import type { Router } from "../src/routing/router.ts";
import { requestHead } from "../test/support/request-head.ts";
import { exact, listener, match, prefix, regex, route, rule } from "../test/support/routes.ts";

const COUNT = 10_000;
const SLICE_MS = 2;
const LOOKUPS = 2_000_000;
const http = listener("http");

interface Case {
  readonly name: string;
  readonly routes: readonly Route[];
  readonly requests: readonly { readonly authority: string; readonly path: string }[];
}

function numbered<T>(make: (index: number) => T): T[] {
  return Array.from({ length: COUNT }, (_, index) => make(index));
}

const cases: readonly Case[] = [
  {
    name: "distinct hostnames",
    routes: numbered((index) => route(`r${index}`, http, [`tenant-${index}.shop.example`])),
    requests: numbered((index) => ({ authority: `tenant-${index}.shop.example:8080`, path: "/cart/7?x=1" })),
  },
  {
    name: "wildcard hostnames",
    routes: numbered((index) => route(`r${index}`, http, [`*.tenant-${index}.example`])),
    requests: numbered((index) => ({ authority: `www.tenant-${index}.example`, path: "/cart/7" })),
  },
  {
    name: "exact paths, one hostname",
    routes: numbered((index) =>
      route(`r${index}`, http, [], rule("e", match(exact(`/api/v1/item/${index}`)))),
    ),
    requests: numbered((index) => ({ authority: "shop.example", path: `/api/v1/item/${index}?view=full` })),
  },
  {
    name: "prefixes, one hostname",
    routes: numbered((index) =>
      route(`r${index}`, http, [], rule("p", match(prefix(`/api/v1/item/${index}`)))),
    ),
    requests: numbered((index) => ({ authority: "shop.example", path: `/api/v1/item/${index}/photo/3` })),
  },
  {
    name: "one expression per hostname",
    routes: numbered((index) =>
      route(`r${index}`, http, [`t${index}.example`], rule("x", match(regex("/item/[0-9]+")))),
    ),
    requests: numbered((index) => ({ authority: `t${index}.example`, path: `/item/${index}` })),
  },
];

function compile(
  routes: readonly Route[],
  previous?: Router,
): { router: Router; compileMs: number; sliceMs: number } {
  const listeners: readonly Listener[] = [http];
  const build = new RouterBuild(listeners, routes, previous);
  let compileMs = 0;
  let sliceMs = 0;
  for (let done = false; !done; ) {
    const start = performance.now();
    done = build.step(() => performance.now() - start > SLICE_MS);
    const tookMs = performance.now() - start;
    compileMs += tookMs;
    sliceMs = Math.max(sliceMs, tookMs);
  }
  return { router: build.router as Router, compileMs, sliceMs };
}

for (const { name, routes, requests } of cases) {
  const first = compile(routes);
  const changed = routes.with(COUNT / 2, { ...(routes[COUNT / 2] as Route) });
  const again = compile(changed, first.router);
  const heads = requests.map((parts) => requestHead(parts));
  let matched = 0;
  const start = performance.now();
  for (let count = 0; count < LOOKUPS; count++) {
    const head = heads[count % COUNT]!;
    if (again.router.match(head, head.path).rule !== undefined) matched++;
  }
  const matchNs = ((performance.now() - start) * 1e6) / LOOKUPS;
  if (matched !== LOOKUPS) throw new Error(`${name}: ${LOOKUPS - matched} requests found no rule`);
  console.log(
    `${name.padEnd(28)} compile ${first.compileMs.toFixed(1)} ms, longest slice ${first.sliceMs.toFixed(1)} ms, ` +
      `again after one change ${again.compileMs.toFixed(1)} ms, match ${matchNs.toFixed(0)} ns`,
  );
}
