// What `limpet explain` is asked, as people write it: a request line with a URL, header lines, addresses, a time.
import { isIP } from "node:net";
import { MessageError, REFUSAL_STATUS } from "../../dataplane/http1/message-error.ts";
import { type Http1RequestHead, parseRequestHead } from "../../dataplane/http1/request-head.ts";
import { canonicalIp } from "../../dataplane/networks.ts";

/** As it is written, so that it reaches a running gateway unchanged. */
export interface QuestionTexts {
  /** `GET https://shop.example/cart`; without a method it is GET. */
  readonly request: string;
  /** `name: value`. */
  readonly headers: readonly string[];
  /** `ip` or `ip:port` of the TCP peer. */
  readonly client?: string | undefined;
  /** `ip` or `ip:port` that it came to. */
  readonly local?: string | undefined;
  /** RFC 3339. */
  readonly at?: string | undefined;
  /** `ip:port` of endpoints that refuse connections. */
  readonly refusing: readonly string[];
}

/** The texts do not say what is asked; the message says what is expected. */
export class QuestionError extends Error {}

export interface SocketText {
  readonly ip: string;
  readonly port: number | undefined;
}

export interface Question {
  readonly scheme: "http" | "https";
  /** As the URL has it: lower case, without port. */
  readonly host: string;
  readonly port: number;
  /** Undefined: the request is none, for this reason. */
  readonly head: Http1RequestHead | undefined;
  readonly refusal: { readonly code: string; readonly status: number; readonly text: string } | undefined;
  readonly client: SocketText | undefined;
  readonly local: SocketText | undefined;
  /** Milliseconds since 1970; undefined: now. */
  readonly atMs: number | undefined;
  readonly refusing: ReadonlySet<string>;
}

const OWN_PORT = { http: 80, https: 443 } as const;
const REQUEST = /^(?:(\S+)\s+)?(https?):\/\/([^/?#\s]+)(\S*)$/i;
const AUTHORITY = /^(\[[^\]]*\]|[^:@]+)(?::(\d{1,5}))?$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;

/**
 * The request is read by the codec that reads those of clients, and may be refused by it.
 * @param maxHeaders lines of a head that the codec takes
 * @throws QuestionError
 */
export function readQuestion(texts: QuestionTexts, maxHeaders: number): Question {
  const [, method = "GET", schemeText = "", authority = "", rest = ""] =
    REQUEST.exec(texts.request.trim()) ?? [];
  const scheme = schemeText.toLowerCase() === "https" ? "https" : "http";
  const [, host, portText] = AUTHORITY.exec(authority) ?? [];
  const port = portText === undefined ? OWN_PORT[scheme] : Number(portText);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new QuestionError(
      `expected a request such as 'GET https://shop.example/cart', not ${JSON.stringify(texts.request)}`,
    );
  }
  const named = port === OWN_PORT[scheme] ? host : `${host}:${port}`;
  return {
    scheme,
    host: host.toLowerCase(),
    port,
    ...readHead(method, scheme, named, rest, texts.headers, maxHeaders),
    client: socketText(texts.client, "client"),
    local: socketText(texts.local, "local"),
    atMs: readTime(texts.at),
    refusing: new Set(texts.refusing.map(readEndpoint)),
  };
}

function readHead(
  method: string,
  scheme: "http" | "https",
  named: string,
  rest: string,
  headers: readonly string[],
  maxHeaders: number,
): Pick<Question, "head" | "refusal"> {
  for (const line of headers) {
    if (/[\r\n]/.test(line) || !/^[^\s:]+:/.test(line)) {
      throw new QuestionError(`expected a header such as 'cookie: a=b', not ${JSON.stringify(line)}`);
    }
  }
  const path = rest.startsWith("/") ? rest : rest === "" && method === "OPTIONS" ? "*" : `/${rest}`;
  const host = headers.some((line) => /^host:/i.test(line)) ? [] : [`host: ${named}`];
  const lines = [`${method} ${path} HTTP/1.1`, ...host, ...headers].map((line) => `${line}\r\n`);
  // As bytes: one character each, in UTF-8 like a shell has typed it.
  const text = Buffer.from(lines.join(""), "utf8").toString("latin1");
  try {
    return { head: parseRequestHead(text, 0, text.length, maxHeaders, scheme), refusal: undefined };
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    const { code, message } = error;
    return { head: undefined, refusal: { code, status: REFUSAL_STATUS[code], text: message } };
  }
}

function socketText(text: string | undefined, what: string): SocketText | undefined {
  if (text === undefined) return undefined;
  if (isIP(text) !== 0) return { ip: canonicalIp(text) ?? text, port: undefined };
  const [, v6, v4, port] = /^(?:\[([^\]]*)\]|([^:[]*)):(\d{1,5})$/.exec(text) ?? [];
  const ip = canonicalIp(v6 ?? v4 ?? "");
  if (ip === undefined || Number(port) > 65_535) {
    throw new QuestionError(
      `expected an address such as 192.0.2.7 or 192.0.2.7:40000 for ${what}, not ${JSON.stringify(text)}`,
    );
  }
  return { ip, port: Number(port) };
}

function readEndpoint(text: string): string {
  const socket = socketText(text, "an endpoint");
  if (socket?.port === undefined) {
    throw new QuestionError(`expected an endpoint such as 10.0.0.1:8080, not ${JSON.stringify(text)}`);
  }
  return socketAddress(socket.ip, socket.port);
}

/** `10.0.0.1:8080`, `[2001:db8::1]:8080`. */
export function socketAddress(ip: string, port: number): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function readTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new QuestionError(`expected a time such as 2026-01-01T00:00:00Z, not ${JSON.stringify(text)}`);
  }
  return ms;
}
