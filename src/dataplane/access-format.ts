// Reads `--access-log-format`: `json`, or a text with `%{field}` in it.
import { ACCESS_FIELDS, type FieldReader, requestField, responseField } from "./access-fields.ts";
import { jsonLine, type LineFormat, type LinePart, lineOf, plainPart } from "./access-line.ts";

/** What is wrong with a format, where, and what was expected. */
export class LogFormatError extends Error {
  constructor(at: number, message: string) {
    super(`character ${at + 1}: ${message}`);
    this.name = "LogFormatError";
  }
}

/** What stands in a message of the log itself, such as how many lines were dropped. */
export interface LogFormat {
  readonly line: LineFormat;
  /** @param time RFC 3339 */
  readonly droppedLine: (time: string, count: number) => string;
}

const JSON_FORMAT: LogFormat = {
  line: jsonLine,
  droppedLine: (time, count) => `{"time":"${time}","dropped_lines":${count}}\n`,
};

/** Longer ones leave no room for what they ask for. */
const MAX_FORMAT_LENGTH = 2048;
const FIELD_NAME = /^[a-z0-9!#$&'*+.^_`|~-]+$/;

/**
 * `%{field}` stands for a field of the JSON line, `%{affinity.outcome}` for one of its decision, `%{request_header.NAME}`
 * and `%{response_header.NAME}` for a field of a head, `%%` for a percent sign. Throws a LogFormatError.
 */
export function parseLogFormat(text: string): LogFormat {
  if (text === "json") return JSON_FORMAT;
  return {
    line: lineOf(parseParts(text)),
    droppedLine: (time, count) => `# ${time} dropped_lines=${count}\n`,
  };
}

function parseParts(text: string): LinePart[] {
  if (text.length > MAX_FORMAT_LENGTH) {
    throw new LogFormatError(MAX_FORMAT_LENGTH, `expected the end: ${MAX_FORMAT_LENGTH} characters at most`);
  }
  const parts: LinePart[] = [];
  let hasField = false;
  let at = 0;
  while (at < text.length) {
    const percent = text.indexOf("%", at);
    const end = percent === -1 ? text.length : percent;
    if (end > at) parts.push(literal(text.slice(at, end), at));
    if (percent === -1) break;
    if (text[percent + 1] === "%") {
      parts.push(() => "%");
      at = percent + 2;
      continue;
    }
    if (text[percent + 1] !== "{") throw new LogFormatError(percent + 1, "expected {field} or % after %");
    const close = text.indexOf("}", percent);
    if (close === -1)
      throw new LogFormatError(text.length, `expected } for the %{ of character ${percent + 1}`);
    parts.push(plainPart(readerOf(text.slice(percent + 2, close), percent + 2)));
    hasField = true;
    at = close + 1;
  }
  if (!hasField) throw new LogFormatError(0, "expected json, or a text with at least one %{field}");
  return parts;
}

function literal(text: string, at: number): LinePart {
  const odd = text.search(/[^\x20-\x7e\t]/);
  if (odd !== -1) throw new LogFormatError(at + odd, "expected printable ASCII characters or tabs");
  return () => text;
}

function readerOf(field: string, at: number): FieldReader {
  if (Object.hasOwn(ACCESS_FIELDS, field)) return ACCESS_FIELDS[field as keyof typeof ACCESS_FIELDS];
  const [group = "", ...rest] = field.split(".");
  const name = rest.join(".").toLowerCase();
  if (FIELD_NAME.test(name)) {
    if (group === "request_header") return requestField(name);
    if (group === "response_header") return responseField(name);
  }
  const known = [...Object.keys(ACCESS_FIELDS), "request_header.NAME", "response_header.NAME"];
  throw new LogFormatError(at, `expected one of ${known.join(", ")}, not ${JSON.stringify(field)}`);
}
