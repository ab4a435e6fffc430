// A real logger whose lines a test can read.
import { createLogger, type Logger } from "../../src/telemetry/index.ts";

export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string };

export function logLines(): { readonly logger: Logger; readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as LogLine);
  return { logger: createLogger({ level: "debug", human: false, write }), lines };
}
