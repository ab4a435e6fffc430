// Reading with a schema: every problem at once, at the place where it was written, and what is left over is usable.
import { expect, test } from "vitest";
import { z } from "zod";
import type { Resource } from "../translation.ts";
import { checked, duration, durationMs, ignored, rule } from "./fields.ts";
import { defineKind } from "./kind.ts";
import { readObject } from "./read-object.ts";

const pair = checked(
  z.strictObject({ low: z.int().optional(), high: z.int().optional() }),
  ({ low, high }) => {
    if (low === undefined || high !== undefined) return undefined;
    return rule({ absent: ["high"], message: "low needs high", expected: "high", hint: "add high" });
  },
);

const THING = defineKind(
  { group: "test", kind: "Thing", versions: ["v1"] },
  {
    spec: z.strictObject({
      items: z.array(z.strictObject({ name: z.string(), size: z.int().min(1).default(1) })).default([]),
      pair: pair.optional(),
      wait: duration.optional(),
      legacy: ignored(z.string(), "legacy does nothing", "remove legacy"),
    }),
  },
);

function read(spec: unknown) {
  const value = { apiVersion: "test/v1", kind: "Thing", metadata: { name: "t" }, spec };
  const object = { group: "test", kind: "Thing", namespace: "default", name: "t" };
  const resource: Resource = {
    apiVersion: "test/v1",
    kind: "Thing",
    object,
    value,
    position: () => undefined,
  };
  const { reading, findings } = readObject(THING, resource);
  return {
    reading,
    told: findings.map(({ severity, path, message }) => `${severity} ${path.join(".")}: ${message}`),
  };
}

test("a good object has its defaults and no findings", () => {
  const { reading, told } = read({ items: [{ name: "a" }] });
  expect(reading?.value.spec.items).toEqual([{ name: "a", size: 1 }]);
  expect(reading?.inError).toBe(false);
  expect(told).toEqual([]);
});

test("null is absent", () => {
  const { reading, told } = read({ items: null, wait: null });
  expect(reading?.value.spec.items).toEqual([]);
  expect(told).toEqual([]);
});

test("what cannot be read is left out, and paths still say where things were written", () => {
  const { reading, told } = read({
    items: [{ name: 5 }, "no", { name: "c", size: 0 }, { name: "d", sise: 2 }],
  });
  expect(reading?.value.spec.items.map(({ name }) => name)).toEqual(["c", "d"]);
  expect(reading?.writtenPath(["spec", "items", 1, "name"])).toEqual(["spec", "items", 3, "name"]);
  expect(reading?.hasErrorAt(["spec", "items", 0])).toBe(true);
  expect(reading?.hasErrorAt(["spec", "items", 1])).toBe(false);
  expect(told).toEqual([
    "error spec.items.0.name: name has the wrong type: 5 is a number",
    'error spec.items.1: items[1] has the wrong type: "no" is a text',
    "error spec.items.2.size: size is out of range: 0",
    "warning spec.items.3.sise: the field sise is not known here and has no effect",
  ]);
});

test("a rule between fields runs although other fields are wrong", () => {
  const { told } = read({ items: "no", pair: { low: 1 } });
  expect(told).toContain("error spec.pair: low needs high");
});

test("a rule about an absent field keeps quiet where the field is there and unreadable", () => {
  const { told } = read({ pair: { low: 1, high: "2" } });
  expect(told).toEqual(['error spec.pair.high: high has the wrong type: "2" is a text']);
});

test("an ignored field is a warning, and its value is judged all the same", () => {
  expect(read({ legacy: "x" })).toMatchObject({
    reading: { inError: false },
    told: ["warning spec.legacy: legacy does nothing"],
  });
  expect(read({ legacy: 1 }).told).toEqual(["error spec.legacy: legacy has the wrong type: 1 is a number"]);
});

test("without its frame there is no reading, and everything else is told still", () => {
  const { reading, told } = read(undefined);
  expect(reading).toBeUndefined();
  expect(told).toEqual(["error spec: spec is required"]);
});

test.each([
  ["1h30m", 5_400_000],
  ["10s", 10_000],
  ["1500ms", 1500],
  ["1m1ms", 60_001],
  ["0s", 0],
])("%s is %i ms", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
  expect(read({ wait: text }).told).toEqual([]);
});

test.each(["1d", "-1s", "1.5s", "10", "1s1s1s1s1s", "123456s", ""])("%j is no duration", (text) => {
  expect(read({ wait: text }).reading?.hasErrorAt(["spec", "wait"])).toBe(true);
});
