// Whatever a user writes, translation answers: valid resources with anything put anywhere never make it throw.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Filter, objectKey } from "../model/index.ts";
import { translate } from "./translate.ts";
import type { Resource } from "./translation.ts";
import { readResources } from "./yaml/read-resources.ts";

const CASES = resolve(import.meta.dirname, "../../testdata/translate");

const seeds: Resource[] = readdirSync(CASES).flatMap((name) => {
  const inputs = readdirSync(join(CASES, name)).filter((file) => !file.startsWith("out."));
  return inputs.flatMap(
    (file) => readResources(file, readFileSync(join(CASES, name, file), "utf8")).resources,
  );
});

/** Every path of a value, the root left out. */
function pathsOf(value: unknown, prefix: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return keys.flatMap((key) => {
    const path = [...prefix, key];
    return [path, ...pathsOf((value as Record<string | number, unknown>)[key], path)];
  });
}

/** The value itself where an earlier change took the place away. */
function withReplaced(value: unknown, path: readonly (string | number)[], replacement: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return replacement;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return value;
  const child = withReplaced((value as Record<string | number, unknown>)[step], rest, replacement);
  return Array.isArray(value) ? value.with(Number(step), child) : { ...value, [step]: child };
}

const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>,
  fc.constantFrom<unknown>(
    "",
    "a".repeat(300),
    -1,
    0,
    65536,
    1.5,
    [],
    {},
    [{}],
    null,
    "10s",
    "/",
    "*.a.b",
    "HTTP",
  ),
);

const mutated = fc
  .nat(seeds.length - 1)
  .chain((index) => {
    const seed = seeds[index] as Resource;
    const paths = pathsOf(seed.value).filter(([first]) => first !== "apiVersion" && first !== "kind");
    return fc.record({
      seed: fc.constant(seed),
      changes: fc.array(fc.tuple(fc.constantFrom(...paths), anything), { minLength: 1, maxLength: 3 }),
    });
  })
  .map(({ seed, changes }): Resource => {
    const value = changes.reduce<unknown>((now, [path, put]) => withReplaced(now, path, put), seed.value);
    return { ...seed, value };
  });

function mirrorsOf(filters: readonly Filter[]): string[] {
  return filters.flatMap((filter) => (filter.kind === "mirror" ? [filter.backend] : []));
}

test("there are seeds of many kinds", () => {
  expect(new Set(seeds.map(({ kind }) => kind)).size).toBeGreaterThan(8);
});

test("translation never throws, and what it serves refers only to what is there", () => {
  fc.assert(
    fc.property(
      fc.array(mutated, { minLength: 1, maxLength: 6 }),
      fc.nat(seeds.length - 1),
      (changed, from) => {
        const beside = seeds.slice(from, from + 6);
        const names = new Set(changed.map(({ object }) => objectKey(object)));
        const all = [...changed, ...beside.filter(({ object }) => !names.has(objectKey(object)))];
        const first = translate(all);
        const second = translate([...beside, ...changed], {}, first.memory);
        for (const { snapshot } of [first, second]) {
          const listeners = snapshot.listeners.map(({ id }) => id);
          const routes = snapshot.routes.map(({ id }) => id);
          const tlsRoutes = snapshot.tlsRoutes.map(({ id }) => id);
          const backends = snapshot.backends.map(({ id }) => id);
          for (const ids of [listeners, routes, tlsRoutes, backends])
            expect(new Set(ids).size).toBe(ids.length);
          for (const { protocol, tls } of snapshot.listeners) {
            // Of protocol TLS either way is right.
            if (protocol !== "TLS") expect(tls !== undefined).toBe(protocol === "HTTPS");
            expect(tls?.anyProtocol === true).toBe(protocol === "TLS" && tls !== undefined);
            expect(tls?.certificates.length).not.toBe(0);
          }
          for (const { attachments, backends: weighted } of snapshot.tlsRoutes) {
            for (const { listener } of attachments) expect(listeners).toContain(listener);
            for (const { backend } of weighted)
              if (backend !== undefined) expect(backends).toContain(backend);
          }
          for (const { attachments, rules } of snapshot.routes) {
            for (const { listener } of attachments) expect(listeners).toContain(listener);
            for (const { action, filters, matches } of rules) {
              expect(matches.length).toBeGreaterThan(0);
              for (const mirrored of mirrorsOf(filters)) expect(backends).toContain(mirrored);
              if (action.kind !== "forward") continue;
              if (action.backends.length === 0) expect(filters.map(({ kind }) => kind)).toContain("redirect");
              for (const { backend, filters: own } of action.backends) {
                if (backend !== undefined) expect(backends).toContain(backend);
                for (const mirrored of mirrorsOf(own)) expect(backends).toContain(mirrored);
              }
            }
          }
        }
      },
    ),
    { numRuns: 400 },
  );
});
