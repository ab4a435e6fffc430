// Replicas share one Lease over a double of the API server, in a time of their own: clocks that differ, processes that stop
// for a while, requests and answers that are late or lost. Never do two of them lead.
import fc from "fast-check";
import { pino } from "pino";
import { describe, expect, test, vi } from "vitest";
import { ClusterDouble } from "../../../test/support/cluster-double.ts";
import {
  ApiError,
  type KubernetesClient,
  type KubernetesObject,
  type RequestOptions,
} from "../api/client.ts";
import type { Clock } from "../clock.ts";
import { LeaderElection } from "./leader-election.ts";
import { LEASE } from "./lease.ts";

const PATH = "/apis/coordination.k8s.io/v1/namespaces/limpet/leases/limpet-leader";

/** What happens to one request. */
interface Fate {
  readonly outMs: number;
  readonly backMs: number;
  readonly lost: "nothing" | "request" | "answer";
}

const GOOD: Fate = { outMs: 3, backMs: 3, lost: "nothing" };

/** Events in the order of a time that all replicas live in and none of them can read. */
class World {
  readonly cluster = new ClusterDouble([LEASE]);
  timeMs = 0;
  #events: { atMs: number; order: number; run: () => void }[] = [];
  #order = 0;

  at(atMs: number, run: () => void): void {
    this.#events.push({ atMs, order: this.#order++, run });
  }

  async runUntil(endMs: number, check: () => void): Promise<void> {
    for (;;) {
      this.#events.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const next = this.#events[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#events.shift();
      this.timeMs = Math.max(this.timeMs, next.atMs);
      next.run();
      await new Promise(setImmediate);
      check();
    }
    this.timeMs = endMs;
  }
}

class Replica {
  readonly election: LeaderElection;
  readonly heard: string[] = [];
  readonly #world: World;
  readonly #fates: Iterator<Fate>;
  #pausedUntilMs = 0;
  reachesServer = true;

  constructor(
    world: World,
    identity: string,
    {
      offsetMs = 0,
      pace = 1,
      fates = [GOOD] as readonly Fate[],
    }: { offsetMs?: number; pace?: number; fates?: readonly Fate[] } = {},
  ) {
    this.#world = world;
    this.#fates = repeat(fates);
    const clock: Clock = {
      nowMs: () => 1_800_000_000_000 + offsetMs + world.timeMs * pace,
      monotonicMs: () => 7_000_000 + offsetMs + world.timeMs * pace,
      after: (delayMs, callback) => {
        let isCancelled = false;
        this.#at(world.timeMs + Math.max(0, delayMs) / pace, () => {
          if (!isCancelled) callback();
        });
        return () => {
          isCancelled = true;
        };
      },
    };
    this.election = new LeaderElection({
      client: this.#client(clock),
      namespace: "limpet",
      name: "limpet-leader",
      identity,
      clock,
      random: () => (identity.charCodeAt(identity.length - 1) % 10) / 10,
      logger: pino({ level: "silent" }),
      onStartedLeading: () => this.heard.push("started"),
      onStoppedLeading: () => this.heard.push("stopped"),
    });
  }

  /** The process stands still: neither timers nor answers reach it. */
  pause(forMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#world.timeMs + forMs);
  }

  #at(atMs: number, run: () => void): void {
    this.#world.at(atMs, () => {
      if (this.#world.timeMs < this.#pausedUntilMs) this.#at(this.#pausedUntilMs, run);
      else run();
    });
  }

  #client(clock: Clock): KubernetesClient {
    return {
      request: <T>(
        method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
        path: string,
        options: RequestOptions = {},
      ) =>
        new Promise<T>((resolve, reject) => {
          const { outMs, backMs, lost } = this.#fates.next().value as Fate;
          const { timeoutMs = 5000, signal, ...rest } = options;
          const { timeMs } = this.#world;
          clock.after(timeoutMs, () => reject(new ApiError("no answer", { status: 0 })));
          signal?.addEventListener("abort", () => reject(new ApiError("given up", { status: 0 })));
          if (lost === "request" || !this.reachesServer) return;
          this.#world.at(timeMs + outMs, () => {
            const answer = (deliver: () => void) => {
              if (lost !== "answer") this.#at(this.#world.timeMs + backMs, deliver);
            };
            this.#world.cluster.request<T>(method, path, rest).then(
              (object) => answer(() => resolve(object)),
              (error: unknown) => answer(() => reject(error)),
            );
          });
        }),
      watch: () => Promise.reject(new Error("an election watches nothing")),
    };
  }
}

function* repeat(fates: readonly Fate[]): Generator<Fate> {
  for (;;) yield* fates.length === 0 ? [GOOD] : fates;
}

function leaders(replicas: readonly Replica[]): Replica[] {
  return replicas.filter(({ election }) => election.isLeader());
}

async function electedOf(world: World, replicas: readonly Replica[], forMs: number): Promise<Replica> {
  await world.runUntil(world.timeMs + forMs, () => expect(leaders(replicas).length).toBeLessThan(2));
  const [leader] = leaders(replicas);
  if (leader === undefined) throw new Error("nobody leads");
  return leader;
}

function threeReplicas(world: World): Replica[] {
  const replicas = [
    new Replica(world, "limpet-1"),
    new Replica(world, "limpet-2", { offsetMs: 86_400_000 }),
    new Replica(world, "limpet-3", { offsetMs: -3_600_000 }),
  ];
  for (const { election } of replicas) election.start();
  return replicas;
}

function spec(world: World): Readonly<Record<string, unknown>> {
  return world.cluster.at(PATH)?.["spec"] as Readonly<Record<string, unknown>>;
}

describe("a Lease", () => {
  test("is made by the first that comes, and renewed for as long as that one lives", async () => {
    const world = new World();
    const replicas = threeReplicas(world);
    const leader = await electedOf(world, replicas, 1000);
    expect(await electedOf(world, replicas, 600_000)).toBe(leader);
    expect(leader.heard).toEqual(["started"]);
    expect(spec(world)).toMatchObject({ leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(spec(world)["renewTime"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test("is given back at a stop, so that another leads within a few seconds", async () => {
    const world = new World();
    const replicas = threeReplicas(world);
    const first = await electedOf(world, replicas, 10_000);
    void first.election.stop();
    expect(first.heard).toEqual(["started", "stopped"]);
    const second = await electedOf(world, replicas, 4500);
    expect(second).not.toBe(first);
    expect(spec(world)).toMatchObject({ leaseDurationSeconds: 15, leaseTransitions: 1 });
    expect(second.election.samples()).toEqual([
      { name: "limpet_kubernetes_leader", labels: {}, value: 1 },
      { name: "limpet_kubernetes_leader_transitions_total", labels: {}, value: 1 },
    ]);
  });

  test("is taken over 15 s after the last renewal of one that died", async () => {
    const world = new World();
    const replicas = threeReplicas(world);
    const first = await electedOf(world, replicas, 10_000);
    first.pause(10_000_000);
    await world.runUntil(world.timeMs + 12_900, () =>
      expect(leaders(replicas).filter((one) => one !== first)).toEqual([]),
    );
    expect(await electedOf(world, replicas, 7000)).not.toBe(first);
  });

  test("that somebody else holds in a clock of the future is no reason to wait longer", async () => {
    const world = new World();
    world.cluster.put({
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { namespace: "limpet", name: "limpet-leader", labels: { team: "edge" } },
      spec: {
        holderIdentity: "gone",
        leaseDurationSeconds: 15,
        renewTime: "2199-01-01T00:00:00.000000Z",
        leaseTransitions: 7,
      },
    });
    const replicas = threeReplicas(world);
    await world.runUntil(15_000, () => expect(leaders(replicas)).toEqual([]));
    await electedOf(world, replicas, 5000);
    expect(spec(world)["leaseTransitions"]).toBe(8);
    expect(world.cluster.at(PATH)?.metadata.labels).toEqual({ team: "edge" });
  });

  test("that cannot be renewed makes its holder stop before another can start", async () => {
    const world = new World();
    const replicas = threeReplicas(world);
    const first = await electedOf(world, replicas, 10_000);
    first.reachesServer = false;
    await world.runUntil(world.timeMs + 10_100, () =>
      expect(leaders(replicas).filter((one) => one !== first)).toEqual([]),
    );
    expect(first.heard).toEqual(["started", "stopped"]);
    const second = await electedOf(world, replicas, 10_000);
    first.reachesServer = true;
    expect(await electedOf(world, replicas, 60_000)).toBe(second);
  });

  test("that was deleted is made anew by its holder, or by another when that one has died", async () => {
    const world = new World();
    const replicas = threeReplicas(world);
    const first = await electedOf(world, replicas, 10_000);
    const lease = () => world.cluster.at(PATH);
    world.cluster.delete(lease() as KubernetesObject);
    expect(await electedOf(world, replicas, 30_000)).toBe(first);
    first.pause(10_000_000);
    world.cluster.delete(lease() as KubernetesObject);
    await world.runUntil(world.timeMs + 12_000, () => undefined);
    expect(lease()).toBeUndefined();
    expect(await electedOf(world, replicas, 8000)).not.toBe(first);
  });

  test("that was deleted before others saw it is made by none of them while its holder may lead", async () => {
    const world = new World();
    const replicas = threeReplicas(world);
    const first = await electedOf(world, replicas, 100);
    world.cluster.delete(world.cluster.at(PATH) as KubernetesObject);
    // It learns of that last.
    first.pause(6000);
    expect(await electedOf(world, replicas, 30_000)).toBe(first);
  });

  test("that is not there in the answer is nobody's, whatever status that has", async () => {
    const world = new World();
    const replica = new Replica(world, "limpet-1");
    const answers = vi.spyOn(world.cluster, "request").mockResolvedValue({ metadata: {} });
    replica.election.start();
    await world.runUntil(60_000, () => expect(leaders([replica])).toEqual([]));
    expect(answers.mock.calls.length).toBeGreaterThan(10);
    answers.mockRestore();
    expect(await electedOf(world, [replica], 60_000)).toBe(replica);
  });

  test("whose renewal was answered late holds from when it was asked for", async () => {
    const world = new World();
    const lost = new Array<Fate>(10).fill({ ...GOOD, lost: "request" });
    const replica = new Replica(world, "limpet-1", {
      fates: [GOOD, GOOD, { ...GOOD, backMs: 4000 }, ...lost],
    });
    replica.election.start();
    await world.runUntil(11_900, () => undefined);
    expect(replica.election.isLeader()).toBe(true);
    await world.runUntil(12_100, () => undefined);
    expect(replica.heard).toEqual(["started", "stopped"]);
  });

  test("goes on under the same holder when the API server was away for less than the deadline", async () => {
    const world = new World();
    const replicas = threeReplicas(world);
    const first = await electedOf(world, replicas, 10_000);
    for (const replica of replicas) replica.reachesServer = false;
    await world.runUntil(world.timeMs + 5000, () => undefined);
    for (const replica of replicas) replica.reachesServer = true;
    expect(await electedOf(world, replicas, 60_000)).toBe(first);
    expect(first.heard).toEqual(["started"]);
  });
});

test("a deadline that others' patience does not outlast is refused", () => {
  const world = new World();
  const clock = { nowMs: () => 0, monotonicMs: () => 0, after: () => () => undefined };
  const options = {
    namespace: "limpet",
    name: "limpet-leader",
    identity: "a",
    client: world.cluster,
    clock,
    random: () => 0,
  };
  const callbacks = { onStartedLeading: () => undefined, onStoppedLeading: () => undefined };
  const logger = pino({ level: "silent" });
  expect(
    () => new LeaderElection({ ...options, ...callbacks, logger, leaseMs: 5000, renewDeadlineMs: 5000 }),
  ).toThrow(RangeError);
});

test("never do two replicas lead, whatever becomes of their requests, and one does once all is well", async () => {
  const fate = fc.record({
    outMs: fc.oneof({ weight: 4, arbitrary: fc.constant(3) }, fc.integer({ min: 0, max: 12_000 })),
    backMs: fc.oneof({ weight: 4, arbitrary: fc.constant(3) }, fc.integer({ min: 0, max: 12_000 })),
    lost: fc.oneof(
      { weight: 6, arbitrary: fc.constant("nothing" as const) },
      fc.constantFrom("request" as const, "answer" as const),
    ),
  });
  const replica = fc.record({
    offsetMs: fc.integer({ min: -86_400_000, max: 86_400_000 }),
    pace: fc.double({ min: 0.9, max: 1.1, noNaN: true }),
    fates: fc.array(fate, { maxLength: 12 }),
    pauses: fc.array(
      fc.record({ atMs: fc.integer({ min: 0, max: 120_000 }), forMs: fc.integer({ min: 0, max: 40_000 }) }),
      { maxLength: 3 },
    ),
  });
  let changes = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(replica, { minLength: 2, maxLength: 4 }), async (plans) => {
      const world = new World();
      const replicas = plans.map((plan, index) => {
        // A finite trouble: what comes after it goes well.
        const made = new Replica(world, `limpet-${index}`, {
          ...plan,
          fates: [...plan.fates, ...new Array(10_000).fill(GOOD)],
        });
        for (const { atMs, forMs } of plan.pauses) world.at(atMs, () => made.pause(forMs));
        made.election.start();
        return made;
      });
      await world.runUntil(160_000, () => expect(leaders(replicas).length).toBeLessThan(2));
      const leader = await electedOf(world, replicas, 60_000);
      for (const one of replicas) {
        // What was told alternates, and agrees with what is so.
        expect(one.heard).toEqual(one.heard.map((_, index) => (index % 2 === 0 ? "started" : "stopped")));
        expect(one.heard.at(-1) === "started").toBe(one === leader);
        changes += one.heard.length;
      }
    }),
    { numRuns: 60 },
  );
  expect(changes).toBeGreaterThan(60);
});
