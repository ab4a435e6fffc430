// Memory and handles of the gateway's processes over time, and whether they grow.
import { readdirSync, readFileSync } from "node:fs";

export interface Usage {
  readonly atMs: number;
  readonly rssMb: number;
  /** Open descriptors. */
  readonly handles: number;
}

/** Of a process of this machine (Linux). Throws if it is gone. */
export function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rssKb = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (rssKb === undefined) throw new Error(`process ${pid} has no memory: it is gone`);
  return {
    atMs: performance.now(),
    rssMb: Number(rssKb) / 1024,
    handles: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** How much a value grows from the first sample to the last on the straight line that fits best. */
export function fittedGrowth(samples: readonly Usage[], value: (usage: Usage) => number): number {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined || first === last) return 0;
  const meanAt = mean(samples.map(({ atMs }) => atMs));
  const meanValue = mean(samples.map(value));
  let covariance = 0;
  let variance = 0;
  for (const sample of samples) {
    covariance += (sample.atMs - meanAt) * (value(sample) - meanValue);
    variance += (sample.atMs - meanAt) ** 2;
  }
  return (covariance / variance) * (last.atMs - first.atMs);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
