// What a process costs, and how well it gets to its work: CPU, memory, and how late its event loop is.
import { performance } from "node:perf_hooks";
import { Histogram } from "./histogram.ts";
import { METRICS, type MetricSample } from "./metrics.ts";

const LOOK_EVERY_MS = 200;

/** How much later than asked the event loop gets to a timer: what every request that comes meanwhile waits too. */
export class LoopDelay {
  readonly #delays = new Histogram(METRICS.limpet_process_event_loop_delay_seconds.buckets);
  #dueMs: number;

  constructor(nowMs: number) {
    this.#dueMs = nowMs + LOOK_EVERY_MS;
  }

  /** To be called every `LOOK_EVERY_MS`. */
  look(nowMs: number): void {
    this.#delays.observe(Math.max(0, nowMs - this.#dueMs) / 1000);
    this.#dueMs = nowMs + LOOK_EVERY_MS;
  }

  get delays(): Histogram {
    return this.#delays;
  }
}

/** Of the process that it is made in. Looks at the event loop from now on, and holds no process that is done. */
export class ProcessVitals {
  readonly #name: string;
  readonly #loop = new LoopDelay(performance.now());

  /** @param name the label `process` */
  constructor(name: string) {
    this.#name = name;
    setInterval(() => this.#loop.look(performance.now()), LOOK_EVERY_MS).unref();
  }

  samples(): MetricSample[] {
    const labels = { process: this.#name };
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    const { delays } = this.#loop;
    return [
      { name: "limpet_process_cpu_seconds_total", labels, value: (user + system) / 1e6 },
      { name: "limpet_process_resident_memory_bytes", labels, value: rss },
      { name: "limpet_process_heap_used_bytes", labels, value: heapUsed },
      {
        name: "limpet_process_event_loop_busy_seconds_total",
        labels,
        value: performance.eventLoopUtilization().active / 1000,
      },
      {
        name: "limpet_process_event_loop_delay_seconds",
        labels,
        value: delays.count,
        histogram: delays.counts,
      },
    ];
  }
}
