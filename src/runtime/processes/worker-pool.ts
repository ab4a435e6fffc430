// The workers: brings them up, gives all of them each snapshot and socket, and replaces the ones that die.
import { setTimeout as delay } from "node:timers/promises";
import { diffSnapshots, EMPTY_SNAPSHOT, type Snapshot, type SnapshotDelta } from "../../model/index.ts";
import type { Logger, MetricSample } from "../../telemetry/index.ts";
import { deltaParts } from "./delta-parts.ts";
import type { WorkerCommand, WorkerNotice, WorkerSettings } from "./messages.ts";
import { askEach, type PoolWorker } from "./pool-worker.ts";
import { type WorkerExit, WorkerGone, WorkerProcess, WorkerRefusal } from "./worker-process.ts";
import { WorkerSamples } from "./worker-samples.ts";
import { type Ask, type OnRefused, WorkerSockets } from "./worker-sockets.ts";

export interface WorkerPoolOptions {
  readonly count: number;
  /** Ticket keys and session keys may change later. */
  readonly settings: Omit<WorkerSettings, "worker">;
  readonly logger: Logger;
  /**
   * A worker that takes longer, to compile a snapshot say, is named in the log and does what it was asked when it gets
   * to it: one that answers nobody must not keep the others from what is new.
   */
  readonly answerTimeoutMs?: number;
  readonly firstBackoffMs?: number;
  /** What a worker tells unasked. */
  readonly onNotice?: (worker: number, notice: WorkerNotice) => void;
  /** Starts a process by default. */
  readonly spawn?: (worker: number, onNotice: (notice: WorkerNotice) => void) => PoolWorker;
}

const ANSWER_TIMEOUT_MS = 10_000;
/** After the time to drain: the time to write logs and leave. */
const EXIT_GRACE_MS = 1_000;
/** A worker that lived so long died of something else than its start. */
const STABLE_AFTER_MS = 10_000;
const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 10_000;

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Map<number, PoolWorker>();
  /** The ones that serve the committed snapshot; the others are on their way up. */
  readonly #serving = new Set<PoolWorker>();
  readonly #sockets: WorkerSockets;
  #committed: Snapshot = EMPTY_SNAPSHOT;
  /** Snapshots, sockets and newcomers take turns, so that a newcomer never misses one. */
  #turn: Promise<unknown> = Promise.resolve();
  #ticketKeys: string;
  #sessionKeys: readonly string[] | undefined;
  #stopping = false;
  /** Ends the waits of those that were to be replaced. */
  readonly #stop = new AbortController();
  #restarts = 0;
  readonly #samples = new WorkerSamples();

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#sockets = new WorkerSockets(options.count, this.#ask);
    this.#ticketKeys = options.settings.ticketKeys;
    this.#sessionKeys = options.settings.sessionKeys;
  }

  /** Rejects if a worker cannot be brought up at all. */
  async start(): Promise<void> {
    await Promise.all(this.#numbers().map(async (worker) => this.#bringUp(this.#spawn(worker), 0)));
  }

  /**
   * Resolves when every worker serves the snapshot. Rejects, and leaves everything as it was, if one cannot compile it:
   * that is a defect, and must not take the workers down one after the other.
   */
  publish(snapshot: Snapshot): Promise<void> {
    return this.#inTurn(async () => {
      const delta = diffSnapshots(this.#committed, snapshot);
      const parts = deltaParts(delta);
      const late = new Set<PoolWorker>();
      await askEach(this.#serving, async (worker) => {
        if (!(await this.#prepareInTime(worker, delta, parts))) late.add(worker);
      });
      this.#committed = snapshot;
      await askEach(this.#serving, async (worker) => {
        const done = this.#commit(worker, snapshot.version);
        if (!late.has(worker)) await this.#isInTime(done);
      });
    });
  }

  /**
   * The workers share these sockets, one or more for a bind key. Answers with the system's code for each bind key that
   * a worker could not accept on; nobody does on those.
   */
  async listen(sockets: ReadonlyMap<string, readonly object[]>): Promise<ReadonlyMap<string, string>> {
    const refused = new Map<string, string>();
    await this.#inTurn(async () => {
      this.#sockets.add(sockets);
      await this.#sockets.share(this.#serving, (bindKey, error) =>
        refused.set(bindKey, error.code ?? error.message),
      );
    });
    await this.unlisten([...refused.keys()]);
    return refused;
  }

  /** Workers stop accepting there; connections finish what they do. */
  unlisten(keys: readonly string[]): Promise<void> {
    return this.#inTurn(() => this.#sockets.remove(keys, this.#serving));
  }

  /** From now on, every worker seals and opens TLS session tickets with these. */
  setTicketKeys(ticketKeys: string): Promise<void> {
    this.#ticketKeys = ticketKeys;
    return this.#tellAll({ kind: "ticket-keys", ticketKeys });
  }

  /**
   * From now on, every worker seals and opens session tokens with these. Resolves when all that answer have them: what
   * one of them seals, the others open.
   */
  setSessionKeys(sessionKeys: readonly string[]): Promise<void> {
    this.#sessionKeys = sessionKeys;
    return this.#tellAll({ kind: "session-keys", sessionKeys });
  }

  /** The file of the access log has been renamed: every worker goes on in a new one. */
  reopenAccessLog(): Promise<void> {
    return this.#tellAll({ kind: "reopen-access-log" });
  }

  /** How many workers accept requests. */
  get serving(): number {
    return this.#serving.size;
  }

  /** What the workers count, and what is to be counted of them. */
  async samples(): Promise<readonly MetricSample[]> {
    return [
      ...(await this.#samples.gather([...this.#serving], this.#numbers())),
      { name: "limpet_workers", labels: {}, value: this.serving },
      { name: "limpet_worker_restarts_total", labels: {}, value: this.#restarts },
    ];
  }

  /** Process ids, for the log and the admin port. */
  pids(): readonly number[] {
    return [...this.#workers.values()].flatMap((worker) => worker.pid ?? []);
  }

  /** Resolves when all workers have ended: by themselves, or killed some time after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    this.#stop.abort();
    await Promise.all(
      [...this.#workers.values()].map(async (worker) => {
        const overdue = setTimeout(() => {
          this.#options.logger.warn({ worker: worker.worker }, "worker did not end after draining: killed");
          worker.kill();
        }, timeoutMs + EXIT_GRACE_MS);
        worker.request({ kind: "drain", timeoutMs }).catch(() => {});
        await worker.exited;
        clearTimeout(overdue);
      }),
    );
  }

  kill(): void {
    this.#stopping = true;
    this.#stop.abort();
    for (const worker of this.#workers.values()) worker.kill();
  }

  /** Of the workers that there are to be. */
  #numbers(): readonly number[] {
    return Array.from({ length: this.#options.count }, (_, index) => index + 1);
  }

  /** Throws the system's error where no process can be made. */
  #spawn(number: number): PoolWorker {
    const onNotice = (notice: WorkerNotice) => this.#options.onNotice?.(number, notice);
    return this.#options.spawn?.(number, onNotice) ?? new WorkerProcess(number, onNotice);
  }

  async #bringUp(worker: PoolWorker, failures: number): Promise<void> {
    const { worker: number } = worker;
    this.#workers.set(number, worker);
    void worker.exited.then((exit) => {
      this.#workers.delete(number);
      this.#serving.delete(worker);
      this.#sockets.forget(worker);
      this.#samples.bury(number);
      if (this.#stopping) return;
      void this.#replace(worker, exit, failures);
      void this.#inTurn(() => this.#sockets.share(this.#serving, this.#logRefusal));
    });
    const settings = this.#settings(number);
    await worker.request({ kind: "start", settings });
    await this.#inTurn(async () => {
      await this.#catchUp(worker, settings);
      if (this.#committed.version !== 0) {
        const delta = diffSnapshots(EMPTY_SNAPSHOT, this.#committed);
        await prepare(worker, delta, deltaParts(delta));
        await this.#commit(worker, delta.version);
      }
      // It may have died while it swapped, and nobody would take it out again.
      if (this.#workers.get(number) !== worker) throw new WorkerGone(number);
      this.#serving.add(worker);
      await this.#sockets.share(this.#serving, this.#logRefusal);
    });
  }

  /** Tells a newcomer the keys that changed while it started. */
  async #catchUp(worker: PoolWorker, told: WorkerSettings): Promise<void> {
    const ticketKeys = this.#ticketKeys;
    const sessionKeys = this.#sessionKeys;
    if (ticketKeys !== told.ticketKeys) await worker.request({ kind: "ticket-keys", ticketKeys });
    if (sessionKeys !== undefined && sessionKeys !== told.sessionKeys) {
      await worker.request({ kind: "session-keys", sessionKeys });
    }
  }

  readonly #logRefusal: OnRefused = (bindKey, error) => {
    this.#options.logger.error({ bindKey, err: error }, "a worker cannot accept on a socket");
  };

  #settings(worker: number): WorkerSettings {
    return {
      ...this.#options.settings,
      worker,
      ticketKeys: this.#ticketKeys,
      sessionKeys: this.#sessionKeys,
    };
  }

  async #replace(dead: PoolWorker, exit: WorkerExit, failures: number): Promise<void> {
    const stable = performance.now() - dead.startedMs > STABLE_AFTER_MS;
    const backoffMs = stable ? 0 : this.#backoffMs(failures);
    this.#options.logger.error({ worker: dead.worker, ...exit, backoffMs }, "worker died: it is replaced");
    await this.#bringUpAfter(backoffMs, dead.worker, stable ? 0 : failures + 1);
  }

  async #bringUpAfter(backoffMs: number, number: number, failures: number): Promise<void> {
    await delay(backoffMs, undefined, { signal: this.#stop.signal }).catch(() => {});
    if (this.#stopping) return;
    this.#restarts++;
    let worker: PoolWorker;
    try {
      worker = this.#spawn(number);
    } catch (error) {
      // No memory for a process (ENOMEM), say: nobody's exit will tell that one is missing.
      const againMs = this.#backoffMs(failures);
      this.#options.logger.error({ worker: number, err: error, againMs }, "worker could not be started");
      return this.#bringUpAfter(againMs, number, failures + 1);
    }
    try {
      await this.#bringUp(worker, failures);
      this.#options.logger.info({ worker: number }, "worker serves again");
    } catch (error) {
      // One that died on its way is replaced by its own exit; one that refused must be made to exit.
      if (error instanceof WorkerGone) return;
      this.#options.logger.error({ worker: number, err: error }, "worker could not be brought up");
      worker.kill();
    }
  }

  #backoffMs(failures: number): number {
    return Math.min((this.#options.firstBackoffMs ?? FIRST_BACKOFF_MS) * 2 ** failures, LONGEST_BACKOFF_MS);
  }

  /** False if the worker has not finished in time; it goes on. */
  async #prepareInTime(worker: PoolWorker, delta: SnapshotDelta, parts: readonly string[]): Promise<boolean> {
    if (await this.#isInTime(prepare(worker, delta, parts))) return true;
    const { version } = delta;
    this.#options.logger.warn({ worker: worker.worker, version }, "worker is slow to compile");
    return false;
  }

  readonly #ask: Ask = async (worker, command, handle) => {
    if (await this.#isInTime(worker.request(command, handle))) return true;
    const details = { worker: worker.worker, command: command.kind };
    this.#options.logger.warn(details, "worker is slow to answer");
    return false;
  };

  /** False if the work is not done in time; it goes on, and nobody hears how it ends. */
  async #isInTime(work: Promise<unknown>): Promise<boolean> {
    const timeout = new AbortController();
    const timeoutMs = this.#options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS;
    const late = delay(timeoutMs, false, { signal: timeout.signal }).catch(() => false);
    const done = work.then(() => true);
    const inTime = await Promise.race([done, late]).finally(() => timeout.abort());
    if (!inTime) done.catch(() => {});
    return inTime;
  }

  /** A worker that cannot swap serves something old; its replacement will not. */
  async #commit(worker: PoolWorker, version: number): Promise<void> {
    try {
      await worker.request({ kind: "commit", version });
      worker.version = version;
    } catch (error) {
      if (error instanceof WorkerGone) return;
      this.#options.logger.error({ worker: worker.worker, version, err: error }, "worker could not swap");
      worker.kill();
    }
  }

  /** What one of them cannot do is told in the log, and the others do it all the same. */
  #tellAll(command: WorkerCommand): Promise<void> {
    return this.#inTurn(() =>
      askEach(this.#serving, async (worker) => {
        await this.#ask(worker, command).catch((error: Error) => {
          if (!(error instanceof WorkerRefusal)) throw error;
          const { logger } = this.#options;
          logger.error({ worker: worker.worker, command: command.kind, err: error }, "a worker refused");
        });
      }),
    );
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

async function prepare(worker: PoolWorker, delta: SnapshotDelta, parts: readonly string[]): Promise<void> {
  const sent = parts.map((text) => worker.request({ kind: "delta-part", text }));
  await Promise.all([...sent, worker.request({ kind: "prepare", base: delta.base, version: delta.version })]);
}
