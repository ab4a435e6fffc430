// The primary: loads the configuration, has the workers serve it, and follows its changes until it is told to stop.
import { setTimeout as delay } from "node:timers/promises";
import { bindPoints } from "../dataplane/bind-points.ts";
import { shareOfWorker } from "../dataplane/options.ts";
import type { Explanation } from "../inspect/explanation.ts";
import type { Finding } from "../model/index.ts";
import { type Logger, ProcessVitals, renderMetrics } from "../telemetry/index.ts";
import { AdminServer } from "./admin-server.ts";
import { BoundSockets } from "./bound-sockets.ts";
import { ConfigurationStore, type LoadedConfiguration, type LoadOutcome } from "./configuration-store.ts";
import { DrainDesk } from "./drain-desk.ts";
import { Drains } from "./drains.ts";
import { Explainer } from "./explain/explainer.ts";
import { type QuestionTexts, readQuestion } from "./explain/question.ts";
import { FileSource } from "./file-source.ts";
import { FileWatch } from "./file-watch.ts";
import { logFindings } from "./finding-log.ts";
import { GatewayMetrics } from "./gateway-metrics.ts";
import { BindError } from "./listening-socket.ts";
import { LiveConfiguration } from "./live-configuration.ts";
import { WorkerPool } from "./processes/worker-pool.ts";
import type { RunOptions } from "./run-options.ts";
import { SessionKeyStore } from "./session-key-store.ts";
import { SessionKeyError } from "./session-keys.ts";
import type { Legacy } from "./succession/messages.ts";
import { type ProgramCommand, Successor } from "./succession/successor.ts";
import { TicketKeys } from "./ticket-keys.ts";
import { type FileMemory, translateFiles } from "./translate-files.ts";

/** Why `limpet run` does not start: one line a reason. */
export class StartError extends Error {
  readonly reasons: readonly string[];

  constructor(reasons: readonly string[]) {
    super(reasons.join("\n"));
    this.name = "StartError";
    this.reasons = reasons;
  }
}

/** A bound address and what is behind it: a listener's id, or `admin`. */
export interface ServedAddress {
  readonly name: string;
  readonly address: string;
}

export class Gateway {
  readonly #options: RunOptions;
  readonly #logger: Logger;
  readonly #source: FileSource;
  readonly #store: ConfigurationStore<FileMemory>;
  readonly #sockets: BoundSockets;
  readonly #workers: WorkerPool;
  readonly #metrics: GatewayMetrics;
  readonly #vitals = new ProcessVitals("primary");
  readonly #ticketKeys: TicketKeys;
  /** Undefined: tokens are not sealed. */
  readonly #sessionKeys: SessionKeyStore | undefined;
  readonly #drains: Drains;
  readonly #live: LiveConfiguration;
  readonly #drainDesk: DrainDesk;
  readonly #legacy: Legacy | undefined;
  #admin: AdminServer | undefined;
  /** Made with the first question. */
  #explainer: Explainer | undefined;
  #watch: FileWatch | undefined;
  #lastFindings: readonly Finding[] = [];
  /** Signature of the files that were read last. */
  #signature = "";
  #reloads: Promise<void> = Promise.resolve();
  #serving = false;
  #draining = false;

  /** @param legacy what the process whose place this one takes has left */
  constructor(options: RunOptions, logger: Logger, version: string, legacy?: Legacy) {
    const { sessionKeys } = options;
    this.#options = options;
    this.#legacy = legacy;
    this.#logger = logger;
    this.#source = new FileSource(options.paths);
    this.#store = new ConfigurationStore({
      read: async () => {
        const files = await this.#source.read();
        this.#signature = files.signature;
        return files;
      },
      translate: (files, memory) => translateFiles(files, memory, { sealTokens: sessionKeys !== undefined }),
      strict: options.strictConfig,
      nowMs: Date.now,
    });
    this.#sockets = new BoundSockets(options);
    this.#metrics = new GatewayMetrics(version, Date.now(), options.dataplane);
    this.#ticketKeys = new TicketKeys((keys) => void this.#workers.setTicketKeys(keys), legacy?.ticketKeys);
    this.#workers = new WorkerPool({
      count: options.workers,
      logger,
      settings: {
        dataplane: shareOfWorker(options.dataplane, options.workers),
        accessLog: options.accessLog,
        accessLogFormat: options.accessLogFormat,
        tracing: options.tracing,
        logLevel: options.logLevel,
        humanLog: options.humanLog,
        drainTimeoutMs: options.drainTimeoutMs,
        ticketKeys: this.#ticketKeys.current,
      },
      onNotice: (_worker, { observations }) => this.#live.observe(observations),
    });
    if (sessionKeys !== undefined) {
      this.#sessionKeys = new SessionKeyStore({
        source: sessionKeys,
        watch: options.watch,
        logger,
        publish: (lines) => this.#workers.setSessionKeys(lines),
      });
    }
    this.#drains = new Drains(legacy?.drains);
    this.#live = new LiveConfiguration(options, logger, this.#drains, (snapshot) =>
      this.#workers.publish(snapshot),
    );
    this.#drainDesk = new DrainDesk({
      drains: this.#drains,
      live: this.#live,
      samples: () => this.#workers.samples(),
      nowMs: Date.now,
    });
  }

  /** Resolves when all workers serve. Rejects with a StartError if the configuration or an address is no good. */
  async start(): Promise<readonly ServedAddress[]> {
    await this.#startSessionKeys();
    this.#logger.debug({ paths: this.#options.paths }, "loading the configuration");
    const outcome = await this.#load();
    if (outcome.kind === "refused") throw new StartError(outcome.reasons);
    const { configuration } = outcome;
    const points = bindPoints(configuration.snapshot);
    if (this.#legacy !== undefined) this.#sockets.adopt(this.#legacy.sockets);
    const { failures } = this.#sockets.openMissing(points);
    if (failures.length > 0) throw new StartError(failures);
    this.#sockets.close(this.#sockets.vanished(points));
    // A successor would answer "not ready" on the address on which the old process still is.
    const inherited = this.#legacy?.admin;
    if (inherited === undefined) await this.#startAdmin();
    await this.#workers.start();
    await this.#live.serve(configuration.snapshot);
    const refused = await this.#listen(this.#sockets.handles());
    if (refused.length > 0) throw new StartError(refused);
    this.#store.accept(configuration);
    this.#serving = true;
    if (inherited !== undefined) await this.#startAdmin(inherited);
    if (this.#options.watch) {
      this.#watch = new FileWatch(this.#source, this.#signature, () => void this.reload());
    }
    return this.#addresses();
  }

  /** Reads the key file again. Never rejects: keys that cannot be used leave everything as it is. */
  async reloadSessionKeys(): Promise<void> {
    await this.#sessionKeys?.reload();
  }

  /** Reads the files again. Never rejects: what cannot be served leaves everything as it is. */
  reload(): Promise<void> {
    this.#reloads = this.#reloads
      .then(() => this.#reload())
      .catch((error: Error) => {
        this.#metrics.countReload("kept");
        this.#logger.error({ err: error }, "reload failed: the last good configuration stays");
      });
    return this.#reloads;
  }

  /** The file of the access log has been renamed. */
  reopenAccessLog(): Promise<void> {
    return this.#workers.reopenAccessLog();
  }

  /** Starts a process that takes over every socket, while this one goes on. */
  async startSuccessor(command: ProgramCommand): Promise<Successor> {
    // A reload under way may be about to open or close some.
    await this.#reloads;
    return new Successor(command, {
      sockets: this.#sockets.handles(),
      admin: this.#admin?.handle,
      ticketKeys: this.#ticketKeys.current,
      drains: this.#drains.times,
    });
  }

  /** The successor serves, on the admin port too. */
  async retire(): Promise<void> {
    this.#admin?.close();
    await this.drain(0);
  }

  /**
   * Not ready from now on, but accepting for another `delayMs`. Then requests in flight finish, and the rest is closed
   * after the drain timeout. To the last request it goes by the same endpoints and keys as the replicas that stay: by
   * others it would take sessions from where those have them.
   */
  async drain(delayMs: number): Promise<void> {
    this.#draining = true;
    if (delayMs > 0) await delay(delayMs);
    // One that began before may be about to open sockets.
    await this.#reloads;
    const drained = this.#workers.drain(this.#options.drainTimeoutMs);
    // Held open here, the sockets would go on taking connections that nobody accepts.
    this.#sockets.closeAll();
    await drained;
    this.#followNothing();
    this.#admin?.close();
  }

  /** Ends the workers at once. */
  kill(): void {
    this.#followNothing();
    this.#workers.kill();
    this.#sockets.closeAll();
    this.#admin?.close();
  }

  #followNothing(): void {
    this.#watch?.stop();
    this.#ticketKeys.stop();
    this.#sessionKeys?.stop();
    this.#live.stop();
  }

  async #startSessionKeys(): Promise<void> {
    try {
      await this.#sessionKeys?.start();
    } catch (error) {
      if (!(error instanceof SessionKeyError)) throw error;
      throw new StartError([error.message]);
    }
  }

  async #startAdmin(inherited?: object): Promise<void> {
    const address = this.#options.admin;
    if (address === undefined) return;
    try {
      this.#admin = await AdminServer.listen(
        address,
        {
          ready: () => this.#serving && !this.#draining && this.#workers.serving > 0,
          metrics: async () =>
            renderMetrics([
              ...this.#metrics.samples(this.#store.current, this.#live.snapshot, Date.now()),
              ...this.#vitals.samples(),
              ...this.#live.samples(),
              ...(this.#sessionKeys?.samples() ?? []),
              ...(await this.#workers.samples()),
            ]),
          snapshot: () => this.#snapshotPage(),
          drains: this.#drainDesk,
          explain: (texts) => this.#explain(texts),
        },
        inherited,
      );
    } catch (error) {
      if (!(error instanceof BindError)) throw error;
      throw new StartError([
        `admin port: ${error.message}; choose another with --admin HOST:PORT, or --admin off`,
      ]);
    }
  }

  async #reload(): Promise<void> {
    if (!this.#serving) return;
    const outcome = await this.#load();
    if (outcome.kind === "refused") {
      this.#metrics.countReload("kept");
      this.#logger.error({ reasons: outcome.reasons }, "the last good configuration stays");
      return;
    }
    const { configuration } = outcome;
    if (outcome.kind === "changed") await this.#live.serve(configuration.snapshot);
    // Also where nothing changed: a port that was taken may be free now.
    if (!this.#draining) await this.#moveSockets(configuration);
    this.#store.accept(configuration);
    this.#metrics.countReload(outcome.kind === "changed" ? "published" : "unchanged");
    this.#logger.info(
      { version: this.#live.snapshot.version },
      outcome.kind === "changed" ? "configuration published" : "configuration unchanged",
    );
  }

  async #load(): Promise<LoadOutcome> {
    const outcome = await this.#store.load();
    const findings = outcome.kind === "refused" ? outcome.findings : outcome.configuration.findings;
    logFindings(this.#logger, findings, this.#lastFindings);
    this.#lastFindings = findings;
    this.#metrics.countFindings(findings);
    return outcome;
  }

  /** Those that vanish go first: a listener that moves to another address may keep its port. */
  async #moveSockets(configuration: LoadedConfiguration): Promise<void> {
    const points = bindPoints(configuration.snapshot);
    const vanished = this.#sockets.vanished(points);
    await this.#workers.unlisten(vanished);
    this.#sockets.close(vanished);
    const { opened, failures } = this.#sockets.openMissing(points);
    const refused = await this.#listen(opened);
    for (const failure of [...failures, ...refused])
      this.#logger.error(`${failure}; the other listeners are served`);
  }

  /** A bound socket may still be refused: only listening tells that a wildcard address has the port already. */
  async #listen(opened: ReadonlyMap<string, readonly object[]>): Promise<string[]> {
    const refused = await this.#workers.listen(opened);
    return [...refused].map(([key, code]) => this.#sockets.refuse(key, code));
  }

  #addresses(): ServedAddress[] {
    const served = [...this.#sockets.open.values()].flatMap(({ socket, listeners }) =>
      listeners.map((name) => ({ name, address: socket.address })),
    );
    return this.#admin === undefined ? served : [...served, { name: "admin", address: this.#admin.address }];
  }

  /** Here and not in a worker: the primary has the same snapshot and keys, and carries no traffic. */
  async #explain(texts: QuestionTexts): Promise<Explanation> {
    const { dataplane, portOffset } = this.#options;
    const question = readQuestion(texts, dataplane.maxHeaders);
    this.#explainer ??= new Explainer({ dataplane, portOffset }, Math.random);
    const { snapshot } = this.#live;
    // Health checks and workers must not wait for it.
    await this.#explainer.prepare(question, snapshot);
    const keys = this.#sessionKeys?.current?.ring;
    return this.#explainer.explain(question, { snapshot, keys, nowMs: Date.now() });
  }

  #snapshotPage(): unknown {
    const current = this.#store.current;
    return {
      version: this.#live.snapshot.version,
      loadedAt: current === undefined ? null : new Date(current.loadedAtMs).toISOString(),
      addresses: this.#addresses(),
      workers: this.#workers.pids(),
      snapshot: current === undefined ? null : this.#live.snapshot,
      statuses: current?.statuses ?? [],
      // Those of the files as they are now, which a refused reload makes others than those of the snapshot.
      findings: this.#lastFindings,
    };
  }
}
