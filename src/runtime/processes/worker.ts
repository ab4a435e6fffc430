// One worker from the inside: obeys the primary, feeds the engine, and ends when it has drained.
import { setImmediate } from "node:timers/promises";
import type { Engine } from "../../dataplane/engine.ts";
import { applyDelta, EMPTY_SNAPSHOT, type Snapshot } from "../../model/index.ts";
import type { Logger, MetricSample, ProcessVitals } from "../../telemetry/index.ts";
import { DeltaAssembly } from "./delta-parts.ts";
import type { WorkerCommand, WorkerNotice, WorkerReply, WorkerRequest, WorkerSettings } from "./messages.ts";

/** What a worker works with once it has been told its settings. */
export interface WorkerParts {
  readonly engine: Pick<Engine, "listen" | "release" | "unlisten" | "prepare" | "commit" | "drain" | "stats">;
  readonly vitals: Pick<ProcessVitals, "samples">;
  readonly logger: Logger;
  /** Base64, as in the settings. */
  setTicketKeys(ticketKeys: string): void;
  /** As in the settings. */
  setSessionKeys(sessionKeys: readonly string[]): void;
  reopenAccessLog(): void;
  /** Writes out what is left of the access log. */
  flush(): Promise<void>;
}

/** Tells the primary something unasked. */
export type Notify = (notice: WorkerNotice) => void;

export interface WorkerChannel {
  reply(reply: WorkerReply): void;
  readonly notify: Notify;
  /** Ends the process. */
  exit(code: number): void;
}

interface Queued {
  readonly request: WorkerRequest;
  readonly handle: object | undefined;
}

export class Worker {
  readonly #build: (settings: WorkerSettings, notify: Notify) => WorkerParts | Promise<WorkerParts>;
  readonly #channel: WorkerChannel;
  readonly #queue: Queued[] = [];
  readonly #assembly = new DeltaAssembly();
  #parts: WorkerParts | undefined;
  #settings: WorkerSettings | undefined;
  /** What is served: the base of every delta. */
  #committed: Snapshot = EMPTY_SNAPSHOT;
  #prepared: Snapshot = EMPTY_SNAPSHOT;
  #busy = false;
  #drained: Promise<void> | undefined;

  constructor(
    build: (settings: WorkerSettings, notify: Notify) => WorkerParts | Promise<WorkerParts>,
    channel: WorkerChannel,
  ) {
    this.#build = build;
    this.#channel = channel;
  }

  onRequest(request: WorkerRequest, handle: object | undefined): void {
    const { kind } = request.command;
    if (kind === "stats" || kind === "drain") {
      void this.#answer(request, handle);
    } else {
      this.#queue.push({ request, handle });
      if (!this.#busy) void this.#work();
    }
  }

  /** The primary is gone: nobody will stop this worker if it does not stop by itself. */
  async onDisconnect(): Promise<void> {
    this.#parts?.logger.error("the primary process is gone: draining");
    await this.#drain(this.#settings?.drainTimeoutMs ?? 0);
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      await this.#answer(next.request, next.handle);
      // Traffic runs between two parts of a large delta.
      await setImmediate();
    }
    this.#busy = false;
  }

  async #answer({ id, command }: WorkerRequest, handle: object | undefined): Promise<void> {
    try {
      const samples = await this.#obey(command, handle);
      this.#channel.reply(samples === undefined ? { id } : { id, samples });
      if (command.kind === "drain") this.#channel.exit(0);
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException;
      this.#channel.reply({ id, error: message, ...(code === undefined ? {} : { code }) });
    }
  }

  async #obey(
    command: WorkerCommand,
    handle: object | undefined,
  ): Promise<readonly MetricSample[] | undefined> {
    if (command.kind === "start") {
      this.#settings = command.settings;
      this.#parts = await this.#build(command.settings, this.#channel.notify);
      return undefined;
    }
    if (command.kind === "drain") {
      // Also one that has not started yet has to end, with nothing to wait for.
      await this.#drain(command.timeoutMs);
      return undefined;
    }
    if (this.#parts === undefined) throw new Error(`${command.kind} came before start`);
    const { engine } = this.#parts;
    switch (command.kind) {
      case "delta-part":
        this.#assembly.add(command.text);
        return undefined;
      case "prepare": {
        const delta = this.#assembly.take(command.base, command.version);
        this.#prepared = applyDelta(delta, this.#committed);
        await engine.prepare(this.#prepared);
        return undefined;
      }
      case "commit":
        engine.commit(command.version);
        this.#committed = this.#prepared;
        return undefined;
      case "listen":
        await engine.listen(command.bindKey, { handle: handle as object }, command.number);
        return undefined;
      case "release":
        engine.release(command.bindKey, command.number);
        return undefined;
      case "unlisten":
        engine.unlisten(command.bindKey);
        return undefined;
      case "ticket-keys":
        this.#parts.setTicketKeys(command.ticketKeys);
        return undefined;
      case "session-keys":
        this.#parts.setSessionKeys(command.sessionKeys);
        return undefined;
      case "reopen-access-log":
        this.#parts.reopenAccessLog();
        return undefined;
      case "stats":
        return [...engine.stats(), ...this.#parts.vitals.samples()];
    }
  }

  /** A second call waits for the end of the first. */
  #drain(timeoutMs: number): Promise<void> {
    this.#drained ??= (async () => {
      await this.#parts?.engine.drain(timeoutMs);
      await this.#parts?.flush();
    })();
    return this.#drained;
  }
}
