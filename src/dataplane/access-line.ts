// Writes a request as a line of the access log: JSON, or a format of the operator's own; ASCII of bounded length.
import { ACCESS_FIELDS, type FieldReader } from "./access-fields.ts";
import type { AccessRecord } from "./access-record.ts";

/** A line with its newline: ASCII, at most 4,096 bytes. */
export type LineFormat = (record: AccessRecord) => string;

/** A part of a line. @param limit characters of a text; what is longer is cut */
export type LinePart = (record: AccessRecord, limit: number) => string;

/** The longest line, so that one write to a pipe always holds it whole. */
export const MAX_LINE_LENGTH = 4096;
/** Longest text of one field, tried in this order until the line fits; what is cut off is counted at its place. */
const FIELD_LIMITS: readonly number[] = [2048, 256, 32, 8];

/** One JSON object a line. */
export const jsonLine: LineFormat = lineOf(jsonParts());

/** @param parts one after the other; a line that is too long with the shortest texts is cut off */
export function lineOf(parts: readonly LinePart[]): LineFormat {
  return (record) => {
    let line = "";
    for (const limit of FIELD_LIMITS) {
      line = "";
      for (const part of parts) line += part(record, limit);
      if (line.length < MAX_LINE_LENGTH) return `${line}\n`;
    }
    return `${line.slice(0, MAX_LINE_LENGTH - 1)}\n`;
  };
}

/** A field in a format string: `-` where it does not apply; quotes and what is not printable are escaped as in JSON. */
export function plainPart(read: FieldReader): LinePart {
  return (record, limit) => {
    const value = read(record);
    if (value === undefined) return "-";
    return typeof value === "number" ? String(value) : escaped(cut(value, limit));
  };
}

function jsonParts(): LinePart[] {
  const parts: LinePart[] = [];
  let before = "{";
  for (const [name, read] of Object.entries<FieldReader>(ACCESS_FIELDS)) {
    const [group, member = ""] = name.split(".");
    if (member === "") {
      parts.push(jsonPart(`${before}"${name}":`, read));
    } else if (member === "source") {
      parts.push(affinityPart(`${before}"${group}":`));
    }
    before = ",";
  }
  return [...parts, () => "}"];
}

function jsonPart(before: string, read: FieldReader): LinePart {
  return (record, limit) => before + jsonValue(read(record), limit);
}

function affinityPart(before: string): LinePart {
  return ({ affinity }, limit) => {
    if (affinity === undefined) return `${before}null`;
    const { source, outcome, reason } = affinity;
    return `${before}{"source":${jsonValue(source, limit)},"outcome":${jsonValue(outcome, limit)},"reason":${jsonValue(reason, limit)}}`;
  };
}

function jsonValue(value: string | number | undefined, limit: number): string {
  if (value === undefined) return "null";
  return typeof value === "number" ? String(value) : `"${escaped(cut(value, limit))}"`;
}

function cut(value: string, limit: number): string {
  return value.length > limit ? `${value.slice(0, limit)}...[${value.length - limit} more]` : value;
}

/** What JSON must escape, and all that is not ASCII, so that a character is a byte. */
const NEEDS_ESCAPE = /[^\x20-\x7e]|["\\]/;
const NOT_ASCII = /[^\x20-\x7e]/g;

function escaped(value: string): string {
  if (!NEEDS_ESCAPE.test(value)) return value;
  return JSON.stringify(value).slice(1, -1).replace(NOT_ASCII, unicodeEscape);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
