// How many retries a backend puts up with: a share of its requests over a while, and so many at a time.
import type { Backend, RetryBudget } from "../model/index.ts";
import type { Clock } from "./clock.ts";

const SLICES = 10;

/** Counts over the last while, in slices of which the oldest goes at a time. */
class RecentCount {
  readonly #sliceMs: number;
  readonly #counts = new Float64Array(SLICES);
  #newest = 0;
  #total = 0;

  constructor(intervalMs: number) {
    this.#sliceMs = intervalMs / SLICES;
  }

  add(nowMs: number): void {
    this.#forget(nowMs);
    this.#counts[this.#newest % SLICES]! += 1;
    this.#total += 1;
  }

  total(nowMs: number): number {
    this.#forget(nowMs);
    return this.#total;
  }

  #forget(nowMs: number): void {
    const now = Math.floor(nowMs / this.#sliceMs);
    if (now <= this.#newest) return;
    const from = Math.max(this.#newest + 1, now - SLICES + 1);
    for (let slice = from; slice <= now; slice++) {
      this.#total -= this.#counts[slice % SLICES]!;
      this.#counts[slice % SLICES] = 0;
    }
    this.#newest = now;
  }
}

/** Gateway API `BackendTrafficPolicy.retryConstraint`: retries may be such a share of all that the backend gets. */
class BudgetCount {
  readonly budget: RetryBudget;
  readonly #requests: RecentCount;
  readonly #retries: RecentCount;
  readonly #latest: RecentCount;
  readonly #leastCount: number;

  constructor(budget: RetryBudget, workers: number) {
    this.budget = budget;
    this.#requests = new RecentCount(budget.intervalMs);
    this.#retries = new RecentCount(budget.intervalMs);
    this.#latest = new RecentCount(budget.minimum.intervalMs);
    this.#leastCount = Math.ceil(budget.minimum.count / workers);
  }

  onRequest(nowMs: number): void {
    this.#requests.add(nowMs);
  }

  spend(nowMs: number): boolean {
    const retries = this.#retries.total(nowMs) + 1;
    const all = this.#requests.total(nowMs) + retries;
    const isWithin =
      retries * 100 <= all * this.budget.percent || this.#latest.total(nowMs) < this.#leastCount;
    if (!isWithin) return false;
    this.#retries.add(nowMs);
    this.#latest.add(nowMs);
    return true;
  }
}

export type Refusal = "over-budget" | "too-many";

/** Of one backend; one for each worker, which has its share of what all of them may do together. */
export class RetryAllowance {
  readonly #workers: number;
  #budget: BudgetCount | undefined;
  #active = 0;

  constructor(workers: number) {
    this.#workers = workers;
  }

  onRequest(budget: RetryBudget, nowMs: number): void {
    this.#budgetCount(budget).onRequest(nowMs);
  }

  /** Undefined: granted, and `release` is due once the retry is over. */
  take({ limits, retryBudget }: Backend, nowMs: number): Refusal | undefined {
    const most = limits?.maxRetries;
    if (most !== undefined && this.#active >= Math.ceil(most / this.#workers)) return "too-many";
    if (retryBudget !== undefined && !this.#budgetCount(retryBudget).spend(nowMs)) return "over-budget";
    this.#active += 1;
    return undefined;
  }

  release(): void {
    this.#active -= 1;
  }

  /** Begins anew when the configuration changes it. */
  #budgetCount(budget: RetryBudget): BudgetCount {
    if (this.#budget === undefined || !isSame(this.#budget.budget, budget)) {
      this.#budget = new BudgetCount(budget, this.#workers);
    }
    return this.#budget;
  }
}

/** By content: every change of a backend brings a new object, and most change nothing about this. */
function isSame(one: RetryBudget, other: RetryBudget): boolean {
  return (
    one === other ||
    (one.percent === other.percent &&
      one.intervalMs === other.intervalMs &&
      one.minimum.count === other.minimum.count &&
      one.minimum.intervalMs === other.minimum.intervalMs)
  );
}

/** Of all backends, by id: they go on over snapshots. */
export class RetryAllowances {
  readonly #workers: number;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #byBackend = new Map<string, RetryAllowance>();

  constructor(workers: number, clock: Pick<Clock, "monotonicMs">) {
    this.#workers = workers;
    this.#clock = clock;
  }

  /** Of a backend with a budget. */
  onRequest(backend: Backend, budget: RetryBudget): void {
    this.#of(backend).onRequest(budget, this.#clock.monotonicMs());
  }

  /** Undefined: the backend counts no retries, and any is granted. */
  take(backend: Backend): RetryAllowance | Refusal | undefined {
    if (backend.limits?.maxRetries === undefined && backend.retryBudget === undefined) return undefined;
    const allowance = this.#of(backend);
    return allowance.take(backend, this.#clock.monotonicMs()) ?? allowance;
  }

  #of(backend: Backend): RetryAllowance {
    let allowance = this.#byBackend.get(backend.id);
    if (allowance === undefined) {
      allowance = new RetryAllowance(this.#workers);
      this.#byBackend.set(backend.id, allowance);
    }
    return allowance;
  }
}
