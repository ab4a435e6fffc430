// Where commands print: results to standard output, everything else to standard error.
import { text } from "node:stream/consumers";
import { styleText } from "node:util";

export interface Terminal {
  out(text: string): void;
  error(text: string): void;
  /** All of standard input. */
  input(): Promise<string>;
  /** Colours where standard output is a terminal that wants them. */
  style(format: Parameters<typeof styleText>[0], text: string): string;
  /** Standard error is read by a person. */
  readonly people: boolean;
}

export const PROCESS_TERMINAL: Terminal = {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  input: () => text(process.stdin),
  style: (format, text) => styleText(format, text, { stream: process.stdout }),
  people: process.stderr.isTTY === true,
};
