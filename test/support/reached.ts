// Waits for what happens by itself in this process: as soon as it is so, the test goes on.
import type { ManualClock } from "./manual-clock.ts";

const DEADLINE_MS = 10_000;

/** With a clock, what is due at once on it happens meanwhile; its time stands still. */
export async function reached(condition: () => boolean, clock?: ManualClock): Promise<void> {
  const endMs = Date.now() + DEADLINE_MS;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error(`not within 10 s: ${condition}`);
    await clock?.advance(0);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
