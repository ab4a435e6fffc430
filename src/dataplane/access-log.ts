// The access log: one line per request, which tells which stage chose what, and how it ended.
import { isoTime } from "./access-fields.ts";
import type { LogFormat } from "./access-format.ts";
import type { AccessRecord } from "./access-record.ts";
import type { Clock } from "./clock.ts";
import type { LogTarget } from "./log-target.ts";
import { LogWriter } from "./log-writer.ts";

export type { AccessRecord } from "./access-record.ts";

export interface AccessLog {
  /** Never blocks and never throws. */
  write(record: AccessRecord): void;
  /** Lines lost so far. */
  readonly dropped: number;
  flush(timeoutMs: number): Promise<void>;
}

export const NO_ACCESS_LOG: AccessLog = { write() {}, dropped: 0, flush: () => Promise.resolve() };

/** One that can go on elsewhere, as after the rotation of its file. */
export interface MovableAccessLog extends AccessLog {
  /** `onLeft` is told when nothing is written to the old target any more. */
  moveTo(target: LogTarget, onLeft: () => void): void;
}

/**
 * The access log on a file or pipe.
 * @param target undefined: lines are lost, and counted, until it is moved
 */
export function createAccessLog(
  target: LogTarget | undefined,
  format: LogFormat,
  clock: Clock,
): MovableAccessLog {
  const writer = new LogWriter(target, {
    droppedLine: (count) => format.droppedLine(isoTime(clock.wallMs()), count),
  });
  return {
    write: (record) => writer.line(format.line(record)),
    get dropped() {
      return writer.dropped;
    },
    flush: (timeoutMs) => writer.flush(timeoutMs),
    moveTo: (next, onLeft) => writer.moveTo(next, onLeft),
  };
}
