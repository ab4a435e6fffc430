// Explanations as people read them; docs/explain.md has whole ones, which another test compares.
import { expect, test } from "vitest";
import { backendOf, cookieSession, endpointAt } from "../../test/support/affinity.ts";
import { explained } from "../../test/support/explaining.ts";
import { ringOf } from "../../test/support/sealed.ts";
import { forwardRule, snapshotOf } from "../../test/support/snapshots.ts";
import type { Snapshot } from "../model/index.ts";
import { explanationText } from "./explanation-text.ts";

const URL = "GET http://shop.example/";
const web = backendOf("web", [endpointAt("10.0.0.1:80"), endpointAt("10.0.0.2:80")]);

function text(snapshot: Snapshot, asking: Parameters<typeof explained>[2] = {}): string {
  return explanationText(URL, explained(snapshot, URL, asking), (_, words) => words);
}

test("an answer of the gateway's own is the first line", () => {
  const redirect = { kind: "redirect", redirect: { hostname: "new.example", status: 302 } } as const;
  const moved = snapshotOf({ backends: [web], rules: [forwardRule([web], { filters: [redirect] })] });
  expect(text(moved)).toMatch(
    /^GET http:\/\/shop\.example\/ -> 302 by the gateway, to http:\/\/new\.example\/\n/,
  );
  const empty = backendOf("empty", []);
  expect(text(snapshotOf({ backends: [empty] }))).toMatch(
    /^.* -> 503 no-endpoints\nempty has no endpoints\n/,
  );
});

test("an endpoint that refuses is told with the answer that follows", () => {
  const one = backendOf("web", [endpointAt("10.0.0.1:80")]);
  const told = text(snapshotOf({ backends: [one] }), { refusing: ["10.0.0.1:80"] });
  expect(told).toMatch(/^.* -> 503 connect-failed, tried 10\.0\.0\.1:80\n/);
  expect(told).toContain("exchange   GET /, host shop.example, to 10.0.0.1:80: refused");
});

test("panic, weights and a sealed session each have their line", () => {
  const session = cookieSession({ token: { format: "sealed", identity: "uid" }, split: "weight" });
  const ill = backendOf("ill", [endpointAt("10.0.0.1:80", { health: "unhealthy" })]);
  const backends = [
    { backend: "ill", weight: 1, filters: [] },
    { backend: "web", weight: 3, filters: [] },
  ];
  const rules = [forwardRule([], { action: { kind: "forward", backends }, session })];
  const told = text(snapshotOf({ backends: [ill, web], rules }), {
    keys: ringOf([1]),
    headers: ["cookie: home=nonsense"],
  });
  expect(told).toContain("one of 3 endpoints");
  expect(told).toContain(
    "session in cookie home, by HTTPRoute/default/shop/home (split weight, on loss reassign)",
  );
  expect(told).toContain("  token: it is no token\n");
  expect(told).toContain("split drawn by weight: one of 4\n");
  expect(told).toContain("  web: weight 3, 75%\n");
  const alone = snapshotOf({ backends: [ill], rules: [forwardRule([ill])] });
  expect(text(alone)).toContain("in panic: health is ignored\n");
});

test("what is shown has no colours unless the terminal wants them", () => {
  const explanation = explained(snapshotOf({ backends: [web] }), URL);
  expect(explanationText(URL, explanation, (_, words) => words)).not.toContain("\x1b");
  const coloured = explanationText(URL, explanation, (format, words) => `<${String(format)}>${words}</>`);
  expect(coloured).toContain("<cyan>listener   </>");
});
