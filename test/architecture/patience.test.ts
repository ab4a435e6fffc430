// Holds the tests to their patience: what they wait for may come late, since other guests of a machine hold it up for seconds.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
/** In milliseconds. */
const LEAST_PATIENCE = 10_000;

const CONFIGS = readdirSync(ROOT).filter((name) => /^vitest(\.\w+)?\.config\.ts$/.test(name));

const TESTS = ["src", "test", "examples"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.includes("node_modules"))
    .map((name) => join(folder, name)),
);

test.each(CONFIGS)(
  "%s lets expect.poll wait for longer than the second that it waits of itself",
  async (name) => {
    const { default: config } = (await import(join(ROOT, name))) as {
      default: { test?: { expect?: { poll?: { timeout?: number } }; testTimeout?: number } };
    };
    const timeout = config.test?.expect?.poll?.timeout ?? 0;
    expect(timeout).toBeGreaterThanOrEqual(LEAST_PATIENCE);
    // Otherwise a test would end before it could say what it waits for.
    expect(config.test?.testTimeout).toBeGreaterThan(timeout);
  },
);

test("nobody waits with vi.waitFor, whose patience of a second no configuration changes", () => {
  const word = ["vi", "waitFor("].join(".");
  const found = TESTS.filter((name) => readFileSync(join(ROOT, name), "utf8").includes(word));
  expect(found).toEqual([]);
  expect(CONFIGS.length).toBeGreaterThan(5);
  expect(TESTS.length).toBeGreaterThan(500);
});
