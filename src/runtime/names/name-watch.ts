// Keeps the addresses of host names up to date: asked again when their time is over, kept where an answer fails.
import { isIP } from "node:net";
import type { MetricSample } from "../../telemetry/index.ts";
import type { ResolveName } from "./name-resolver.ts";

export interface NameLogger {
  warn(details: object, message: string): void;
  info(details: object, message: string): void;
}

export interface NameWatchOptions {
  readonly resolve: ResolveName;
  readonly logger: NameLogger;
  /** The addresses of this host are others than before. */
  readonly onChange: (host: string) => void;
}

/** Bounds of the time for which an answer is kept. */
export const MIN_TTL_MS = 1_000;
export const MAX_TTL_MS = 300_000;
/** For answers that do not say. */
export const DEFAULT_TTL_MS = 30_000;
/** After a failed answer; doubled with every further one. */
export const FIRST_RETRY_MS = 1_000;
export const LAST_RETRY_MS = 30_000;

interface Watched {
  /** Sorted as text; undefined: never resolved. */
  addresses: readonly string[] | undefined;
  failures: number;
  /** One question is through. */
  isAsked: boolean;
  timer: NodeJS.Timeout | undefined;
}

export class NameWatch {
  readonly #options: NameWatchOptions;
  readonly #names = new Map<string, Watched>();
  #waiting: (() => void)[] = [];
  #resolved = 0;
  #failed = 0;

  constructor(options: NameWatchOptions) {
    this.#options = options;
  }

  /** Begins with the hosts that it does not know yet. */
  watch(hosts: Iterable<string>): void {
    for (const host of hosts) {
      if (this.#names.has(host)) continue;
      const name: Watched = { addresses: undefined, failures: 0, isAsked: false, timer: undefined };
      this.#names.set(host, name);
      void this.#ask(host, name);
    }
  }

  /** Forgets all others. */
  retain(hosts: ReadonlySet<string>): void {
    for (const [host, name] of this.#names) {
      if (hosts.has(host)) continue;
      clearTimeout(name.timer);
      this.#names.delete(host);
    }
    this.#tellSettled();
  }

  stop(): void {
    this.retain(new Set());
  }

  /** The last good answer; empty where there was none yet. */
  addresses(host: string): readonly string[] {
    return this.#names.get(host)?.addresses ?? [];
  }

  /** Resolves once every name has a first answer, good or not, or the time is over. */
  settled(withinMs: number): Promise<void> {
    if (this.#isSettled()) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  samples(): MetricSample[] {
    const failing = [...this.#names.values()].filter(({ failures }) => failures > 0).length;
    return [
      { name: "limpet_name_resolutions_total", labels: { result: "resolved" }, value: this.#resolved },
      { name: "limpet_name_resolutions_total", labels: { result: "failed" }, value: this.#failed },
      { name: "limpet_names_failing", labels: {}, value: failing },
    ];
  }

  async #ask(host: string, name: Watched): Promise<void> {
    let waitMs: number;
    try {
      const { addresses, ttlSec, unknownFamily } = await this.#options.resolve(host);
      if (this.#names.get(host) !== name) return;
      this.#resolved += 1;
      waitMs = ttlSec === undefined ? DEFAULT_TTL_MS : ttlSec * 1000;
      waitMs = Math.min(Math.max(waitMs, MIN_TTL_MS), MAX_TTL_MS);
      // Half an answer says nothing about the other half: the last addresses of that family stay.
      const kept = (name.addresses ?? []).filter((address) => isIP(address) === unknownFamily);
      this.#take(host, name, [...new Set([...addresses, ...kept])].sort());
    } catch (error) {
      if (this.#names.get(host) !== name) return;
      this.#failed += 1;
      waitMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(name.failures, 10), LAST_RETRY_MS);
      this.#miss(host, name, error as NodeJS.ErrnoException);
    }
    name.isAsked = true;
    name.timer = setTimeout(() => void this.#ask(host, name), waitMs);
    this.#tellSettled();
  }

  #take(host: string, name: Watched, addresses: readonly string[]): void {
    if (name.failures > 0) this.#options.logger.info({ host, addresses }, "host name resolves again");
    name.failures = 0;
    if (name.addresses?.join() === addresses.join()) return;
    name.addresses = addresses;
    this.#options.onChange(host);
  }

  /** Told once, not with every further try. */
  #miss(host: string, name: Watched, error: NodeJS.ErrnoException): void {
    name.failures += 1;
    if (name.failures > 1) return;
    const details = { host, reason: error.code ?? error.message, addresses: name.addresses ?? [] };
    this.#options.logger.warn(details, "host name does not resolve: its last addresses stay");
  }

  #isSettled(): boolean {
    for (const { isAsked } of this.#names.values()) if (!isAsked) return false;
    return true;
  }

  #tellSettled(): void {
    if (this.#waiting.length === 0 || !this.#isSettled()) return;
    for (const tell of this.#waiting.splice(0)) tell();
  }
}
