// Does long work between the requests: in slices that are short enough for nobody to notice.
import type { Clock } from "./clock.ts";

/** Below the 5 ms that a worker may stall, with room for the step that is under way when time is up. */
const SLICE_MS = 3;

/** Work that can stop anywhere: true once it is done. */
export interface Steps {
  step(shouldYield: () => boolean): boolean;
}

/** Calls `done` when the work is over, never from within this call. A throwing step reaches `failed`. */
export function runInSlices(
  work: Steps,
  clock: Clock,
  done: () => void,
  failed: (cause: unknown) => void,
): void {
  const slice = () => {
    const endMs = clock.monotonicMs() + SLICE_MS;
    let isDone: boolean;
    try {
      isDone = work.step(() => clock.monotonicMs() >= endMs);
    } catch (cause) {
      failed(cause);
      return;
    }
    if (isDone) done();
    else setImmediate(slice);
  };
  setImmediate(slice);
}

/** The same as a promise, for work that no request waits for. */
export function finishInSlices(work: Steps, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => runInSlices(work, clock, resolve, reject));
}
