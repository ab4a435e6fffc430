// Tests of the key file's text: what is a key, and what is said of a line that is none.
import { expect, test } from "vitest";
import { keyOf } from "../../../test/support/sealed.ts";
import { KeyFileError, keyLine, parseKeyFile } from "./key-file.ts";

const A = keyLine(keyOf(1));
const B = keyLine(keyOf(2));

test("keys come in the order of the file; comments, blank lines, spaces and line ends do not count", () => {
  const text = `\uFEFF# made on Monday\r\n\r\n  ${B}\t\r\n\n# the next one\n${A}`;
  expect(parseKeyFile(text)).toEqual([keyOf(2), keyOf(1)]);
});

function errorOf(text: string): KeyFileError {
  try {
    parseKeyFile(text);
  } catch (error) {
    if (error instanceof KeyFileError) return error;
    throw error;
  }
  throw new Error("the text was taken");
}

test.each([
  ["no key", "# nothing\n\n", undefined, "there is no key in it; make one with `limpet token keygen`"],
  ["a short key", `${A}\n${A.slice(0, 24)}`, 2, "found 18 bytes; make one with `limpet token keygen`"],
  [
    "a long key",
    `#\n\n${A.slice(0, -1)}AAAA=`,
    3,
    "expected a key of 32 bytes in base64, 44 characters, found 35",
  ],
  ["hex", keyOf(1).toString("hex"), 1, "found 48 bytes"],
  ["another alphabet", Buffer.alloc(32, 0xfb).toString("base64url"), 1, "write + for - and / for _"],
  ["a sentence", "not a key", 1, "a character that base64 does not have"],
  ["two keys in a line", `${A} ${B}`, 1, "a character that base64 does not have"],
  ["no padding", A.slice(0, -1), 1, "does not end as base64 does"],
  ["stray bits at the end", `${"A".repeat(42)}B=`, 1, "does not end as base64 does"],
  ["a key twice", `${A}\n${B}\n${A}`, 3, "is the key of line 1 once more"],
  [
    "too many keys",
    Array.from({ length: 65 }, (_, i) => keyLine(keyOf(i))).join("\n"),
    65,
    "64 keys at most",
  ],
])("%s is refused with its line", (_, text, line, message) => {
  const error = errorOf(text);
  expect(error.line).toBe(line);
  expect(error.message).toContain(message);
});

test("no message shows any part of a key", () => {
  const secret = keyOf(7).toString("hex");
  const { message } = errorOf(`${A}\n${secret}`);
  for (let at = 0; at + 8 <= secret.length; at++) expect(message).not.toContain(secret.slice(at, at + 8));
});
