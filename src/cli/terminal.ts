// Where commands print: results to standard output, everything else to standard error.
import { styleText } from "node:util";

export interface Terminal {
  out(text: string): void;
  error(text: string): void;
  /** Colours where standard output is a terminal that wants them. */
  style(format: Parameters<typeof styleText>[0], text: string): string;
  /** Standard error is read by a person. */
  readonly people: boolean;
}

export const PROCESS_TERMINAL: Terminal = {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  style: (format, text) => styleText(format, text, { stream: process.stdout }),
  people: process.stderr.isTTY === true,
};
