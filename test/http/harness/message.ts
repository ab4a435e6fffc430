// Reads HTTP/1.1 messages the way a careful bystander would: frames them by RFC 9112 and notes whatever is ambiguous.

/** One message, framed. Shares no code with the gateway, so that a mistake in one cannot hide in the other. */
export interface Message {
  readonly startLine: string;
  /** Lower-case name and value, in order. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [string, string])[];
  /** What another recipient could read in another way, or must refuse. */
  readonly flaws: readonly string[];
  /** Position behind its last byte. */
  readonly end: number;
}

interface Head {
  readonly startLine: string;
  readonly fields: (readonly [string, string])[];
  readonly flaws: string[];
  readonly end: number;
}

interface Body {
  readonly text: string;
  readonly trailers: readonly (readonly [string, string])[];
  readonly end: number;
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const REQUEST_LINE = new RegExp(`^${TOKEN} [\\x21-\\x7e\\x80-\\xff]+ HTTP/1\\.[01]$`);
const STATUS_LINE = /^HTTP\/1\.[01] [1-9]\d\d(?: [^\0\r\n]*)?$/;
const FIELD_LINE = new RegExp(`^(${TOKEN}):[ \\t]*(.*?)[ \\t]*$`, "s");
/** Also what is allowed and nobody uses: an empty name, IPvFuture, and zones as browsers escape them. */
const HOST =
  /^(?:\[(?:[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?|v[0-9A-Fa-f]+\.[\w.~:-]+)\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)(?::\d*)?$/;

export function valuesOf(message: Pick<Message, "fields">, name: string): string[] {
  return message.fields.filter(([key]) => key === name).map(([, value]) => value);
}

/** The request that begins at `from`; undefined while bytes of it are missing. */
export function readRequest(text: string, from: number): Message | undefined {
  const head = readHead(text, from);
  if (head === undefined) return undefined;
  if (!REQUEST_LINE.test(head.startLine)) head.flaws.push(`request line ${JSON.stringify(head.startLine)}`);
  const hosts = valuesOf(head, "host");
  if (hosts.length > 1) head.flaws.push("several Hosts");
  else if (hosts.length === 0 && !head.startLine.endsWith("HTTP/1.0")) head.flaws.push("no Host");
  else if (hosts.length === 1 && !HOST.test(hosts[0] as string)) head.flaws.push(`Host ${hosts[0]}`);
  const framing = framingOf(head);
  return withBody(text, head, framing ?? 0);
}

/**
 * The response that begins at `from`; undefined while bytes of it are missing.
 * @param closed nothing more will come, which ends a body without a length
 */
export function readResponse(
  text: string,
  from: number,
  toHead: boolean,
  closed: boolean,
): Message | undefined {
  const head = readHead(text, from);
  if (head === undefined) return undefined;
  if (!STATUS_LINE.test(head.startLine)) head.flaws.push(`status line ${JSON.stringify(head.startLine)}`);
  const status = statusOf(head);
  const framing = framingOf(head);
  if (toHead || status < 200 || status === 204 || status === 304) return withBody(text, head, 0);
  if (framing !== undefined) return withBody(text, head, framing);
  return closed ? whole(head, { text: text.slice(head.end), trailers: [], end: text.length }) : undefined;
}

/** NaN where the status line has none. */
export function statusOf(message: Pick<Message, "startLine">): number {
  return Number(message.startLine.slice(9, 12) || Number.NaN);
}

function readHead(text: string, from: number): Head | undefined {
  const flaws: string[] = [];
  let start = from;
  while (text.startsWith("\r\n", start)) start += 2;
  if (start !== from) flaws.push("empty line before the message");
  const blank = /\r?\n\r?\n/g;
  blank.lastIndex = start;
  const found = blank.exec(text);
  if (found === null) return undefined;
  const section = text.slice(start, found.index);
  if (found[0] !== "\r\n\r\n" || /(?<!\r)\n/.test(section)) flaws.push("bare LF");
  const [startLine = "", ...lines] = section.split(/\r?\n/);
  return { startLine, fields: readFields(lines, flaws), flaws, end: found.index + found[0].length };
}

function readFields(lines: readonly string[], flaws: string[]): (readonly [string, string])[] {
  const fields: (readonly [string, string])[] = [];
  for (const line of lines) {
    const [, name, value] = FIELD_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      flaws.push(`field line ${JSON.stringify(line)}`);
      continue;
    }
    if (/[\0\r\n]/.test(value)) flaws.push(`${name} holds CR, LF or NUL`);
    fields.push([name.toLowerCase(), value]);
  }
  return fields;
}

/** Bytes of body, -1 for chunks, undefined where no field says it. */
function framingOf(head: Head): number | undefined {
  const codings = valuesOf(head, "transfer-encoding");
  const lengths = valuesOf(head, "content-length");
  if (codings.length > 0) {
    if (lengths.length > 0) head.flaws.push("Content-Length beside Transfer-Encoding");
    if (codings.length > 1 || codings[0]?.toLowerCase() !== "chunked") {
      head.flaws.push(`Transfer-Encoding ${codings.join(", ")}`);
    }
    if (head.startLine.endsWith("HTTP/1.0")) head.flaws.push("Transfer-Encoding in HTTP/1.0");
    return /chunked$/i.test(codings.join(",")) ? -1 : undefined;
  }
  if (lengths.length === 0) return undefined;
  if (lengths.length > 1 || !/^\d+$/.test(lengths[0] as string)) {
    head.flaws.push(`Content-Length ${lengths.join(", ")}`);
  }
  return Number.parseInt(lengths[0] as string, 10) || 0;
}

function withBody(text: string, head: Head, length: number): Message | undefined {
  if (length === -1) {
    const body = readChunks(text, head);
    return body === undefined ? undefined : whole(head, body);
  }
  const end = head.end + length;
  return end > text.length ? undefined : whole(head, { text: text.slice(head.end, end), trailers: [], end });
}

function whole(head: Head, body: Body): Message {
  const { startLine, fields, flaws } = head;
  return { startLine, fields, flaws, body: body.text, trailers: body.trailers, end: body.end };
}

/** A chunk that breaks the grammar is a flaw that swallows the rest: nobody can say where such a message ends. */
function readChunks(text: string, head: Head): Body | undefined {
  let body = "";
  let at = head.end;
  const broken = (what: string): Body => {
    head.flaws.push(what);
    return { text: body, trailers: [], end: text.length };
  };
  for (;;) {
    const lineEnd = text.indexOf("\n", at);
    if (lineEnd === -1) return undefined;
    const [, digits] = /^([0-9A-Fa-f]{1,13})[ \t]*(?:;[^\0\r\n]*)?\r$/.exec(text.slice(at, lineEnd)) ?? [];
    if (digits === undefined) return broken(`chunk line ${JSON.stringify(text.slice(at, lineEnd + 1))}`);
    const size = Number.parseInt(digits, 16);
    at = lineEnd + 1;
    if (size === 0) break;
    if (text.length < at + size + 2) return undefined;
    body += text.slice(at, at + size);
    at += size;
    if (!text.startsWith("\r\n", at)) return broken("a chunk that is not as long as its size says");
    at += 2;
  }
  if (text.startsWith("\r\n", at)) return { text: body, trailers: [], end: at + 2 };
  const end = text.indexOf("\r\n\r\n", at);
  if (end === -1) return undefined;
  return { text: body, trailers: readFields(text.slice(at, end).split("\r\n"), head.flaws), end: end + 4 };
}
