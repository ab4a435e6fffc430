// The outputs in docs/explain.md are what the command prints.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { limpet } from "../support/command-line.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** Commands with what stands below them. */
const DOCUMENTED = [
  ...readFileSync(join(ROOT, "docs/explain.md"), "utf8").matchAll(
    /```console\n\$ limpet ((?:[^\n]*\\\n)*[^\n]*)\n([^`]*)```/g,
  ),
].map(([, command = "", output = ""]) => ({ command, output }));

/** Words, as a shell splits them: quotes, braces and continued lines. Paths are the repository's. */
function words(command: string): string[] {
  return [...command.replaceAll("\\\n", " ").matchAll(/'([^']*)'|(\S+)/g)].flatMap(
    ([, quoted, plain = ""]) => {
      if (quoted !== undefined) return [quoted];
      const [, before = "", names, after = ""] = /^(.*)\{(.*)\}(.*)$/.exec(plain) ?? [];
      const all = names === undefined ? [plain] : names.split(",").map((name) => before + name + after);
      return all.map((word) => (word.startsWith("examples/") ? join(ROOT, word) : word));
    },
  );
}

test.each(DOCUMENTED)("$command", async ({ command, output }) => {
  const printed = await limpet(...words(command));
  expect({ ...printed, out: printed.out.trimEnd() }).toEqual({ code: 0, out: output.trimEnd(), error: "" });
});

test("there are examples of what is certain, what is drawn and what does not match", () => {
  expect(DOCUMENTED.length).toBeGreaterThanOrEqual(4);
});
