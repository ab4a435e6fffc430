// Changes as editors, kubelet and scripts make them, each noticed once it is complete.

import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { leastMs } from "../../test/support/least-ms.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { FileSource } from "./file-source.ts";
import { FileWatch } from "./file-watch.ts";

/** Watches a folder; `next()` is the text of its files at the next change. */
async function watch(folder: string) {
  const source = new FileSource([folder]);
  const changes: (() => void)[] = [];
  let calls = 0;
  const watcher = new FileWatch(source, await source.signature(), () => {
    calls++;
    for (const change of changes.splice(0)) change();
  });
  onTestFinished(() => watcher.stop());
  const next = async () => {
    await new Promise<void>((resolve) => changes.push(resolve));
    return (await source.read()).files.map((file) => file.text);
  };
  return { next, calls: () => calls };
}

test("a file written in place is noticed within a second", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "a.yaml"), "one");
  const { next } = await watch(folder);
  const tookMs = await leastMs(async (index) => {
    writeFileSync(join(folder, "a.yaml"), `two ${index}`);
    expect(await next()).toEqual([`two ${index}`]);
  });
  expect(tookMs).toBeLessThan(1000);
});

test("a file renamed over another is noticed", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "a.yaml"), "one");
  const { next } = await watch(folder);
  writeFileSync(join(folder, "a.yaml.new"), "two");
  renameSync(join(folder, "a.yaml.new"), join(folder, "a.yaml"));
  expect(await next()).toEqual(["two"]);
});

test("the swap of a ConfigMap's link is noticed", async () => {
  const folder = temporaryFolder();
  for (const version of ["one", "two"]) {
    mkdirSync(join(folder, `..${version}`));
    writeFileSync(join(folder, `..${version}`, "a.yaml"), version);
  }
  symlinkSync("..one", join(folder, "..data"));
  symlinkSync("..data/a.yaml", join(folder, "a.yaml"));
  const { next } = await watch(folder);
  symlinkSync("..two", join(folder, "..data_tmp"));
  renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  expect(await next()).toEqual(["two"]);
});

test("files that come and go are noticed", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "a.yaml"), "one");
  const { next } = await watch(folder);
  writeFileSync(join(folder, "b.yaml"), "two");
  expect(await next()).toEqual(["one", "two"]);
  rmSync(join(folder, "a.yaml"));
  expect(await next()).toEqual(["two"]);
});

test("a burst of writes is one change, told after its end", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "a.yaml");
  writeFileSync(file, "0");
  const { next, calls } = await watch(folder);
  let count = 0;
  const writing = setInterval(() => {
    writeFileSync(file, String(++count));
    if (count === 20) clearInterval(writing);
  }, 20);
  onTestFinished(() => clearInterval(writing));
  expect(await next()).toEqual(["20"]);
  expect(calls()).toBe(1);
});

test("a file that could not be read, and is the same since, is noticed once it can be", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "a.yaml");
  writeFileSync(file, "one");
  let fails = false;
  const source = new FileSource([folder], async (path) => {
    if (fails) throw Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" });
    return readFileSync(path, "utf8");
  });
  const seen: string[] = [];
  const watcher = new FileWatch(source, (await source.read()).signature, async () => {
    const { files, problems } = await source.read();
    seen.push(problems.length === 0 ? files.map(({ text }) => text).join() : "unread");
  });
  onTestFinished(() => watcher.stop());
  fails = true;
  writeFileSync(file, "two");
  await expect.poll(() => seen).toContain("unread");
  fails = false;
  await expect.poll(() => seen.at(-1)).toBe("two");
});
