// The primary: loads the configuration, has the workers serve it, and follows its changes until it is told to stop.
import { setTimeout as delay } from "node:timers/promises";
import { bindPoints } from "../dataplane/bind-points.ts";
import { shareOfWorker } from "../dataplane/options.ts";
import type { TranslationMemory } from "../dialects/memory.ts";
import { translate } from "../dialects/translate.ts";
import type { Finding } from "../model/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { AdminServer } from "./admin-server.ts";
import { type BindFailure, BoundSockets, bindFailureText, bindRefusalText } from "./bound-sockets.ts";
import type { ConfigurationSource } from "./configuration-source.ts";
import { ConfigurationStore, type LoadedConfiguration, type LoadOutcome } from "./configuration-store.ts";
import { DrainDesk } from "./drain-desk.ts";
import { Drains } from "./drains.ts";
import { logFindings } from "./finding-log.ts";
import { GatewayMetrics } from "./gateway-metrics.ts";
import { GatewayPages, type ServedAddress } from "./gateway-pages.ts";
import { BindError } from "./listening-socket.ts";
import { LiveConfiguration } from "./live-configuration.ts";
import { WorkerPool } from "./processes/worker-pool.ts";
import { ReloadTurns } from "./reload-turns.ts";
import type { RunOptions } from "./run-options.ts";
import { SessionKeyStore } from "./session-key-store.ts";
import { SessionKeyError } from "./session-keys.ts";
import type { Legacy } from "./succession/messages.ts";
import { type ProgramCommand, Successor } from "./succession/successor.ts";
import { TicketKeys } from "./ticket-keys.ts";

/** Why `limpet run` does not start: one line a reason. */
export class StartError extends Error {
  readonly reasons: readonly string[];

  constructor(reasons: readonly string[]) {
    super(reasons.join("\n"));
    this.name = "StartError";
    this.reasons = reasons;
  }
}

export class Gateway {
  readonly #options: RunOptions;
  readonly #logger: Logger;
  readonly #source: ConfigurationSource;
  readonly #store: ConfigurationStore<TranslationMemory>;
  readonly #sockets: BoundSockets;
  readonly #workers: WorkerPool;
  readonly #metrics: GatewayMetrics;
  readonly #ticketKeys: TicketKeys;
  /** Undefined: tokens are not sealed. */
  readonly #sessionKeys: SessionKeyStore | undefined;
  readonly #drains: Drains;
  readonly #live: LiveConfiguration;
  readonly #pages: GatewayPages;
  readonly #legacy: Legacy | undefined;
  #admin: AdminServer | undefined;
  #lastFindings: readonly Finding[] = [];
  readonly #reloads: ReloadTurns;
  #serving = false;
  #draining = false;
  #ended = false;

  /** @param legacy what the process whose place this one takes has left */
  constructor(
    options: RunOptions,
    source: ConfigurationSource,
    logger: Logger,
    version: string,
    legacy?: Legacy,
  ) {
    const sessionKeys = options.sessionKeys ?? source.sessionKeys;
    this.#options = options;
    this.#legacy = legacy;
    this.#logger = logger;
    this.#source = source;
    this.#store = new ConfigurationStore({
      source: this.#source,
      translate,
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
    this.#reloads = new ReloadTurns({
      reload: () => this.#reload(),
      onFailed: (error) => {
        if (this.#ended) return;
        this.#metrics.countReload("kept");
        this.#logger.error({ err: error }, "reload failed: the last good configuration stays");
      },
    });
    this.#pages = new GatewayPages({
      options,
      source,
      store: this.#store,
      live: this.#live,
      workers: this.#workers,
      metrics: this.#metrics,
      sessionKeys: this.#sessionKeys,
      drains: new DrainDesk({
        drains: this.#drains,
        live: this.#live,
        samples: () => this.#workers.samples(),
        nowMs: Date.now,
      }),
      ready: () => this.#serving && !this.#draining && this.#workers.serving > 0,
      addresses: () => this.#addresses(),
      findings: () => this.#lastFindings,
    });
  }

  /** Resolves when all workers serve. Rejects with a StartError if the configuration or an address is no good. */
  async start(): Promise<readonly ServedAddress[]> {
    // A successor would answer "not ready" on the address on which the old process still is.
    const inherited = this.#legacy?.admin;
    // Before anything is waited for: whoever looks after the process wants to know that it lives.
    if (inherited === undefined) await this.#startAdmin();
    await this.#startSessionKeys();
    this.#logger.debug(this.#source.description, "loading the configuration");
    const outcome = await this.#load();
    if (outcome.kind === "refused") throw new StartError(outcome.reasons);
    const { configuration } = outcome;
    const points = bindPoints(configuration.snapshot);
    if (this.#legacy !== undefined) this.#sockets.adopt(this.#legacy.sockets);
    const { failures } = this.#sockets.openMissing(points);
    this.#tellUnbound(failures);
    this.#sockets.close(this.#sockets.vanished(points));
    await this.#workers.start();
    await this.#live.serve(configuration.snapshot);
    this.#tellUnbound(await this.#listen(this.#sockets.handles()));
    this.#store.accept(configuration, this.#sockets.unbound);
    this.#serving = true;
    if (inherited !== undefined) await this.#startAdmin(inherited);
    this.#source.follow(() => this.reload());
    this.#reloads.begin();
    return this.#addresses();
  }

  /** It is to stop, and what `start` may wait for need not come. */
  async stopStarting(): Promise<void> {
    if (!this.#serving) await this.#source.stop();
  }

  /** Reads the key file again. Never rejects: keys that cannot be used leave everything as it is. */
  async reloadSessionKeys(): Promise<void> {
    await this.#sessionKeys?.reload();
  }

  /**
   * Reads the configuration again, or does so as soon as one is served. Never rejects: what cannot be served leaves
   * everything as it is.
   */
  reload(): Promise<void> {
    return this.#reloads.ask();
  }

  /** The file of the access log has been renamed. */
  reopenAccessLog(): Promise<void> {
    return this.#workers.reopenAccessLog();
  }

  /** Starts a process that takes over every socket, while this one goes on. */
  async startSuccessor(command: ProgramCommand): Promise<Successor> {
    // A reload under way may be about to open or close some.
    await this.#reloads.rest;
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
    this.#source.resign();
    if (delayMs > 0) await delay(delayMs);
    // One that began before may be about to open sockets.
    await this.#reloads.rest;
    const drained = this.#workers.drain(this.#options.drainTimeoutMs);
    // Held open here, the sockets would go on taking connections that nobody accepts.
    this.#sockets.closeAll();
    await drained;
    await this.#followNothing();
    this.#admin?.close();
  }

  /** Ends the workers at once. */
  kill(): void {
    void this.#followNothing();
    this.#workers.kill();
    this.#sockets.closeAll();
    this.#admin?.close();
  }

  async #followNothing(): Promise<void> {
    this.#ended = true;
    this.#reloads.stop();
    this.#ticketKeys.stop();
    this.#sessionKeys?.stop();
    this.#live.stop();
    await this.#source.stop();
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
      this.#admin = await AdminServer.listen(address, this.#pages, inherited, {
        onAcceptFailed: (err) => this.#logger.error({ err }, "accepting a client of the admin port failed"),
      });
    } catch (error) {
      if (!(error instanceof BindError)) throw error;
      throw new StartError([
        `admin port: ${error.message}; choose another with --admin HOST:PORT, or --admin off`,
      ]);
    }
  }

  async #reload(): Promise<void> {
    const outcome = await this.#load();
    if (this.#ended) return;
    if (outcome.kind === "refused") {
      this.#metrics.countReload("kept");
      this.#logger.error({ reasons: outcome.reasons }, "the last good configuration stays");
      return;
    }
    const { configuration } = outcome;
    if (outcome.kind === "changed") await this.#live.serve(configuration.snapshot);
    if (this.#ended) return;
    // Also where nothing changed: a port that was taken may be free now.
    if (!this.#draining) await this.#moveSockets(configuration);
    this.#store.accept(configuration, this.#sockets.unbound);
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
    this.#logUnbound([...failures, ...refused]);
  }

  /** Throws a StartError where somebody waits to hear of it. */
  #tellUnbound(failures: readonly BindFailure[]): void {
    if (failures.length > 0 && this.#source.isExacting) throw new StartError(failures.map(bindRefusalText));
    this.#logUnbound(failures);
  }

  #logUnbound(failures: readonly BindFailure[]): void {
    for (const failure of failures) {
      this.#logger.error(`${bindFailureText(failure)}; the other listeners are served`);
    }
  }

  /** A bound socket may still be refused: only listening tells that a wildcard address has the port already. */
  async #listen(opened: ReadonlyMap<string, readonly object[]>): Promise<BindFailure[]> {
    const refused = await this.#workers.listen(opened);
    return [...refused].map(([key, code]) => this.#sockets.refuse(key, code));
  }

  #addresses(): ServedAddress[] {
    const served = [...this.#sockets.open.values()].flatMap(({ socket, listeners }) =>
      listeners.map((name) => ({ name, address: socket.address })),
    );
    return this.#admin === undefined ? served : [...served, { name: "admin", address: this.#admin.address }];
  }
}
