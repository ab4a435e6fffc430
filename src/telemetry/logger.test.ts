// The two forms of a log line.
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { createLogger } from "./logger.ts";

function lines(human: boolean, level: "info" | "debug" = "info") {
  const written: string[] = [];
  const logger = createLogger({
    level,
    human,
    write: (line) => written.push(stripVTControlCharacters(line)),
  });
  return { written, logger };
}

test("machines get one JSON object a line, with the level by name", () => {
  const { written, logger } = lines(false);
  logger.warn({ file: "a.yaml" }, "kept the last good configuration");
  const line = JSON.parse(written[0] as string);
  expect(line).toMatchObject({ level: "warn", file: "a.yaml", msg: "kept the last good configuration" });
  expect(Number.isNaN(Date.parse(line.time))).toBe(false);
});

test("people get time, level, message and fields", () => {
  const { written, logger } = lines(true);
  logger.info({ version: 3, file: "a b.yaml" }, "loaded");
  expect(written[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}loaded version=3 file="a b\.yaml"\n$/);
});

test("an error brings its stack", () => {
  const { written, logger } = lines(true);
  logger.error({ err: new Error("boom") }, "failed");
  expect(written[0]).toContain("failed\nError: boom");
});

test("below the level nothing is written", () => {
  const { written, logger } = lines(false);
  logger.debug("not this");
  expect(written).toEqual([]);
});
