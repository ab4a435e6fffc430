// How long to wait before what workers or the system refused, though nothing is wrong with it, is tried again.

const FIRST_MS = 1_000;
const LAST_MS = 60_000;

/**
 * Doubled with every further failure, up to a minute.
 * @param failures in a row before this one, from 0
 */
export function retryWaitMs(failures: number): number {
  return Math.min(FIRST_MS * 2 ** failures, LAST_MS);
}
