// The Connection field: whether the connection persists, what it is upgraded to, and which fields are its own.
import { HTAB, isA, matchesLower, SP, TOKEN } from "./characters.ts";
import { CUT, SPAN, type Spans } from "./field-block.ts";
import { malformed } from "./message-error.ts";

export const CLOSE = 1;
export const PERSIST = 2;
export const UPGRADES = 4;

/** Fields that are meant for every recipient: whoever names them wants to take them from routing or framing. */
const UNTOUCHABLE: readonly string[] = ["host", "content-length", "cookie", "set-cookie", "authorization"];

/**
 * Reads one Connection field value, marks the fields that it names, and answers the options as bits.
 * @throws MessageError for what is no list of tokens, and for options that name what routing or framing needs
 */
export function readConnectionField(text: string, from: number, end: number, spans: Spans): number {
  let options = 0;
  let at = from;
  while (at < end) {
    const code = text.charCodeAt(at);
    if (code === SP || code === HTAB || code === 0x2c) {
      at += 1;
      continue;
    }
    const start = at;
    while (at < end && isA(text, at, TOKEN)) at += 1;
    if (at === start) throw malformed("Connection is no list of tokens");
    options |= readOption(text, start, at, spans);
    while (at < end && (text.charCodeAt(at) === SP || text.charCodeAt(at) === HTAB)) at += 1;
    if (at < end && text.charCodeAt(at) !== 0x2c) throw malformed("Connection is no list of tokens");
  }
  return options;
}

function readOption(text: string, start: number, end: number, spans: Spans): number {
  const length = end - start;
  if (length === 5 && matchesLower(text, start, "close")) return CLOSE;
  if (length === 10 && matchesLower(text, start, "keep-alive")) return PERSIST;
  if (length === 7 && matchesLower(text, start, "upgrade")) return UPGRADES;
  const name = text.slice(start, end).toLowerCase();
  if (UNTOUCHABLE.includes(name)) throw malformed(`Connection must not name ${name}`);
  for (let at = 0; at < spans.length; at += SPAN) {
    const nameStart = spans[at] as number;
    if ((spans[at + 1] as number) - nameStart === length && matchesLower(text, nameStart, name)) {
      spans[at + 4] = (spans[at + 4] as number) | CUT;
    }
  }
  return 0;
}
