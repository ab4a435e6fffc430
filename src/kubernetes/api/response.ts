// What a response of the API server says: its body within bounds, and as an error where it is a refusal.
import { type IncomingMessage, STATUS_CODES } from "node:http";
import { ApiError } from "./client.ts";

/** The whole body as text. */
export async function textIn(what: string, response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxBytes) {
      response.destroy();
      throw new ApiError(`${what}: the answer is longer than ${maxBytes} bytes`, { status: 0 });
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** What every object, list and Status has; who answers otherwise is no API server, or stands in front of one. */
export interface Answer {
  readonly metadata: object;
  items?: unknown;
}

/** The body of what was asked for once, which is one JSON object of the API. */
export function answerIn(what: string, text: string): Answer {
  const value = jsonIn(what, text);
  const { metadata } = (value ?? {}) as { metadata?: unknown };
  if (typeof metadata !== "object" || metadata === null) {
    const shown = JSON.stringify(text.slice(0, 100));
    throw new ApiError(`${what}: the answer is no object of an API server: ${shown}`, { status: 0 });
  }
  return value as Answer;
}

export function jsonIn(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError(`${what}: the answer is no JSON: ${JSON.stringify(text.slice(0, 100))}`, {
      status: 0,
      cause,
    });
  }
}

/** Whoever stands in front of an API server asks for an hour while it is mended, and nobody would look for that long. */
const LONGEST_ASKED_SEC = 60;

/** `Status` of the API, as far as it tells why. */
export interface Status {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
}

/** Whoever stands in front of the API server answers with texts of its own. */
export function refusal(what: string, response: IncomingMessage, body: string): ApiError {
  const status = statusIn(body);
  const { statusCode = 0, headers } = response;
  const seconds = Number(headers["retry-after"] ?? status?.details?.retryAfterSeconds);
  return apiError(what, {
    code: statusCode,
    reason: status?.reason ?? "",
    message: status?.message ?? body.slice(0, 200).trim(),
    ...(Number.isFinite(seconds) ? { details: { retryAfterSeconds: seconds } } : {}),
  });
}

/** The error that a `Status` is about: the body of a refusal, or the object of an `ERROR` event. */
export function apiError(what: string, status: Status): ApiError {
  const { code = 0, reason = "", message = "", details } = status;
  const text = [what, `${code} ${reason || (STATUS_CODES[code] ?? "")}`.trim(), message];
  return new ApiError(text.filter((part) => part !== "").join(": "), {
    status: code,
    reason,
    ...(details?.retryAfterSeconds === undefined
      ? {}
      : { retryAfterMs: Math.min(details.retryAfterSeconds, LONGEST_ASKED_SEC) * 1000 }),
  });
}

function statusIn(body: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return (value as { kind?: unknown } | null)?.kind === "Status" ? (value as Status) : undefined;
  } catch {
    return undefined;
  }
}
