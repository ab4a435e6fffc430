// What a container wrote, as clients of the log endpoint may ask for it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { ContainerLog } from "./container-log.ts";

function newLog(): ContainerLog {
  const folder = mkdtempSync(join(tmpdir(), "limpet-log-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return new ContainerLog(join(folder, "log"));
}

test("lines that come in pieces are whole, and the last one needs no end", async () => {
  const log = newLog();
  const stream = new PassThrough();
  log.take(stream);
  stream.write("fir");
  stream.write("st\nsec");
  stream.end("ond");
  await new Promise((resolve) => stream.once("close", resolve));
  expect(log.read({})).toEqual(["first", "second"]);
});

test("the last lines, and none of them", () => {
  const log = newLog();
  for (const line of ["a", "b", "c"]) log.write(line);
  expect(log.read({ tailLines: 2 })).toEqual(["b", "c"]);
  expect(log.read({ tailLines: 0 })).toEqual([]);
});

test("what came since a time, with the times", () => {
  const log = newLog();
  log.write("now");
  expect(log.read({ since: new Date(Date.now() + 60_000) })).toEqual([]);
  expect(log.read({ since: new Date(Date.now() - 60_000), timestamps: true })).toEqual([
    expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z now$/),
  ]);
});

test("a follower gets what comes later, until the end", () => {
  const log = newLog();
  log.write("before");
  const heard: string[] = [];
  let ends = 0;
  const unfollow = log.follow(
    (line) => heard.push(line),
    () => ends++,
    false,
  );
  log.write("after");
  log.end();
  unfollow();
  log.write("unheard");
  expect(heard).toEqual(["after"]);
  expect(ends).toBe(1);
});
