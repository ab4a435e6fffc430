// A rollout from begin to end: sessions go on while endpoints are replaced, gateways restart and keys rotate, and all that
// happens to a session is judged.
import { freePorts } from "../support/free-port.ts";
import { Balancer } from "./balancer.ts";
import { Clients } from "./clients.ts";
import { Fleet } from "./fleet.ts";
import type { EndpointState, RolloutEndpoint } from "./manifests.ts";
import { RolloutReplica } from "./replica.ts";
import { type Session, SessionLedger } from "./session-ledger.ts";

export interface RolloutOptions {
  readonly gateways: number;
  readonly replicas: number;
  /** How many endpoints are replaced, one after the other. */
  readonly replacements: number;
  /** How often each gateway stops and starts again. */
  readonly restarts: number;
  /** There before the rollout begins. */
  readonly sessions: number;
  /** Begin as a new endpoint comes, and as many again once the old one drains. */
  readonly newcomers: number;
  /** What becomes of sessions whose endpoint is gone; with a status they are rejected with it. */
  readonly onLost: "reassign" | number;
  readonly say: (line: string) => void;
}

export interface RolloutReport {
  /** What must never happen, each with where and when. */
  readonly failures: readonly string[];
  /** By the clients' own book. */
  readonly counts: {
    readonly requests: number;
    readonly sessions: number;
    readonly kept: number;
    readonly keptWhileDraining: number;
    readonly moved: number;
    readonly rejected: number;
    /** Idle connections that were closed as their next request came; the request was sent again, once. */
    readonly retries: number;
    readonly endpointsReplaced: number;
    readonly gatewayRestarts: number;
    readonly rounds: number;
    readonly seconds: number;
  };
  /** Lines of all access logs, by outcome, status and error. */
  readonly logged: Readonly<Record<string, number>>;
}

const BUSY_CLIENTS = 24;
const IDLING_CLIENTS = 60;
/** Of the replacements: how an endpoint is said to drain, in turns. */
const WAYS_TO_DRAIN: readonly EndpointState[] = ["terminating", "annotated"];

export async function rollOut(options: RolloutOptions): Promise<RolloutReport> {
  const startMs = performance.now();
  const clock = () => performance.now() - startMs;
  const ledger = new SessionLedger(options.onLost === "reassign" ? undefined : options.onLost, clock);
  // One more than there are endpoints: the next one needs a port while the last one still has its own.
  const ports = await freePorts(options.replicas + 1);
  const world = new World(options, ledger, ports);
  try {
    await world.open();
    await world.run();
  } catch (error) {
    ledger.fail((error as Error).stack ?? String(error));
  }
  return world.close(clock);
}

class World {
  readonly #options: RolloutOptions;
  readonly #ledger: SessionLedger;
  readonly #freePorts: number[];
  /** In the order in which they came. */
  readonly #replicas: RolloutReplica[] = [];
  #fleet: Fleet | undefined;
  #balancer: Balancer | undefined;
  #clients: Clients | undefined;
  #lastReplica = 0;
  #replaced = 0;
  #restarts = 0;

  constructor(options: RolloutOptions, ledger: SessionLedger, ports: readonly number[]) {
    this.#options = options;
    this.#ledger = ledger;
    this.#freePorts = [...ports];
  }

  async open(): Promise<void> {
    const { gateways, replicas, onLost, say } = this.#options;
    for (let count = 0; count < replicas; count++) await this.#addReplica();
    const fleet = await Fleet.start({ count: gateways, onLost, endpoints: this.#endpoints() });
    this.#fleet = fleet;
    for (const replica of this.#replicas) this.#ledger.enter(replica.name, "stays");
    this.#balancer = new Balancer(fleet.gateways);
    const port = await this.#balancer.start();
    this.#clients = new Clients({ port, ledger: this.#ledger, busy: BUSY_CLIENTS, idling: IDLING_CLIENTS });
    say(`${gateways} gateways and ${replicas} endpoints behind port ${port}`);
  }

  async run(): Promise<void> {
    const { sessions, say } = this.#options;
    const clients = this.#clients as Clients;
    const fleet = this.#fleet as Fleet;
    await clients.begin(sessions);
    say(`${sessions} sessions have begun`);
    clients.start();
    await clients.rounds.complete();
    const [keyId] = await Promise.all([
      this.#rotate(fleet),
      this.#replaceAll(clients, fleet),
      this.#restartAll(fleet),
    ]);
    await clients.rounds.complete();
    await clients.stop();
    this.#ledger.judgeHomes(clients.rounds.sessions);
    this.#judgeTokens(clients.rounds.sessions, keyId);
  }

  /** Stops everything, and says what has come of it. */
  async close(clock: () => number): Promise<RolloutReport> {
    await this.#clients?.stop();
    this.#balancer?.stop();
    const fleet = this.#fleet;
    let logged: Record<string, number> = {};
    try {
      await fleet?.stop();
      logged = fleet?.counts() ?? {};
    } catch (error) {
      this.#ledger.fail((error as Error).message);
    }
    for (const { name, complaints } of fleet?.gateways ?? []) {
      for (const complaint of complaints) this.#ledger.fail(`${name} says: ${complaint}`);
    }
    fleet?.remove();
    await Promise.all(this.#replicas.map((replica) => replica.close()));
    const refused = this.#balancer?.refused ?? 0;
    if (refused > 0) this.#ledger.fail(`${refused} connections found no gateway`);
    const { failures, failed, requests, begun, kept, keptWhileDraining, moved, rejected } = this.#ledger;
    return {
      failures: failed > failures.length ? [...failures, `and ${failed - failures.length} more`] : failures,
      counts: {
        requests,
        sessions: begun,
        kept,
        keptWhileDraining,
        moved,
        rejected,
        retries: this.#clients?.retries ?? 0,
        endpointsReplaced: this.#replaced,
        gatewayRestarts: this.#restarts,
        rounds: this.#clients?.rounds.begun ?? 0,
        seconds: Math.round(clock() / 1000),
      },
      logged,
    };
  }

  /** One after the other: a new endpoint comes, the oldest drains, goes, and ends when nobody asks it any more. */
  async #replaceAll(clients: Clients, fleet: Fleet): Promise<void> {
    const { replacements, newcomers, say } = this.#options;
    for (let count = 0; count < replacements; count++) {
      const oldest = this.#replicas[0] as RolloutReplica;
      const state = WAYS_TO_DRAIN[count % WAYS_TO_DRAIN.length] as EndpointState;
      const newest = await this.#addReplica();
      // From its first session on, which may begin before the last gateway knows it.
      this.#ledger.enter(newest.name, "stays");
      const early = clients.begin(newcomers);
      await fleet.serve(this.#endpoints(oldest, state));
      this.#ledger.enter(oldest.name, "drains");
      await early;
      await clients.begin(newcomers);
      await clients.rounds.complete();
      say(
        `${oldest.name} drains (${state}), ${newest.name} is there, ${2 * newcomers} sessions have begun meanwhile`,
      );
      this.#ledger.enter(oldest.name, "leaves");
      this.#replicas.shift();
      await fleet.serve(this.#endpoints());
      await oldest.quiet();
      await oldest.close();
      this.#freePorts.push(oldest.port);
      this.#replaced += 1;
      say(`${oldest.name} is gone; ${this.#ledger.moved} sessions have moved so far`);
    }
  }

  async #restartAll(fleet: Fleet): Promise<void> {
    const { restarts, say } = this.#options;
    for (let count = 0; count < restarts; count++) {
      for (const gateway of fleet.gateways) {
        await gateway.stop();
        await gateway.start();
        this.#restarts += 1;
        say(`${gateway.name} has stopped and started again`);
      }
    }
  }

  /** Resolves with the id of the key that seals from then on. */
  async #rotate(fleet: Fleet): Promise<string> {
    const keyId = await fleet.rotateKeys();
    this.#options.say(`key ${keyId} seals`);
    return keyId;
  }

  /** Everybody has been asked since the new key seals, so everybody has a token of it. */
  #judgeTokens(sessions: readonly Session[], keyId: string): void {
    for (const { id, cookie = "" } of sessions) {
      const token = Buffer.from(cookie.slice(cookie.indexOf("=") + 1), "base64url");
      if (token.toString("hex", 1, 5) === keyId) continue;
      this.#ledger.fail(`session ${id} has no token of the new key, but ${cookie}`);
    }
  }

  async #addReplica(): Promise<RolloutReplica> {
    const replica = new RolloutReplica(`replica-${++this.#lastReplica}`, this.#freePorts.shift() as number);
    await replica.open();
    this.#replicas.push(replica);
    return replica;
  }

  /** As the manifests have them, one of them on its way out. */
  #endpoints(leaving?: RolloutReplica, state: EndpointState = "stays"): RolloutEndpoint[] {
    return this.#replicas.map((replica) => {
      const { name, uid, port } = replica;
      return { name, uid, port, state: replica === leaving ? state : "stays" };
    });
  }
}
