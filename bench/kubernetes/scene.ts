// What a scene of the benchmark is, and what it tells.
import type { Stage } from "./stage.ts";

/** By title of their row, as it is printed. */
export type Figures = ReadonlyMap<string, string>;

export interface Scene {
  /** For `--scenes`. */
  readonly name: string;
  /** Before the cluster is filled, on Gateways without routes. */
  readonly isEmpty?: boolean;
  /** In the first column alone: the number of Gateways means nothing to it. */
  readonly isOnce?: boolean;
  run(stage: Stage): Promise<Figures>;
}

export function megabytes(bytes: number): string {
  return format(bytes / 1e6, 0);
}

export function seconds(ms: number): string {
  return format(ms / 1000, 1);
}

export function format(value: number, digits = 0): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** `p50 / p99 / max` of milliseconds. */
export function spread(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil((sorted.length - 1) * share)] ?? Number.NaN;
  return [0.5, 0.99, 1].map((share) => format(at(share))).join(" / ");
}
