// What the soak does to the gateway: a reload every second as endpoints come and go, and a worker killed now and then.
import type { Authority } from "../support/certificates.ts";
import type { Gateway } from "../support/gateway.ts";
import type { Ledger } from "./ledger.ts";
import { certificateYaml, SERVER_NAME, soakYaml } from "./manifests.ts";
import type { SoakReplica } from "./replicas.ts";

const RELOAD_INTERVAL_MS = 1_000;
const ROTATION_INTERVAL_MS = 3_500;

export interface UpheavalOptions {
  readonly gateway: Gateway;
  readonly ledger: Ledger;
  readonly port: number;
  readonly tlsPort: number;
  /** Issues a new certificate now and then. */
  readonly authority: Authority;
  readonly replicas: readonly SoakReplica[];
  readonly killIntervalMs: number;
  /** The worker that lives through it all, so that its growth can be told. */
  readonly spared: number;
}

export class Upheaval {
  reloads = 0;
  rotations = 0;
  readonly #options: UpheavalOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  /** When a replica was taken out and, once it is back, when it came back. */
  readonly #absences: { readonly replica: string; readonly fromMs: number; toMs: number }[] = [];
  #out: SoakReplica | undefined;
  #next = 0;

  constructor(options: UpheavalOptions) {
    this.#options = options;
  }

  start(): void {
    const repeat = (work: () => Promise<void>, intervalMs: number) => {
      const safely = () =>
        void work().catch((error: Error) => this.#options.ledger.fail("upheaval", error.message));
      this.#timers.push(setInterval(safely, intervalMs));
    };
    repeat(() => this.#flap(), RELOAD_INTERVAL_MS);
    repeat(() => this.#rotate(), ROTATION_INTERVAL_MS);
    repeat(() => this.#kill(), this.#options.killIntervalMs);
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  wasOut(replica: string, sinceMs: number): boolean {
    return this.#absences.some((absence) => absence.replica === replica && absence.toMs >= sinceMs);
  }

  /** One goes out of the files; a second later its socket closes, and it comes back. Then the next one. */
  async #flap(): Promise<void> {
    const { replicas } = this.#options;
    if (this.#out === undefined) {
      this.#out = replicas[this.#next % replicas.length] as SoakReplica;
      this.#next += 1;
      this.#absences.push({ replica: this.#out.name, fromMs: Date.now(), toMs: Number.POSITIVE_INFINITY });
    } else {
      this.#out.close();
      await this.#out.open();
      const absence = this.#absences.at(-1);
      if (absence !== undefined) absence.toMs = Date.now();
      this.#out = undefined;
    }
    this.#write();
  }

  #write(): void {
    const { gateway, port, tlsPort, replicas } = this.#options;
    const endpoints = replicas.filter((replica) => replica !== this.#out).map((replica) => replica.port);
    this.reloads += 1;
    gateway.write("soak.yaml", soakYaml({ port, tlsPort, endpoints, revision: this.reloads }));
  }

  async #rotate(): Promise<void> {
    const { gateway, authority } = this.#options;
    this.rotations += 1;
    gateway.write("certificate.yaml", certificateYaml(authority.issue({ names: [SERVER_NAME] })));
  }

  async #kill(): Promise<void> {
    const { gateway, ledger, spared } = this.#options;
    const victim = (await workersOf(gateway)).find((pid) => pid !== spared);
    if (victim === undefined) throw new Error("the worker that was killed last has not been replaced");
    ledger.workerKilled();
    process.kill(victim, "SIGKILL");
  }
}

/** Process ids. */
export async function workersOf(gateway: Gateway): Promise<readonly number[]> {
  const response = await fetch(`${gateway.adminUrl}/snapshot`);
  return ((await response.json()) as { workers: number[] }).workers;
}
