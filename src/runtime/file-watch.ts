// Notices that configuration files changed, and waits until nobody writes any more.
import type { FileSource } from "./file-source.ts";

/** How often the files are looked at, at least: a change is noticed within this time. */
const INTERVAL_MS = 200;
/** No change for so long: whoever wrote has finished. */
const QUIET_MS = 100;
/** With many files looking takes long: it may take this share of the time, no more. */
const INTERVAL_PER_SCAN = 10;

/**
 * Calls `onChange` once the files differ from what they were at the last call and 100 ms have passed without another
 * change. It looks at names, inodes and times: notifications of the kernel (inotify) do not come from network and
 * bind mounts, nor through the links of a ConfigMap, so looking would be needed beside them anyway.
 */
export class FileWatch {
  readonly #source: FileSource;
  readonly #onChange: () => void;
  #settled: string;
  #latest: string;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** `signature`: of the file set that has been read already. */
  constructor(source: FileSource, signature: string, onChange: () => void) {
    this.#source = source;
    this.#settled = signature;
    this.#latest = signature;
    this.#onChange = onChange;
    this.#schedule(INTERVAL_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#look(), delayMs);
  }

  async #look(): Promise<void> {
    const started = performance.now();
    const signature = await this.#source.signature();
    const scanMs = performance.now() - started;
    const moving = signature !== this.#latest;
    this.#latest = signature;
    if (!moving && signature !== this.#settled) {
      this.#settled = signature;
      if (!this.#stopped) this.#onChange();
    }
    const waitMs = moving ? QUIET_MS : INTERVAL_MS;
    this.#schedule(Math.max(waitMs, scanMs * INTERVAL_PER_SCAN));
  }
}
