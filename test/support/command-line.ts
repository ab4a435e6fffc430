// Command lines, run in the test's own process: what they print, and with which exit code they end.
import { main } from "../../src/cli/main.ts";

export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** `limpet` with these words. */
export function limpet(...args: readonly string[]): Promise<Printed> {
  return limpetReading("", ...args);
}

/** @param input what standard input holds */
export async function limpetReading(input: string, ...args: readonly string[]): Promise<Printed> {
  const printed = { out: "", error: "" };
  const code = await main(args, {
    out: (text) => {
      printed.out += text;
    },
    error: (text) => {
      printed.error += text;
    },
    input: async () => input,
    style: (_, text) => text,
    people: false,
  });
  return { code, ...printed };
}
