// Reads cookies from a request as Envoy does; hash policies and sessions share this reader.
import type { HeaderFields } from "../model/index.ts";

const NONE: readonly string[] = [];

/**
 * Values of all cookies of that name, in the order they were sent, over all `cookie` lines. Names compare by case;
 * spaces before a name do not count; one pair of quotes around a value is removed; nothing is percent-decoded.
 */
export function cookieValues(request: Pick<HeaderFields, "getAll">, name: string): readonly string[] {
  let values: string[] | undefined;
  for (const line of request.getAll("cookie")) {
    if (!line.includes(name)) continue;
    for (let from = 0; from < line.length; ) {
      let end = line.indexOf(";", from);
      if (end === -1) end = line.length;
      while (line.charCodeAt(from) === SPACE) from++;
      const equals = from + name.length;
      if (equals < end && line.charCodeAt(equals) === EQUALS && line.startsWith(name, from)) {
        values ??= [];
        values.push(unquoted(line, equals + 1, end));
      }
      from = end + 1;
    }
  }
  return values ?? NONE;
}

const SPACE = 0x20;
const EQUALS = 0x3d;
const QUOTE = 0x22;

function unquoted(line: string, from: number, to: number): string {
  const quoted = to - from >= 2 && line.charCodeAt(from) === QUOTE && line.charCodeAt(to - 1) === QUOTE;
  return quoted ? line.slice(from + 1, to - 1) : line.slice(from, to);
}
