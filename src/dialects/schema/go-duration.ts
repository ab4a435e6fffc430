// Durations as Go reads them: what protobuf fields of Istio and Gloo resources take.
import { text } from "./fields.ts";

/** `0s`, `1.5h`, `1h30m`: numbers with a unit, without a sign. */
export const goDuration = text(
  /^([0-9]+(\.[0-9]*)?(h|m|s|ms|us|µs|ns))+$/,
  "numbers with a unit h, m, s, ms, us or ns and no sign",
  "60s or 1h30m",
  64,
);

const UNIT_SEC: Readonly<Record<string, number>> = {
  h: 3600,
  m: 60,
  s: 1,
  ms: 1e-3,
  us: 1e-6,
  µs: 1e-6,
  ns: 1e-9,
};

/** Whole seconds of a valid duration; fractions are cut, as Envoy does for the Max-Age of a cookie. */
export function goDurationSec(value: string): number {
  // Sums of fractions such as 0.1 + 0.2 may end a hair below the whole number that was meant.
  return Math.floor(secondsOf(value) + 1e-9);
}

/** Whole milliseconds of a valid duration; what is shorter than one and not 0 counts as one. */
export function goDurationMs(value: string): number {
  const ms = secondsOf(value) * 1000;
  return ms > 0 ? Math.max(1, Math.round(ms)) : 0;
}

function secondsOf(value: string): number {
  let sum = 0;
  for (const [, count, unit] of value.matchAll(/([0-9.]+)(ms|us|µs|ns|h|m|s)/g)) {
    sum += Number(count) * (UNIT_SEC[unit as string] as number);
  }
  return sum;
}
