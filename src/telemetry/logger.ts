// The log of the process: one line an event on stderr, JSON for machines, short text on a terminal.
import { writeSync } from "node:fs";
import { styleText } from "node:util";
import { type Logger, pino } from "pino";

export type { Logger } from "pino";

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Text for people in place of JSON. */
  readonly human: boolean;
  /** Receives whole lines. */
  readonly write: (line: string) => void;
}

/** Synchronous, so that the last words of a process are not lost. */
export function writeStderr(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // A log that nobody reads (EPIPE, EAGAIN) must not end the gateway.
  }
}

export function createLogger(options: LoggerOptions): Logger {
  const write = options.human ? (line: string) => options.write(humanLine(line)) : options.write;
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
}

const LEVEL_STYLES = { error: "red", warn: "yellow", info: "green", debug: "gray" } as const;

/** `12:00:00.000 warn  message key=value`, from pino's JSON. */
function humanLine(line: string): string {
  const { time, level, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const name = String(level);
  const style = Object.hasOwn(LEVEL_STYLES, name) ? LEVEL_STYLES[name as LogLevel] : "red";
  const parts = [
    styleText("gray", String(time).slice(11, 23)),
    styleText(style, name.padEnd(5)),
    ...(msg === undefined ? [] : [String(msg)]),
    ...Object.entries(fields).map(([key, value]) => `${styleText("gray", `${key}=`)}${fieldText(value)}`),
  ];
  const stack = (err as { stack?: unknown } | undefined)?.stack;
  return `${parts.join(" ")}\n${stack === undefined ? "" : `${String(stack)}\n`}`;
}

function fieldText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[^\s"=]+$/.test(text) || typeof value !== "string" ? text : JSON.stringify(text);
}
