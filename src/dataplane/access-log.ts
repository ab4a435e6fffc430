// One JSON line per request: which stage chose what, and how it ended.
import type { Clock } from "./clock.ts";
import type { LogTarget } from "./log-target.ts";
import { LogWriter } from "./log-writer.ts";

/** Everything that the log tells of a request; undefined fields are written as null. */
export interface AccessRecord {
  /** Wall clock at the request's start, milliseconds since 1970. */
  readonly startedWallMs: number;
  readonly durationMs: number;
  /** The client's IP after the trust rules. */
  readonly clientIp: string;
  /** Undefined, like the next three: what came in never became a request. */
  readonly method: string | undefined;
  readonly host: string | undefined;
  readonly path: string | undefined;
  readonly protocol: string | undefined;
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly requestId: string;
  readonly listener: string | undefined;
  readonly route: string | undefined;
  readonly rule: string | undefined;
  readonly backend: string | undefined;
  readonly upstreamAddress: string | undefined;
  /** A decision puts its reason together when it is asked: only a log that is written pays for it. */
  readonly affinity: AffinityRecord | undefined;
  /** Code of the error that ended the exchange. */
  readonly error: string | undefined;
}

export interface AffinityRecord {
  readonly source: string | undefined;
  readonly outcome: string | undefined;
  readonly reason: string;
}

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

/** The access log on a file or pipe. */
export function createAccessLog(target: LogTarget, clock: Clock): MovableAccessLog {
  const writer = new LogWriter(target, {
    droppedLine: (count) => `{"time":"${isoTime(clock.wallMs())}","dropped_lines":${count}}\n`,
  });
  return {
    write: (record) => writer.line(accessLine(record)),
    get dropped() {
      return writer.dropped;
    },
    flush: (timeoutMs) => writer.flush(timeoutMs),
    moveTo: (next, onLeft) => writer.moveTo(next, onLeft),
  };
}

/** The longest line, so that one write to a pipe always holds it whole. */
const MAX_LINE_LENGTH = 4096;
/** Longest text of one field, tried in this order until the line fits; what is cut off is counted at its place. */
const FIELD_LIMITS: readonly number[] = [2048, 256, 32];

/** ASCII, with its newline, at most 4,096 bytes. */
export function accessLine(record: AccessRecord): string {
  let line = "";
  for (const limit of FIELD_LIMITS) {
    line = lineOf(record, limit);
    if (line.length <= MAX_LINE_LENGTH) break;
  }
  return line;
}

function lineOf(record: AccessRecord, limit: number): string {
  return `{"time":"${isoTime(record.startedWallMs)}","client":${text(record.clientIp, limit)},"method":${text(
    record.method,
    limit,
  )},"host":${text(record.host, limit)},"path":${text(record.path, limit)},"protocol":${text(
    record.protocol,
    limit,
  )},"status":${record.status},"duration_ms":${Math.round(record.durationMs * 1000) / 1000},"bytes_in":${
    record.bytesIn
  },"bytes_out":${record.bytesOut},"request_id":${text(record.requestId, limit)},"listener":${text(
    record.listener,
    limit,
  )},"route":${text(record.route, limit)},"rule":${text(record.rule, limit)},"backend":${text(
    record.backend,
    limit,
  )},"upstream_addr":${text(record.upstreamAddress, limit)},"affinity":${affinity(record.affinity, limit)},"error":${text(
    record.error,
    limit,
  )}}\n`;
}

function affinity(record: AffinityRecord | undefined, limit: number): string {
  if (record === undefined) return "null";
  return `{"source":${text(record.source, limit)},"outcome":${text(record.outcome, limit)},"reason":${text(
    record.reason,
    limit,
  )}}`;
}

/** What JSON must escape, and all that is not ASCII, so that a character is a byte. */
const NEEDS_ESCAPE = /[^\x20-\x7e]|["\\]/;
const NOT_ASCII = /[^\x20-\x7e]/g;

function text(value: string | undefined, limit: number): string {
  if (value === undefined) return "null";
  if (value.length > limit) value = `${value.slice(0, limit)}...[${value.length - limit} more]`;
  if (!NEEDS_ESCAPE.test(value)) return `"${value}"`;
  return JSON.stringify(value).replace(NOT_ASCII, unicodeEscape);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

let cachedSecond = -1;
let cachedPrefix = "";

/** RFC 3339 with milliseconds; the part up to the second is kept, since neighbouring lines share it. */
function isoTime(wallMs: number): string {
  const second = Math.floor(wallMs / 1000);
  if (second !== cachedSecond) {
    cachedSecond = second;
    cachedPrefix = new Date(second * 1000).toISOString().slice(0, 20);
  }
  const milliseconds = Math.floor(wallMs) - second * 1000;
  return `${cachedPrefix}${milliseconds < 10 ? "00" : milliseconds < 100 ? "0" : ""}${milliseconds}Z`;
}
