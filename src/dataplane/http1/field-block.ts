// The field lines of a head or of trailers: parsed once into spans of the received text, read without copying.
import type { HeaderFields } from "../../model/index.ts";
import { CLASS, COLON, CR, HTAB, LF, matchesLower, SP, TOKEN } from "./characters.ts";
import { EXACT, fieldKind, HOP_BY_HOP, inMask } from "./field-kind.ts";
import { MessageError, malformed } from "./message-error.ts";

/** Numbers per field in `spans`: name start, name end, value start, value end, kind and flags. */
export const SPAN = 5;
export const KIND_MASK = 0x0f;
/** Hop-by-hop by nature: nobody but the codec sees it. */
export const HIDDEN = 0x10;
/** Named by `Connection`: routing sees it, the other side does not. */
export const CUT = 0x20;
/** The line is not passed on byte by byte but written anew. */
export const REWRITE = 0x40;
/** Said by the neutral head in its own way (Host is the authority), so that it is no field among the others. */
export const SPOKEN = 0x80;

export type Spans = number[];

/** Parsing never yields, so all connections share the array that grows; each block gets a copy of the right size. */
const scratch: number[] = [];

/**
 * Parses the lines of `text` in [from, end); the last one ends with CRLF at `end`.
 * @param tolerant trims CRs between a value and its CRLF like whitespace, as no trailer and no framing field may have them
 * @throws MessageError for what is no field line of RFC 9112 section 5, and past `maxFields`
 */
export function parseFieldLines(
  text: string,
  from: number,
  end: number,
  maxFields: number,
  tolerant: boolean,
): Spans {
  let at = from;
  let size = 0;
  while (at < end) {
    if (size === maxFields * SPAN) {
      throw new MessageError("head-too-large", `more than ${maxFields} header fields`);
    }
    const nameStart = at;
    while ((CLASS[text.charCodeAt(at)] as number) & TOKEN) at += 1;
    if (at === nameStart || text.charCodeAt(at) !== COLON) throw malformed("a header line has no valid name");
    const nameEnd = at;
    at += 1;
    let code = text.charCodeAt(at);
    while (code === SP || code === HTAB) code = text.charCodeAt(++at);
    const valueStart = at;
    while ((code > 0x1f && code !== 0x7f) || code === HTAB) code = text.charCodeAt(++at);
    let valueEnd = at;
    while (valueEnd > valueStart && isBlank(text.charCodeAt(valueEnd - 1))) valueEnd -= 1;
    let mark = fieldKind(text, nameStart, nameEnd - nameStart);
    if (code !== CR || text.charCodeAt(at + 1) !== LF) {
      if (!tolerant || inMask(mark, EXACT)) throw malformed("a header value holds a control character");
      at = skipToLineEnd(text, at);
      mark |= REWRITE;
    }
    at += 2;
    if (inMask(mark & KIND_MASK, HOP_BY_HOP)) mark |= HIDDEN;
    scratch[size] = nameStart;
    scratch[size + 1] = nameEnd;
    scratch[size + 2] = valueStart;
    scratch[size + 3] = valueEnd;
    scratch[size + 4] = mark;
    size += SPAN;
  }
  if (at !== end) throw malformed("the header section does not end with a line");
  return scratch.slice(0, size);
}

function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}

/** From the first CR behind a value to the CR of its CRLF, if there is nothing but whitespace and CRs between. */
function skipToLineEnd(text: string, from: number): number {
  let at = from;
  let code = text.charCodeAt(at);
  while (code === CR || isBlank(code)) code = text.charCodeAt(++at);
  if (code !== LF || at === from || text.charCodeAt(at - 1) !== CR) {
    throw malformed("a header value holds a control character");
  }
  return at - 1;
}

/** Fields of a received message. Holds the text that it came in; what it hands out are slices of it. */
export class FieldBlock implements HeaderFields {
  /** The message's head as received, latin1. */
  readonly text: string;
  readonly spans: Spans;

  constructor(text: string, spans: Spans) {
    this.text = text;
    this.spans = spans;
  }

  get(name: string): string | undefined {
    const at = this.find(name, 0);
    return at === -1 ? undefined : this.valueAt(at);
  }

  getAll(name: string): readonly string[] {
    const values: string[] = [];
    for (let at = this.find(name, 0); at !== -1; at = this.find(name, at + SPAN))
      values.push(this.valueAt(at));
    return values;
  }

  forEach(visit: (name: string, value: string) => void): void {
    const { spans, text } = this;
    for (let at = 0; at < spans.length; at += SPAN) {
      if (((spans[at + 4] as number) & (HIDDEN | CUT | SPOKEN)) === 0) {
        visit(text.slice(spans[at], spans[at + 1]), this.valueAt(at));
      }
    }
  }

  /** Characters of the first field of this lower-case name; -1: there is none. */
  valueLength(name: string): number {
    const at = this.find(name, 0);
    return at === -1 ? -1 : (this.spans[at + 3] as number) - (this.spans[at + 2] as number);
  }

  /** Where in `spans` the next field of this lower-case name begins, or -1. */
  protected find(name: string, from: number): number {
    const { spans, text } = this;
    for (let at = from; at < spans.length; at += SPAN) {
      const start = spans[at] as number;
      if ((spans[at + 1] as number) - start !== name.length) continue;
      if (((spans[at + 4] as number) & HIDDEN) === 0 && matchesLower(text, start, name)) return at;
    }
    return -1;
  }

  protected valueAt(at: number): string {
    return this.text.slice(this.spans[at + 2], this.spans[at + 3]);
  }
}
