// Wakes somebody once after a while: for the rules and backends that set exact times, which the coarse sweep cannot keep.

export interface AlarmOwner {
  onAlarm(alarm: Alarm): void;
}

export interface Alarm {
  /** It does not ring any more. */
  cancel(): void;
}

/** Never rings from within `set`. */
export interface Alarms {
  set(delayMs: number, owner: AlarmOwner): Alarm;
}

/** Longer delays would overflow Node's timers and ring at once. */
export const MAX_DELAY_MS: number = 2 ** 31 - 1;

class SystemAlarm implements Alarm {
  readonly owner: AlarmOwner;
  readonly #timer: NodeJS.Timeout;

  constructor(delayMs: number, owner: AlarmOwner) {
    this.owner = owner;
    this.#timer = setTimeout(ring, Math.min(delayMs, MAX_DELAY_MS), this);
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}

function ring(alarm: SystemAlarm): void {
  alarm.owner.onAlarm(alarm);
}

/** Node keeps timers of one delay in one list, so that each costs the same however many there are. */
export const SYSTEM_ALARMS: Alarms = { set: (delayMs, owner) => new SystemAlarm(delayMs, owner) };
