// The head of a response as received over HTTP/1.1 from an endpoint: strict parser and neutral view in one object.
import type { ResponseHead } from "../../model/index.ts";
import { EditList } from "../header-edits.ts";
import { HTAB, matchesLower } from "./characters.ts";
import { CLOSE, PERSIST, readConnectionField, UPGRADES } from "./connection-field.ts";
import { FieldBlock, KIND_MASK, parseFieldLines, SPAN, type Spans } from "./field-block.ts";
import { CONNECTION, CONTENT_LENGTH, DATE, KEEP_ALIVE, TRANSFER_ENCODING, UPGRADE } from "./field-kind.ts";
import { isChunked, parseContentLength, requireChunked } from "./framing-fields.ts";
import { malformed } from "./message-error.ts";

/** The body ends when the endpoint closes the connection. */
export const UNTIL_CLOSE = -2;

export class Http1ResponseHead extends FieldBlock implements ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly edits: EditList = new EditList();
  /** Where the status line begins. */
  readonly lineStart: number;
  readonly fieldsStart: number;
  readonly fieldsEnd: number;
  readonly minorVersion: number;
  /** The received status line is the very text that we would write. */
  readonly lineIsUsual: boolean;
  /** Bytes of body; -1: chunked; UNTIL_CLOSE; 0: none. What HEAD and the status say counts, not only the fields. */
  bodyLength = 0;
  /** What Content-Length said; -1: there was none. */
  contentLength = -1;
  persistent = false;
  /** `Keep-Alive: timeout=5`: so long the endpoint keeps the connection; undefined: it did not say. */
  keptMs: number | undefined = undefined;
  hasDate = false;
  /** It agrees to a WebSocket: `Connection: upgrade` and `Upgrade: websocket`. */
  upgradesToWebSocket = false;

  constructor(
    text: string,
    spans: Spans,
    start: { status: number; reason: string; minorVersion: number; lineStart: number; fieldsStart: number },
    fieldsEnd: number,
  ) {
    super(text, spans);
    this.status = start.status;
    this.reason = start.reason;
    this.minorVersion = start.minorVersion;
    this.lineStart = start.lineStart;
    this.lineIsUsual = start.minorVersion === 1 && start.reason !== "";
    this.fieldsStart = start.fieldsStart;
    this.fieldsEnd = fieldsEnd;
  }
}

/**
 * @param text latin1; [from, end) are the status line and the header lines, the last one ending with CRLF at `end`
 * @param toHead the request's method was HEAD
 * @throws MessageError for whatever is no response of RFC 9112, or can be framed in more than one way
 */
export function parseResponseHead(
  text: string,
  from: number,
  end: number,
  maxFields: number,
  toHead: boolean,
): Http1ResponseHead {
  const minorVersion = text.startsWith("HTTP/1.1 ", from) ? 1 : text.startsWith("HTTP/1.0 ", from) ? 0 : -1;
  if (minorVersion === -1) throw malformed("the status line does not begin with HTTP/1.1 or HTTP/1.0");
  const status = parseStatus(text, from + 9);
  const lineEnd = text.indexOf("\r\n", from + 12);
  const reason = parseReason(text, from + 12, lineEnd);
  const fieldsStart = lineEnd + 2;
  const spans = parseFieldLines(text, fieldsStart, end, maxFields, true);
  const head = new Http1ResponseHead(
    text,
    spans,
    { status, reason, minorVersion, lineStart: from, fieldsStart },
    end,
  );
  readKnownFields(head, toHead);
  return head;
}

function parseStatus(text: string, at: number): number {
  let status = 0;
  for (let index = at; index < at + 3; index += 1) {
    const digit = text.charCodeAt(index) - 0x30;
    if (!(digit >= 0 && digit <= 9)) throw malformed("the status is no number of three digits");
    status = status * 10 + digit;
  }
  if (status < 100 || status > 599) throw malformed("the status is not between 100 and 599");
  return status;
}

/** RFC 9112 section 4 wants a SP even before an empty reason; common servers leave it out, and nothing hangs on it. */
function parseReason(text: string, from: number, end: number): string {
  if (end === from) return "";
  if (text.charCodeAt(from) !== 0x20) throw malformed("no space follows the status");
  for (let at = from + 1; at < end; at += 1) {
    const code = text.charCodeAt(at);
    if ((code < 0x20 && code !== HTAB) || code === 0x7f)
      throw malformed("the reason holds a control character");
  }
  return text.slice(from + 1, end);
}

function readKnownFields(head: Http1ResponseHead, toHead: boolean): void {
  const { text, spans } = head;
  let transferEncodings = 0;
  let options = 0;
  let webSocket = false;
  for (let at = 0; at < spans.length; at += SPAN) {
    const kind = (spans[at + 4] as number) & KIND_MASK;
    if (kind === 0) continue;
    const start = spans[at + 2] as number;
    const end = spans[at + 3] as number;
    switch (kind) {
      case CONTENT_LENGTH:
        if (head.contentLength !== -1) throw malformed("there is more than one Content-Length");
        head.contentLength = parseContentLength(text, start, end);
        break;
      case TRANSFER_ENCODING:
        transferEncodings += 1;
        requireChunked(text, start, end);
        break;
      case CONNECTION:
        options |= readConnectionField(text, start, end, spans);
        break;
      case UPGRADE:
        webSocket = end - start === 9 && matchesLower(text, start, "websocket");
        break;
      case KEEP_ALIVE:
        head.keptMs = parseKeepAlive(text, start, end);
        break;
      case DATE:
        head.hasDate = true;
        break;
    }
  }
  const chunked = isChunked(transferEncodings, head.contentLength, head.minorVersion);
  head.bodyLength = bodyLength(head, chunked, toHead);
  head.upgradesToWebSocket = webSocket && (options & UPGRADES) !== 0;
  const asked = head.minorVersion === 1 || (options & PERSIST) !== 0;
  head.persistent = asked && (options & CLOSE) === 0 && head.bodyLength !== UNTIL_CLOSE;
}

/** RFC 2068 section 19.7.1.1 and what servers have made of it; nothing hangs on it, so that any other text says nothing. */
function parseKeepAlive(text: string, from: number, end: number): number | undefined {
  const at = text.indexOf("timeout=", from);
  if (at === -1 || at >= end) return undefined;
  const seconds = Number.parseInt(text.slice(at + 8, end), 10);
  return seconds >= 0 ? seconds * 1000 : undefined;
}

/** RFC 9112 section 6.3, in its order. */
function bodyLength(head: Http1ResponseHead, chunked: boolean, toHead: boolean): number {
  if (toHead || head.status < 200 || head.status === 204 || head.status === 304) return 0;
  if (chunked) return -1;
  return head.contentLength === -1 ? UNTIL_CLOSE : head.contentLength;
}
