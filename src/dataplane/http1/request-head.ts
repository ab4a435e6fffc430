// The head of a request as received over HTTP/1.1: strict parser and neutral view in one object.
import type { RequestHead } from "../../model/index.ts";
import { EditList } from "../header-edits.ts";
import { parseAuthority } from "./authority.ts";
import { CLASS, matchesLower, SP, TOKEN } from "./characters.ts";
import { CLOSE, PERSIST, readConnectionField, UPGRADES } from "./connection-field.ts";
import { FieldBlock, KIND_MASK, parseFieldLines, SPAN, SPOKEN, type Spans } from "./field-block.ts";
import { CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE } from "./field-kind.ts";
import { isChunked, parseContentLength, requireChunked } from "./framing-fields.ts";
import { MessageError, malformed } from "./message-error.ts";
import { parseTarget } from "./request-target.ts";

export class Http1RequestHead extends FieldBlock implements RequestHead {
  readonly method: string;
  /** Lower case; empty when an HTTP/1.0 client named no host. */
  authority = "";
  readonly path: string;
  readonly edits: EditList = new EditList();
  /** Where the first header line begins. */
  readonly fieldsStart: number;
  /** Behind the last header line. */
  readonly fieldsEnd: number;
  /** 1 or 0, of `HTTP/1.x`. */
  readonly minorVersion: number;
  /** Bytes of body; -1: chunked; 0: none. */
  bodyLength = 0;
  /** What Content-Length said; -1: there was none. */
  contentLength = -1;
  /** The received Host line says what `authority` says, in as many characters. */
  hostIsExact = false;
  persistent: boolean;
  upgrade: string | undefined;
  expectContinue = false;

  constructor(
    text: string,
    spans: Spans,
    start: { method: string; path: string; minorVersion: number; fieldsStart: number },
    fieldsEnd: number,
  ) {
    super(text, spans);
    this.method = start.method;
    this.path = start.path;
    this.fieldsStart = start.fieldsStart;
    this.fieldsEnd = fieldsEnd;
    this.minorVersion = start.minorVersion;
    this.persistent = start.minorVersion === 1;
  }

  override get(name: string): string | undefined {
    return name === "host" ? this.authority || undefined : super.get(name);
  }

  override getAll(name: string): readonly string[] {
    return name === "host" && this.authority !== "" ? [this.authority] : super.getAll(name);
  }
}

/**
 * @param text latin1; [from, end) are the request line and the header lines, the last one ending with CRLF at `end`
 * @param scheme what absolute-form targets must say on this connection
 * @throws MessageError for whatever is no request of RFC 9112, or can be framed in more than one way
 */
export function parseRequestHead(
  text: string,
  from: number,
  end: number,
  maxFields: number,
  scheme: string,
): Http1RequestHead {
  let at = from;
  while ((CLASS[text.charCodeAt(at)] as number) & TOKEN) at += 1;
  if (at === from || text.charCodeAt(at) !== SP) throw malformed("the request line has no valid method");
  const method = text.slice(from, at);
  if (method === "CONNECT") throw new MessageError("method-not-allowed", "CONNECT is not offered");
  if (method === "PRI" && text.startsWith("PRI * HTTP/2.0\r\n", from)) {
    throw new MessageError("version-not-supported", "HTTP/2 is not offered on this port");
  }
  const target = parseTarget(text, at + 1, method, scheme);
  const minorVersion = parseVersion(text, target.end + 1);
  const fieldsStart = target.end + " HTTP/1.1\r\n".length;
  const spans = parseFieldLines(text, fieldsStart, end, maxFields, true);
  const head = new Http1RequestHead(
    text,
    spans,
    { method, path: target.path, minorVersion, fieldsStart },
    end,
  );
  readKnownFields(head);
  if (target.authorityEnd > 0) {
    const authority = parseAuthority(text, target.authorityStart, target.authorityEnd);
    if (authority === undefined) throw malformed("the request target names no valid host");
    head.authority = authority;
    head.hostIsExact = false;
  }
  return head;
}

function parseVersion(text: string, at: number): number {
  if (text.startsWith("HTTP/1.1\r\n", at)) return 1;
  if (text.startsWith("HTTP/1.0\r\n", at)) return 0;
  if (/^HTTP\/\d\.\d\r\n/.test(text.slice(at, at + 10))) {
    throw new MessageError("version-not-supported", "only HTTP/1.1 and HTTP/1.0 are offered");
  }
  throw malformed("the request line does not end with a version");
}

function readKnownFields(head: Http1RequestHead): void {
  const { text, spans } = head;
  let hosts = 0;
  let transferEncodings = 0;
  let options = 0;
  let upgrades = 0;
  let webSocket = false;
  for (let at = 0; at < spans.length; at += SPAN) {
    const kind = (spans[at + 4] as number) & KIND_MASK;
    if (kind === 0) continue;
    const start = spans[at + 2] as number;
    const end = spans[at + 3] as number;
    switch (kind) {
      case HOST:
        hosts += 1;
        spans[at + 4] = HOST | SPOKEN;
        readHost(head, start, end);
        break;
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
        upgrades += 1;
        webSocket = end - start === 9 && matchesLower(text, start, "websocket");
        break;
      case EXPECT:
        spans[at + 4] = EXPECT | SPOKEN;
        readExpect(head, start, end);
        break;
    }
  }
  if (hosts > 1) throw malformed("there is more than one Host");
  if (hosts === 0 && head.minorVersion === 1) throw malformed("there is no Host");
  head.bodyLength = isChunked(transferEncodings, head.contentLength, head.minorVersion)
    ? -1
    : Math.max(head.contentLength, 0);
  if (head.bodyLength === 0) head.expectContinue = false;
  head.persistent = (options & CLOSE) === 0 && (head.minorVersion === 1 || (options & PERSIST) !== 0);
  const upgradable = head.method === "GET" && head.minorVersion === 1 && head.bodyLength === 0;
  if (upgradable && webSocket && upgrades === 1 && (options & UPGRADES) !== 0) head.upgrade = "websocket";
}

function readHost(head: Http1RequestHead, start: number, end: number): void {
  const authority = parseAuthority(head.text, start, end);
  if (authority === undefined) throw malformed("Host is no valid host and port");
  head.authority = authority;
  head.hostIsExact = authority.length === end - start;
}

/** RFC 9110 10.1.1: an HTTP/1.0 client cannot wait for a 100, whatever it says. */
function readExpect(head: Http1RequestHead, start: number, end: number): void {
  if (end - start !== 12 || !matchesLower(head.text, start, "100-continue")) {
    throw new MessageError("expectation-failed", "only 100-continue can be expected");
  }
  head.expectContinue = head.minorVersion === 1;
}
