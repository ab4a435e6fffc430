// The gateways of a rollout: processes with one key file and a folder of manifests each, which stop and start again.
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePorts } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { type EndpointState, type RolloutEndpoint, rolloutYaml } from "./manifests.ts";

/** Longer than the balancer takes to see that one is not ready. */
const DRAIN_DELAY = "1s";
const PATIENCE_MS = 30_000;
const ASK_EVERY_MS = 25;
/** Files reach one gateway after the other, as they would reach machines. */
const MAX_STAGGER_MS = 150;

interface SnapshotPage {
  readonly snapshot: {
    readonly backends: readonly {
      readonly endpoints: readonly { readonly uid?: string; readonly health: string }[];
    }[];
  } | null;
}

export class FleetGateway {
  readonly name: string;
  readonly port: number;
  readonly adminPort: number;
  /** Codes and messages of what it logged at level warn and above. */
  readonly complaints: string[] = [];
  readonly #folder: string;
  readonly #keyFile: string;
  readonly #logs: string[] = [];
  #gateway: Gateway | undefined;

  constructor(name: string, [port, adminPort]: readonly [number, number], folder: string, keyFile: string) {
    this.name = name;
    this.port = port;
    this.adminPort = adminPort;
    this.#folder = join(folder, name);
    this.#keyFile = keyFile;
    mkdirSync(join(this.#folder, "manifests"), { recursive: true });
  }

  /** Resolves when it serves. */
  async start(): Promise<void> {
    const log = join(this.#folder, `access-${this.#logs.length + 1}.log`);
    this.#logs.push(log);
    this.#gateway = await startGateway({
      paths: [join(this.#folder, "manifests")],
      args: [
        ...["--session-keys", this.#keyFile, "--admin", `127.0.0.1:${this.adminPort}`],
        ...["--drain-delay", DRAIN_DELAY, "--log-level", "warn"],
        ...["--access-log", log, "--access-log-format", "%{affinity.outcome} %{status} %{error}"],
      ],
    });
  }

  /** As an orchestrator does it. Throws if it does not end as it should. */
  async stop(): Promise<void> {
    const gateway = this.#gateway;
    if (gateway === undefined) return;
    const { code, signal } = await gateway.stop();
    this.#gateway = undefined;
    this.complaints.push(...gateway.stderr.lines.filter((line) => !line.startsWith("limpet ready")));
    if (code !== 0) throw new Error(`${this.name} ended with ${code ?? signal}`);
  }

  /** The whole file at once. */
  write(text: string): void {
    const manifests = join(this.#folder, "manifests");
    writeFileSync(join(manifests, "rollout.new"), text);
    renameSync(join(manifests, "rollout.new"), join(manifests, "rollout.yaml"));
  }

  /** Resolves when all its workers serve this; while it stops and starts, that takes until it is back. */
  async serves(holds: (endpoints: ReadonlyMap<string, string>) => boolean, what: string): Promise<void> {
    await this.#waitFor("/snapshot", (text) => holds(healthByUid(JSON.parse(text) as SnapshotPage)), what);
  }

  /** Resolves when all its workers have this line in `/metrics`. */
  async measures(line: string): Promise<void> {
    await this.#waitFor("/metrics", (text) => text.includes(`\n${line}\n`), line);
  }

  /** Lines of its access logs, by what they say. Once it has stopped. */
  counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const log of this.#logs) {
      for (const line of readFileSync(log, "utf8").trimEnd().split("\n")) {
        counts.set(line, (counts.get(line) ?? 0) + 1);
      }
    }
    return counts;
  }

  async #waitFor(page: string, holds: (text: string) => boolean, what: string): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    let last = "";
    while (performance.now() < deadlineMs) {
      try {
        const response = await fetch(`http://127.0.0.1:${this.adminPort}${page}`);
        last = await response.text();
        if (holds(last)) return;
      } catch (error) {
        // Between two processes nobody is there.
        last = (error as Error).message;
      }
      await delay(ASK_EVERY_MS);
    }
    throw new Error(`${this.name} is not where it should be: ${what}; it says ${last.slice(0, 2_000)}`);
  }
}

/** UID of the Pod -> health, of all endpoints. */
function healthByUid({ snapshot }: SnapshotPage): ReadonlyMap<string, string> {
  const endpoints = snapshot?.backends.flatMap((backend) => backend.endpoints) ?? [];
  return new Map(endpoints.map(({ uid = "", health }) => [uid, health]));
}

export interface FleetOptions {
  readonly count: number;
  readonly onLost: "reassign" | number;
  readonly endpoints: readonly RolloutEndpoint[];
}

export class Fleet {
  readonly gateways: readonly FleetGateway[];
  readonly #folder: string;
  readonly #keyFile: string;
  readonly #onLost: "reassign" | number;
  #keys: readonly Buffer[];
  #endpoints: readonly RolloutEndpoint[];

  private constructor(folder: string, ports: readonly number[], { count, onLost, endpoints }: FleetOptions) {
    this.#folder = folder;
    this.#keyFile = join(folder, "keys");
    this.#onLost = onLost;
    this.#endpoints = endpoints;
    this.#keys = [randomBytes(32)];
    this.#writeKeys();
    this.gateways = Array.from({ length: count }, (_, index) => {
      const own = [ports[2 * index] as number, ports[2 * index + 1] as number] as const;
      return new FleetGateway(`gateway-${index + 1}`, own, folder, this.#keyFile);
    });
  }

  /** Resolves when all of them serve. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const folder = mkdtempSync(join(tmpdir(), "limpet-rollout-"));
    const fleet = new Fleet(folder, await freePorts(2 * options.count), options);
    for (const gateway of fleet.gateways) fleet.#write(gateway);
    try {
      await Promise.all(fleet.gateways.map((gateway) => gateway.start()));
    } catch (error) {
      await fleet.stop();
      throw error;
    }
    return fleet;
  }

  /** Has all of them serve these endpoints; resolves when they do. */
  async serve(endpoints: readonly RolloutEndpoint[]): Promise<void> {
    this.#endpoints = endpoints;
    await Promise.all(
      this.gateways.map(async (gateway) => {
        await delay(Math.random() * MAX_STAGGER_MS);
        this.#write(gateway);
        await gateway.serves((served) => matches(served, endpoints), JSON.stringify(endpoints));
      }),
    );
  }

  /** A new key comes last, so that all can open its tokens; then first, so that it seals. Resolves with its id. */
  async rotateKeys(): Promise<string> {
    const key = randomBytes(32);
    const id = keyId(key);
    this.#keys = [...this.#keys, key];
    this.#writeKeys();
    await this.#allMeasure(`limpet_session_keys{key="${id}",use="opens"} 1`);
    this.#keys = [key, ...this.#keys.filter((one) => one !== key)];
    this.#writeKeys();
    await this.#allMeasure(`limpet_session_keys{key="${id}",use="seals"} 1`);
    return id;
  }

  /** What all access logs say, by line; the gateways have stopped. */
  counts(): Record<string, number> {
    const all: Record<string, number> = {};
    for (const gateway of this.gateways) {
      for (const [line, count] of gateway.counts()) all[line] = (all[line] ?? 0) + count;
    }
    return all;
  }

  async stop(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.stop()));
  }

  /** After `stop`, and once nobody wants to know the counts any more. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #allMeasure(line: string): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.measures(line)));
  }

  #write(gateway: FleetGateway): void {
    const { name, port } = gateway;
    gateway.write(rolloutYaml({ gateway: name, port, endpoints: this.#endpoints, onLost: this.#onLost }));
  }

  #writeKeys(): void {
    const text = this.#keys.map((key) => `${key.toString("base64")}\n`).join("");
    writeFileSync(`${this.#keyFile}.new`, text, { mode: 0o600 });
    renameSync(`${this.#keyFile}.new`, this.#keyFile);
  }
}

const HEALTH: Readonly<Record<EndpointState, string>> = {
  stays: "healthy",
  terminating: "draining",
  annotated: "draining",
};

function matches(served: ReadonlyMap<string, string>, endpoints: readonly RolloutEndpoint[]): boolean {
  return (
    served.size === endpoints.length && endpoints.every(({ uid, state }) => served.get(uid) === HEALTH[state])
  );
}

/** As metrics and tokens name it. */
function keyId(key: Buffer): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 8);
}
