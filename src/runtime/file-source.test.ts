// Which files are found and read, on a real disk.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { FileSource } from "./file-source.ts";

test("folders are searched in depth for YAML and JSON, in order, without hidden files", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "routes"));
  mkdirSync(join(folder, ".git"));
  for (const name of ["b.yaml", "a.yml", "routes/c.json", "notes.txt", ".swap.yaml", ".git/d.yaml"]) {
    writeFileSync(join(folder, name), name);
  }
  const { files, problems } = await new FileSource([folder]).read();
  expect(files.map((file) => file.text)).toEqual(["a.yml", "b.yaml", "routes/c.json"]);
  expect(files[0]?.name).toBe(join(folder, "a.yml"));
  expect(problems).toEqual([]);
});

test("a file that is named is read whatever its extension, and once", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "gateway.conf");
  writeFileSync(file, "text");
  writeFileSync(join(folder, "a.yaml"), "a");
  const { files } = await new FileSource([file, file, folder, join(folder, "a.yaml")]).read();
  expect(files.map((entry) => entry.text)).toEqual(["text", "a"]);
});

test("a ConfigMap's files are found once, through its links", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "..2026_01_01"));
  writeFileSync(join(folder, "..2026_01_01", "gateway.yaml"), "one");
  symlinkSync("..2026_01_01", join(folder, "..data"));
  symlinkSync("..data/gateway.yaml", join(folder, "gateway.yaml"));
  const { files } = await new FileSource([folder]).read();
  expect(files).toEqual([{ name: join(folder, "gateway.yaml"), text: "one" }]);
});

test("links that lead in circles end", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "a.yaml"), "a");
  symlinkSync(".", join(folder, "again"));
  const { files, problems } = await new FileSource([folder]).read();
  expect(files).toHaveLength(1);
  expect(problems).toEqual([]);
});

test("a path that is not there is a problem, and hides no other", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "a.yaml"), "a");
  const missing = join(folder, "missing.yaml");
  const { files, problems } = await new FileSource([missing, folder]).read();
  expect(files).toHaveLength(1);
  expect(problems).toEqual([{ name: missing, message: "no such file or folder" }]);
});

test("a link that leads to itself is a problem", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "a.yaml");
  symlinkSync("a.yaml", file);
  expect((await new FileSource([folder]).read()).problems).toEqual([
    { name: file, message: "its links lead in a circle" },
  ]);
});

test("the signature changes with every write and with nothing else", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "a.yaml");
  writeFileSync(file, "one");
  const source = new FileSource([folder]);
  const before = await source.signature();
  expect(await source.signature()).toBe(before);
  expect((await source.read()).signature).toBe(before);
  writeFileSync(file, "other");
  expect(await source.signature()).not.toBe(before);
});
