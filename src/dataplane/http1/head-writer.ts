// Writes heads: what passes unchanged is copied as one span of the received text, only the rest is put together.
import type { RequestHead, ResponseHead } from "../../model/index.ts";
import { EditList } from "../header-edits.ts";
import type { BodyLength, UpstreamRequest } from "../stream.ts";
import { HTAB, isToken, matchesLower } from "./characters.ts";
import { CUT, type FieldBlock, HIDDEN, KIND_MASK, REWRITE, SPAN } from "./field-block.ts";
import { CONTENT_LENGTH, EXPECT, FRAMING, fieldKind, HOST, inMask } from "./field-kind.ts";
import { httpDate } from "./http-date.ts";
import { Http1RequestHead } from "./request-head.ts";
import { Http1ResponseHead } from "./response-head.ts";

const NO_EDITS = new EditList();

/** How the connection goes on after a response, as its head says it. */
export type ConnectionOption = "" | "close" | "keep-alive";

/**
 * The head of a request towards an endpoint.
 * @param fallbackHost goes into Host when the client named none
 */
export function writeRequestHead(request: UpstreamRequest, fallbackHost: string): string {
  const { head } = request;
  const edits = editsOf(head);
  const host = edits.drops("host") ? (addedValue(edits, "host") ?? head.authority) : head.authority;
  const received = head instanceof Http1RequestHead ? head : undefined;
  const length = request.upgrade === undefined ? request.bodyLength : 0;
  const keepsLength = received?.contentLength === length && keepsContentLength(received, edits, length);
  const keepsHost = received?.hostIsExact === true && !edits.drops("host");
  const skip = (1 << EXPECT) | (keepsHost ? 0 : 1 << HOST) | (keepsLength ? 0 : 1 << CONTENT_LENGTH);
  const method = received === undefined ? cleanMethod(head.method) : head.method;
  let text = `${method} ${cleanPath(head, request.path)} HTTP/1.1\r\n`;
  if (!keepsHost) text += `host: ${cleanFieldValue(host || fallbackHost)}\r\n`;
  text +=
    received === undefined
      ? plainFields(head, edits)
      : copiedFields(received, edits, skip, received.fieldsStart, received.fieldsEnd);
  text += addedFields(edits);
  if (!keepsLength) text += framingFields(length);
  if (request.upgrade !== undefined) text += `connection: upgrade\r\nupgrade: ${request.upgrade}\r\n`;
  return `${text}\r\n`;
}

/**
 * The head of a response towards a client.
 * @param clock for the Date of a head that came without one; wall time, milliseconds since 1970
 * @param length as for BodyWriter; for a bodyless answer 0, and a Content-Length that was received stays (HEAD, 304)
 */
export function writeResponseHead(
  head: ResponseHead,
  length: BodyLength,
  bodyless: boolean,
  connection: ConnectionOption,
  clock: { readonly wallMs: number },
): string {
  const edits = editsOf(head);
  const received = head instanceof Http1ResponseHead ? head : undefined;
  const mayDeclare = head.status >= 200 && head.status !== 204;
  const keepsLength =
    received !== undefined && mayDeclare && keepsReceivedLength(received, edits, length, bodyless);
  const skip = keepsLength ? 0 : 1 << CONTENT_LENGTH;
  let text: string;
  if (received === undefined) {
    text = statusLine(head.status, head.reason) + plainFields(head, edits);
    if (bodyless && mayDeclare) text += plainContentLength(head);
  } else {
    text = copiedStatusAndFields(received, edits, skip);
  }
  text += addedFields(edits);
  if (!keepsLength && !bodyless) text += length === 0 ? "content-length: 0\r\n" : framingFields(length);
  if (head.status >= 200 && needsDate(head, received, edits)) text += `date: ${httpDate(clock.wallMs)}\r\n`;
  if (connection !== "") text += `connection: ${connection}\r\n`;
  return `${text}\r\n`;
}

/** The 101 towards a client. */
export function writeUpgradeHead(head: ResponseHead, protocol: string): string {
  const edits = editsOf(head);
  const received = head instanceof Http1ResponseHead ? head : undefined;
  const fields =
    received === undefined
      ? statusLine(head.status, head.reason) + plainFields(head, edits)
      : copiedStatusAndFields(received, edits, 1 << CONTENT_LENGTH);
  return `${fields}${addedFields(edits)}connection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`;
}

/** RFC 9110 5.5: what must not stand in a value becomes SP; codes past latin1 would become other bytes when written. */
export function cleanFieldValue(value: string): string {
  return isCleanValue(value) ? value : value.replace(/[^\t\x20-\x7e\x80-\xff]/g, " ");
}

/** The values that we add are short: a loop is through before an expression is set up. */
function isCleanValue(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if ((code < 0x20 && code !== HTAB) || code === 0x7f || code > 0xff) return false;
  }
  return true;
}

function editsOf(head: RequestHead | ResponseHead): EditList {
  return head.edits instanceof EditList ? head.edits : NO_EDITS;
}

/** A received path was checked by its parser; one that a filter made may hold anything. */
function cleanPath(head: RequestHead, path: string): string {
  if (path === head.path && head instanceof Http1RequestHead) return path;
  return path.replace(/[^\x21-\x7e]+/gu, encodeURIComponent);
}

/** A received method was checked by its parser; that of a health check is what the configuration says. */
function cleanMethod(method: string): string {
  return isToken(method) ? method : method.replace(/[^A-Za-z]+/g, "") || "GET";
}

function statusLine(status: number, reason: string): string {
  return `HTTP/1.1 ${status} ${cleanFieldValue(reason)}\r\n`;
}

function framingFields(length: BodyLength): string {
  if (length > 0) return `content-length: ${length}\r\n`;
  return length === -1 ? "transfer-encoding: chunked\r\n" : "";
}

/**
 * The received line is used as it is only when it is the very text that we would write.
 * @param length what its digits amount to, which a parser has found: zeros before them would make them more
 */
function keepsContentLength(head: FieldBlock, edits: EditList, length: BodyLength): boolean {
  return !edits.drops("content-length") && head.valueLength("content-length") === digitsOf(length);
}

function digitsOf(length: number): number {
  let digits = 1;
  for (let rest = length; rest >= 10; rest /= 10) digits += 1;
  return digits;
}

function keepsReceivedLength(
  head: Http1ResponseHead,
  edits: EditList,
  length: BodyLength,
  bodyless: boolean,
): boolean {
  if (bodyless) return head.contentLength >= 0;
  return head.contentLength === length && keepsContentLength(head, edits, length);
}

function plainContentLength(head: ResponseHead): string {
  const value = head.get("content-length");
  return value !== undefined && /^\d+$/.test(value) ? `content-length: ${value}\r\n` : "";
}

function needsDate(head: ResponseHead, received: Http1ResponseHead | undefined, edits: EditList): boolean {
  if (addedValue(edits, "date") !== undefined) return false;
  if (edits.drops("date")) return true;
  return received === undefined ? head.get("date") === undefined : !received.hasDate;
}

function copiedStatusAndFields(head: Http1ResponseHead, edits: EditList, skip: number): string {
  // The usual line is part of the span that follows it, so that an unchanged head is one copy.
  if (head.lineIsUsual) return copiedFields(head, edits, skip, head.lineStart, head.fieldsEnd);
  const line = statusLine(head.status, head.reason);
  return line + copiedFields(head, edits, skip, head.fieldsStart, head.fieldsEnd);
}

/** Lines of [from, end) but those that are hop-by-hop, cut, replaced, or of a kind in `skip`. */
function copiedFields(head: FieldBlock, edits: EditList, skip: number, from: number, end: number): string {
  const { text, spans } = head;
  const dropped = edits.dropped;
  let copied = "";
  let runStart = from;
  for (let at = 0; at < spans.length; at += SPAN) {
    const mark = spans[at + 4] as number;
    const drop =
      (mark & (HIDDEN | CUT)) !== 0 ||
      inMask(mark & KIND_MASK, skip) ||
      (dropped.length > 0 && isDropped(text, spans[at] as number, spans[at + 1] as number, dropped));
    if (!drop && (mark & REWRITE) === 0) continue;
    copied += text.slice(runStart, spans[at]);
    if (!drop) {
      copied += `${text.slice(spans[at], spans[at + 1])}: ${text.slice(spans[at + 2], spans[at + 3])}\r\n`;
    }
    runStart = at + SPAN < spans.length ? (spans[at + SPAN] as number) : end;
  }
  return copied + text.slice(runStart, end);
}

function isDropped(text: string, start: number, end: number, dropped: readonly string[]): boolean {
  for (const name of dropped) {
    if (name.length === end - start && matchesLower(text, start, name)) return true;
  }
  return false;
}

function plainFields(head: RequestHead | ResponseHead, edits: EditList): string {
  let lines = "";
  head.forEach((name, value) => {
    const kind = fieldKind(name, 0, name.length);
    if (kind === HOST || inMask(kind, FRAMING) || !isToken(name) || edits.drops(name.toLowerCase())) return;
    lines += `${name}: ${cleanFieldValue(value)}\r\n`;
  });
  return lines;
}

/** What an edit adds under this lower-case name; the first, if there are several. */
function addedValue(edits: EditList, name: string): string | undefined {
  const { lines } = edits;
  for (let at = 0; at < lines.length; at += 2) {
    if (lines[at] === name) return lines[at + 1];
  }
  return undefined;
}

/** Names that edits add are few and come again with every request. */
const addable = new Map<string, boolean>();
const MAX_ADDABLE = 1024;

/** A field name that is not the codec's own. */
function isAddable(name: string): boolean {
  let known = addable.get(name);
  if (known === undefined) {
    const kind = fieldKind(name, 0, name.length);
    known = !inMask(kind, FRAMING) && kind !== HOST && isToken(name);
    if (addable.size >= MAX_ADDABLE) addable.clear();
    addable.set(name, known);
  }
  return known;
}

function addedFields(edits: EditList): string {
  const { lines } = edits;
  let added = "";
  for (let at = 0; at < lines.length; at += 2) {
    const name = lines[at] as string;
    if (!isAddable(name)) continue;
    added += `${name}: ${cleanFieldValue(lines[at + 1] as string)}\r\n`;
  }
  return added;
}
