// How much the sessions of an endpoint ask for lately: their requests, of which half are forgotten every 20 seconds.

/**
 * Long enough to see a session that asks every few seconds, and short enough to be right about an endpoint that is
 * filling up: what is slow to see it would send it too many (docs/adr/0027).
 */
const HALF_LIFE_SEC = 20;

/** A request that waited so long for its endpoint counts in the second in which the endpoint was looked at last. */
const LATEST_SEC = 60;

/** Fades when it is looked at: an endpoint that nobody asks for costs nothing. */
export class SessionLoad {
  #requests = 0;
  #atSec = 0;

  /** One more request of a session. `nowSec`: wall clock, whole unix seconds. */
  add(nowSec: number): void {
    this.#fade(nowSec);
    this.#requests += 1;
  }

  /** As if nobody had asked. */
  forget(): void {
    this.#requests = 0;
    this.#atSec = 0;
  }

  at(nowSec: number): number {
    this.#fade(nowSec);
    return this.#requests;
  }

  /**
   * Requests look at a clock of their beginning, so one may come late. What is later than that is a clock that was set
   * back, and from then on loads fade by it: until it had caught up they would only grow, and those of endpoints that
   * come meanwhile would not.
   */
  #fade(nowSec: number): void {
    if (nowSec < this.#atSec - LATEST_SEC) this.#atSec = nowSec;
    if (nowSec <= this.#atSec) return;
    this.#requests *= 2 ** ((this.#atSec - nowSec) / HALF_LIFE_SEC);
    this.#atSec = nowSec;
  }
}
