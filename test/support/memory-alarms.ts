// Alarms that ring when a test lets time pass.
import type { Alarm, AlarmOwner, Alarms } from "../../src/dataplane/alarms.ts";

export class MemoryAlarms implements Alarms {
  readonly #nowMs: () => number;
  readonly #set = new Map<Alarm, { readonly dueMs: number; readonly owner: AlarmOwner }>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** How many are set. */
  get count(): number {
    return this.#set.size;
  }

  /** When the next one rings; undefined: none is set. */
  get nextMs(): number | undefined {
    const due = [...this.#set.values()].map(({ dueMs }) => dueMs);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  set(delayMs: number, owner: AlarmOwner): Alarm {
    const alarm: Alarm = { cancel: () => this.#set.delete(alarm) };
    this.#set.set(alarm, { dueMs: this.#nowMs() + delayMs, owner });
    return alarm;
  }

  /** Rings what is due. */
  ring(): void {
    for (const [alarm, { dueMs, owner }] of this.#set) {
      if (dueMs > this.#nowMs()) continue;
      this.#set.delete(alarm);
      owner.onAlarm(alarm);
    }
  }
}
