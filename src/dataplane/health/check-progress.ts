// What the results of a check, one after the other, make of an endpoint: Envoy's thresholds.
import type { HealthCheck } from "../../model/index.ts";

/** `failedAtOnce`: no threshold is waited for. */
export type CheckResult = "passed" | "failed" | "failedAtOnce";

/** `pending`: not one check is through, so that the endpoint does not serve yet. */
export type CheckState = "pending" | "passing" | "failing";

export class CheckProgress {
  state: CheckState = "pending";
  /** In a row, towards the threshold that would change the state. */
  #count = 0;
  #last: CheckResult = "passed";

  record(result: CheckResult, { healthyThreshold, unhealthyThreshold }: HealthCheck): void {
    this.#last = result;
    const isPassed = result === "passed";
    if (this.state === "pending") this.state = isPassed ? "passing" : "failing";
    else if (isPassed === (this.state === "passing")) this.#count = 0;
    else {
      this.#count += 1;
      const threshold = isPassed ? healthyThreshold : unhealthyThreshold;
      if (this.#count < threshold && result !== "failedAtOnce") return;
      this.state = isPassed ? "passing" : "failing";
      this.#count = 0;
    }
  }

  /** From the end of this check to the start of the next. */
  pauseMs({ intervalMs, unhealthyIntervalMs }: HealthCheck): number {
    return this.#last === "passed" ? intervalMs : (unhealthyIntervalMs ?? intervalMs);
  }
}
