// Envoy's conditions for a retry (`x-envoy-retry-on`, `x-envoy-retry-grpc-on`), and what they mean for a rule.
import { z } from "zod";
import type { Retry } from "../model/index.ts";
import { RETRY_BACKOFF_GROWTH, RETRY_BASE_BACKOFF_MS } from "./envoy-defaults.ts";
import { checked } from "./schema/fields.ts";

interface Meaning {
  readonly statusCodes?: readonly number[];
  /** Of the connection: not opened; broken before the head of a response; too slow. */
  readonly on?: readonly ("unopened" | "reset" | "timeout")[];
}

const ANY_RESET = ["unopened", "reset", "timeout"] as const;

/** As Envoy's `RetryStateImpl` has it: a 5xx is what a reset would have become. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  "5xx": { statusCodes: Array.from({ length: 100 }, (_, index) => 500 + index), on: ANY_RESET },
  "gateway-error": { statusCodes: [502, 503, 504], on: ANY_RESET },
  reset: { on: ANY_RESET },
  "reset-before-request": { on: ["unopened"] },
  "connect-failure": { on: ["unopened"] },
  "retriable-4xx": { statusCodes: [409] },
  /** Those that are listed beside the conditions. */
  "retriable-status-codes": {},
};

/** One of `names`; those that can never come true towards endpoints that speak HTTP/1.1 are told. */
export function retryCondition<const Names extends readonly [string, ...string[]]>(names: Names) {
  return checked(z.enum(names), (name) => {
    if (MEANINGS[String(name)] !== undefined) return undefined;
    return {
      code: "field-ignored",
      severity: "warning",
      message: `${String(name)} never comes true: endpoints are spoken to with HTTP/1.1`,
      expected: Object.keys(MEANINGS).join(", "),
      hint: `remove ${String(name)}`,
    };
  });
}

export interface RetryParts {
  /** After the first attempt. */
  readonly attempts: number;
  readonly conditions: readonly string[];
  /** Count where `retriable-status-codes` is among the conditions. */
  readonly statusCodes: readonly number[];
  readonly baseBackoffMs?: number | undefined;
  readonly maxBackoffMs?: number | undefined;
  /** 0 is none, as in Envoy. */
  readonly attemptTimeoutMs?: number | undefined;
}

export function retryOf(parts: RetryParts): Retry {
  const { attempts, conditions, attemptTimeoutMs = 0, baseBackoffMs = RETRY_BASE_BACKOFF_MS } = parts;
  const meanings = conditions.map((name) => MEANINGS[name] ?? {});
  const on = new Set(meanings.flatMap((meaning) => meaning.on ?? []));
  const listed = conditions.includes("retriable-status-codes") ? parts.statusCodes : [];
  const codes = new Set([...meanings.flatMap(({ statusCodes = [] }) => statusCodes), ...listed]);
  return {
    attempts,
    statusCodes: [...codes].sort((a, b) => a - b),
    onConnectionError: on.has("unopened"),
    ...(on.has("unopened") && !on.has("reset") ? { onlyUnopened: true } : {}),
    onTimeout: on.has("timeout"),
    baseBackoffMs,
    maxBackoffMs: parts.maxBackoffMs ?? baseBackoffMs * RETRY_BACKOFF_GROWTH,
    ...(attemptTimeoutMs === 0 ? {} : { attemptTimeoutMs }),
  };
}
