// Where every session lives, where it may go, and what of all that came back is a defect.

/**
 * stays: it takes sessions; drains: it keeps those that it has; leaves: some gateway has been told that it is gone, so that
 * its sessions are on the move.
 */
export type ReplicaPhase = "stays" | "drains" | "leaves";

export interface Session {
  readonly id: string;
  /** As the client sends it back. */
  cookie: string | undefined;
  /** Name of the replica that has its state. */
  home: string | undefined;
}

/** What came back for one request, once the retries that a client is allowed are used up. */
export interface Outcome {
  readonly status: number;
  /** Which gateway answered, as far as it said so. */
  readonly gateway: string | undefined;
  /** Undefined: no replica has answered. */
  readonly replica: string | undefined;
  /** The replica has seen the session before. */
  readonly known: boolean;
  /** When the request was sent, by the clock of the ledger. */
  readonly sentMs: number;
}

const KEPT_FAILURES = 20;

export class SessionLedger {
  requests = 0;
  /** Sessions that began, those included that began anew after a refusal. */
  begun = 0;
  kept = 0;
  /** Of `kept`: on a replica that was draining. */
  keptWhileDraining = 0;
  moved = 0;
  /** Answered with the status for sessions whose endpoint is gone. */
  rejected = 0;
  readonly failures: string[] = [];
  #failed = 0;
  readonly #phases = new Map<string, { phase: ReplicaPhase; sinceMs: number }>();
  readonly #rejectStatus: number | undefined;
  /** Milliseconds since the rollout began. */
  readonly nowMs: () => number;

  /** @param rejectStatus of sessions whose endpoint is gone; undefined: they are moved */
  constructor(rejectStatus: number | undefined, nowMs: () => number) {
    this.#rejectStatus = rejectStatus;
    this.nowMs = nowMs;
  }

  get failed(): number {
    return this.#failed;
  }

  /** `drains` is told when all gateways know it, the others before the first one does. */
  enter(replica: string, phase: ReplicaPhase): void {
    this.#phases.set(replica, { phase, sinceMs: this.nowMs() });
  }

  /** Judges what came back, and takes the session to where it is now. */
  judge(session: Session, outcome: Outcome): void {
    this.requests += 1;
    const { status, replica } = outcome;
    if (session.home !== undefined && status === this.#rejectStatus) this.#reject(session, outcome);
    else if (status !== 200 || replica === undefined)
      this.#failAt(outcome, `${nameOf(session)} got ${status}`);
    else if (session.home === undefined) this.#begin(session, outcome, replica);
    else if (session.home === replica) this.#keep(session, outcome, replica);
    else this.#move(session, outcome, replica);
  }

  fail(message: string): void {
    this.#failed += 1;
    if (this.failures.length < KEPT_FAILURES) this.failures.push(`${seconds(this.nowMs())}: ${message}`);
  }

  /** Once every session has been asked again after the last replica left. */
  judgeHomes(sessions: readonly Session[]): void {
    for (const session of sessions) {
      if (session.home === undefined || this.#phaseOf(session.home) !== "leaves") continue;
      this.fail(`${nameOf(session)} still lives on ${session.home}, which is gone`);
    }
  }

  #begin(session: Session, outcome: Outcome, replica: string): void {
    this.begun += 1;
    if (outcome.known) this.#failAt(outcome, `${replica} knows ${nameOf(session)}, which has only begun`);
    this.#arrive(session, outcome, replica, "began");
  }

  #keep(session: Session, outcome: Outcome, replica: string): void {
    this.kept += 1;
    if (this.#phaseOf(replica) === "drains") this.keptWhileDraining += 1;
    if (!outcome.known)
      this.#failAt(outcome, `${replica} does not know ${nameOf(session)}, which lives there`);
  }

  #move(session: Session, outcome: Outcome, replica: string): void {
    this.moved += 1;
    const move = `${nameOf(session)} was moved from ${session.home} to ${replica}`;
    if (this.#rejectStatus !== undefined) this.#failAt(outcome, `${move}, and may never be`);
    const phase = this.#phaseOf(session.home);
    if (phase !== "leaves")
      this.#failAt(outcome, `${move}, although its replica ${this.#describe(session.home)}`);
    if (outcome.known) this.#failAt(outcome, `${move}, where it has been before`);
    this.#arrive(session, outcome, replica, "was moved to");
  }

  #reject(session: Session, outcome: Outcome): void {
    this.rejected += 1;
    if (this.#phaseOf(session.home) !== "leaves") {
      this.#failAt(
        outcome,
        `${nameOf(session)} was rejected, although its replica ${this.#describe(session.home)}`,
      );
    }
    session.home = undefined;
    session.cookie = undefined;
  }

  /** Nobody new may come to a replica that was draining, everywhere, before the request was sent. */
  #arrive(session: Session, outcome: Outcome, replica: string, how: string): void {
    session.home = replica;
    const entry = this.#phases.get(replica);
    if (entry?.phase === "stays" || (entry !== undefined && entry.sinceMs > outcome.sentMs)) return;
    this.#failAt(outcome, `${nameOf(session)} ${how} a replica that ${this.#describe(replica)}`);
  }

  #phaseOf(replica: string | undefined): ReplicaPhase | undefined {
    return replica === undefined ? undefined : this.#phases.get(replica)?.phase;
  }

  #describe(replica: string | undefined): string {
    const entry = replica === undefined ? undefined : this.#phases.get(replica);
    return entry === undefined
      ? `is not known (${replica})`
      : `${entry.phase} (${replica}, since ${seconds(entry.sinceMs)})`;
  }

  #failAt({ gateway, sentMs }: Outcome, message: string): void {
    this.fail(`${message}; by ${gateway ?? "nobody"}, asked at ${seconds(sentMs)}`);
  }
}

function nameOf({ id }: Session): string {
  return `session ${id}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
