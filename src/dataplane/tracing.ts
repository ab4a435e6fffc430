// What may follow requests through the gateway, span by span; without it there is nothing to pay but a look at a field.
import type { Attempt } from "./attempt.ts";
import type { Exchange } from "./exchange.ts";
import type { ExchangeEnd } from "./exchange-report.ts";

/** Never throws. */
export interface Tracing {
  /** A request has come, and nothing is known of it but its head. */
  begin(exchange: Exchange): RequestTrace;
}

/** One request. */
export interface RequestTrace {
  /** 32 hexadecimal digits; undefined: it has none. */
  readonly traceId: string | undefined;
  /** It is about to be sent to an endpoint, which may be told of the trace by edits of the head. */
  attempt(exchange: Exchange, attempt: Attempt): AttemptTrace;
  /** Its last word. */
  end(exchange: Exchange, end: ExchangeEnd): void;
}

/** One try at an endpoint. */
export interface AttemptTrace {
  answered(status: number): void;
  /** @param code of an error */
  failed(code: string): void;
  /** Its last word, whatever the others said before. */
  end(): void;
}
