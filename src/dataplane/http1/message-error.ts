// What is wrong with a message, before anybody knows which side it came from; each code has the status that answers it.
import { type ErrorSide, ProxyError } from "../proxy-error.ts";

/** Code of a message that the codec refuses -> status for the client who sent it. From an endpoint all of them are 502. */
export const REFUSAL_STATUS = {
  "bad-request": 400,
  "method-not-allowed": 405,
  "request-timeout": 408,
  "body-too-large": 413,
  "target-too-long": 414,
  "expectation-failed": 417,
  "head-too-large": 431,
  "version-not-supported": 505,
} as const;

export type RefusalCode = keyof typeof REFUSAL_STATUS;

/** Thrown by the readers; the connection that catches it answers, closes, and tells the pipeline. */
export class MessageError extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.name = "MessageError";
    this.code = code;
  }

  on(side: ErrorSide): ProxyError {
    const code = side === "upstream" ? "upstream-protocol" : this.code;
    return new ProxyError(code, side, this.message, { cause: this });
  }
}

export function malformed(message: string): MessageError {
  return new MessageError("bad-request", message);
}
