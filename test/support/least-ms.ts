// The least of several times: what else the machine does slows one of them down, and not all.

/** Does the work three times, one after the other; answers the least time that it took, in milliseconds. */
export async function leastMs(work: (index: number) => Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let index = 0; index < 3; index++) {
    const startedMs = performance.now();
    await work(index);
    least = Math.min(least, performance.now() - startedMs);
  }
  return least;
}
