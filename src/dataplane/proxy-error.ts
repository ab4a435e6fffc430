// The one error of the data plane: what failed, on which side, whether another try is safe.

export type ErrorSide = "downstream" | "upstream" | "internal";

/** `unanswered`: not a byte of an answer had come when the connection was lost; `yes`: nothing was sent. */
export type RetryVerdict = "never" | "unanswered" | "yes";

export class ProxyError extends Error {
  readonly code: string;
  readonly side: ErrorSide;
  readonly retry: RetryVerdict;

  constructor(
    code: string,
    side: ErrorSide,
    message: string,
    options?: { retry?: RetryVerdict; cause?: unknown },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ProxyError";
    this.code = code;
    this.side = side;
    this.retry = options?.retry ?? "never";
  }
}
