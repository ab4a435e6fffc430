// The data of ConfigMaps and Secrets: texts by name, checked without ever quoting a value.
import { z } from "zod";
import { checked, type FieldProblem } from "../schema/fields.ts";

export type TextMap = Readonly<Record<string, string>>;

/**
 * Reads as anything, so that no message of the schema's types prints what may be a key: `textsOf` gives what is right
 * of it.
 */
export function textMap(check: (key: string, value: string) => FieldProblem | undefined = () => undefined) {
  return checked(z.unknown().optional(), (value) => {
    if (value === undefined) return undefined;
    if (!isRecord(value)) {
      return {
        message: "the value is no object of texts",
        expected: "an object of texts",
        hint: "write one entry a line: name: text",
      };
    }
    return Object.entries(value).flatMap(([key, text]): FieldProblem[] => {
      if (typeof text !== "string") {
        const message = `the value of ${key} is no text`;
        return [{ path: [key], message, expected: "a text", hint: "put it into quotes" }];
      }
      const problem = check(key, text);
      return problem === undefined ? [] : [{ ...problem, path: [key] }];
    });
  });
}

/** The entries that are texts. */
export function textsOf(value: unknown): TextMap {
  if (!isRecord(value)) return {};
  const entries = Object.entries(value).filter((entry): entry is [string, string] => {
    return typeof entry[1] === "string";
  });
  return Object.fromEntries(entries);
}

/** Undefined where the text is no base64 as the API server takes it: line breaks may stand in it. */
export function decodedBase64(text: string): string | undefined {
  const plain = text.replaceAll(/[\r\n]/g, "");
  if (plain.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(plain)) return undefined;
  // What is read from here is PEM, which is ASCII.
  return Buffer.from(plain, "base64").toString("latin1");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
