// When files are a configuration, and when somebody is still writing them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FileConfiguration } from "./file-configuration.ts";

const SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n";

function folder() {
  const path = mkdtempSync(join(tmpdir(), "limpet-configuration-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  const source = new FileConfiguration({ paths: [path], watch: false, sealTokens: false });
  const accept = async () => {
    const input = await source.read();
    source.accepted(input);
    return input;
  };
  return { source, accept, write: (name: string, text: string) => writeFileSync(join(path, name), text) };
}

test("a file that was emptied is no configuration, one that always was empty is", async () => {
  const { source, accept, write } = folder();
  write("a.yaml", SECRET);
  write("b.yaml", " \n");
  expect((await accept()).refusals).toEqual([]);
  write("a.yaml", "");
  expect((await source.read()).refusals).toEqual([expect.stringContaining("a.yaml is empty")]);
  write("a.yaml", SECRET);
  expect((await source.read()).refusals).toEqual([]);
});

test("documents that stay have the same value, though others change", async () => {
  const { accept, write } = folder();
  write("a.yaml", SECRET);
  const before = await accept();
  write("b.yaml", SECRET.replace("name: a", "name: b"));
  const after = await accept();
  expect(after.resources).toHaveLength(2);
  expect(after.resources[0]?.value).toBe(before.resources[0]?.value);
});
