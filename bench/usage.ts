// What a program costs, with all its children, as the kernel counts it: CPU time and resident memory from /proc.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const TICKS_PER_SEC = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
const PAGE_SIZE = Number(execFileSync("getconf", ["PAGESIZE"], { encoding: "utf8" }));

interface ProcessStat {
  readonly parent: number;
  /** User and system, its own and that of its children that have ended. */
  readonly cpuTicks: number;
  readonly residentPages: number;
}

/** Fields of proc(5), counted behind the name, which may hold anything. */
function statOf(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number) => Number(fields[number - 3]);
  return {
    parent: field(4),
    cpuTicks: field(14) + field(15) + field(16) + field(17),
    residentPages: field(24),
  };
}

/** The process and all that descend from it. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    const parent = Number.isInteger(pid) ? statOf(pid)?.parent : undefined;
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

export interface Usage {
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** Of the process and all that descend from it. */
export function usageOf(root: number): Usage {
  return sumOf(processTree(root).map(usageOfProcess));
}

/** Without the processes that descend from it and still live. */
export function usageOfProcess(pid: number): Usage {
  const { cpuTicks, residentPages } = statOf(pid) ?? { cpuTicks: 0, residentPages: 0 };
  return { cpuMs: (cpuTicks * 1000) / TICKS_PER_SEC, residentBytes: residentPages * PAGE_SIZE };
}

export function sumOf(all: readonly Usage[]): Usage {
  const sum = { cpuMs: 0, residentBytes: 0 };
  for (const { cpuMs, residentBytes } of all) {
    sum.cpuMs += cpuMs;
    sum.residentBytes += residentBytes;
  }
  return sum;
}
