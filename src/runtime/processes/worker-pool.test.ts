// How the pool treats workers that are slow, that fail, and that die: with stand-ins that do as the test says.
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { DEFAULT_DATAPLANE_OPTIONS } from "../../dataplane/options.ts";
import { EMPTY_SNAPSHOT, type Listener, type Snapshot } from "../../model/index.ts";
import { createLogger, type MetricSample } from "../../telemetry/index.ts";
import type { WorkerCommand, WorkerNotice } from "./messages.ts";
import type { PoolWorker } from "./pool-worker.ts";
import { WorkerPool } from "./worker-pool.ts";
import { type WorkerExit, WorkerGone, WorkerRefusal } from "./worker-process.ts";

type Answer = (command: WorkerCommand) => Promise<readonly MetricSample[]>;

class StandIn implements PoolWorker {
  readonly worker: number;
  readonly pid = 1;
  readonly startedMs = performance.now();
  readonly commands: WorkerCommand[] = [];
  readonly exited: Promise<WorkerExit>;
  version = 0;
  answer: Answer;
  #exit: (exit: WorkerExit) => void = () => {};

  constructor(worker: number, answer: Answer) {
    this.worker = worker;
    this.answer = answer;
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
  }

  request(command: WorkerCommand): Promise<readonly MetricSample[]> {
    this.commands.push(command);
    return this.answer(command);
  }

  kill(): void {
    this.#exit({ code: null, signal: "SIGKILL" });
  }

  kinds(): string[] {
    return this.commands.map((command) => command.kind);
  }
}

const DONE: Answer = async () => [];

function failing(kind: WorkerCommand["kind"], error: Error): Answer {
  return async (command) => {
    if (command.kind === kind) throw error;
    return [];
  };
}

interface PoolTestOptions {
  readonly answerTimeoutMs?: number;
  readonly firstBackoffMs?: number;
  readonly answers?: Answer[];
  /** Throws where the system cannot make a process. */
  readonly onSpawn?: () => void;
}

function poolOf(count: number, options: PoolTestOptions = {}) {
  const workers: StandIn[] = [];
  const log: string[] = [];
  const next: ((worker: StandIn) => void)[] = [];
  const notices: [number, WorkerNotice][] = [];
  const tell = new Map<number, (notice: WorkerNotice) => void>();
  const pool = new WorkerPool({
    count,
    firstBackoffMs: options.firstBackoffMs ?? 1,
    answerTimeoutMs: options.answerTimeoutMs ?? 1000,
    logger: createLogger({ level: "info", human: false, write: (line) => log.push(JSON.parse(line).msg) }),
    settings: {
      dataplane: DEFAULT_DATAPLANE_OPTIONS,
      accessLog: { kind: "off" },
      accessLogFormat: "json",
      tracing: "off",
      logLevel: "info",
      humanLog: false,
      drainTimeoutMs: 0,
      ticketKeys: "first",
    },
    onNotice: (worker, notice) => notices.push([worker, notice]),
    spawn: (number, onNotice) => {
      options.onSpawn?.();
      tell.set(number, onNotice);
      const worker = new StandIn(number, options.answers?.shift() ?? DONE);
      workers.push(worker);
      for (const resolve of next.splice(0)) resolve(worker);
      return worker;
    },
  });
  const spawned = () => new Promise<StandIn>((resolve) => next.push(resolve));
  return { pool, workers, log, spawned, notices, tell };
}

function snapshot(version: number): Snapshot {
  const gateway = { group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "default", name: "edge" };
  const listener: Listener = { id: "l", gateway, name: "l", addresses: [], port: version, protocol: "HTTP" };
  return { ...EMPTY_SNAPSHOT, version, listeners: [listener] };
}

test("all workers prepare before any commits", async () => {
  const order: string[] = [];
  const answers = [1, 2].map((number): Answer => {
    return async (command) => {
      order.push(`${command.kind} ${number}`);
      return [];
    };
  });
  const { pool } = poolOf(2, { answers });
  await pool.start();
  await pool.publish(snapshot(1));
  const commits = order.filter((entry) => entry.startsWith("commit"));
  expect(commits).toHaveLength(2);
  expect(order.slice(-2)).toEqual(commits);
});

test("a snapshot that a worker cannot compile is committed nowhere, and the next one starts from what is served", async () => {
  const { pool, workers } = poolOf(2);
  await pool.start();
  await pool.publish(snapshot(1));
  (workers[1] as StandIn).answer = failing("prepare", new WorkerRefusal("defect", undefined));
  await expect(pool.publish(snapshot(2))).rejects.toThrow("defect");
  expect(workers[0]?.version).toBe(1);
  (workers[1] as StandIn).answer = DONE;
  await pool.publish(snapshot(3));
  expect(workers[0]?.commands.at(-2)).toEqual({ kind: "prepare", base: 1, version: 3 });
});

test("a slow worker is named, and the others swap without it", async () => {
  const { pool, workers, log } = poolOf(2, { answerTimeoutMs: 10 });
  await pool.start();
  let finish = () => {};
  (workers[1] as StandIn).answer = (command) =>
    new Promise((resolve) => {
      if (command.kind === "prepare" || command.kind === "commit") finish = () => resolve([]);
      else resolve([]);
    });
  await pool.publish(snapshot(1));
  expect(log).toContain("worker is slow to compile");
  expect([workers[0]?.version, workers[1]?.version]).toEqual([1, 0]);
  finish();
  await expect.poll(() => workers[1]?.version).toBe(1);
});

test("a worker that answers nobody keeps the others from nothing: neither sockets nor keys nor snapshots", async () => {
  const { pool, workers, log } = poolOf(2, { answerTimeoutMs: 10 });
  await pool.start();
  (workers[1] as StandIn).answer = () => new Promise(() => {});
  const sockets = new Map(["80", "81"].map((key) => [key, [{}, {}]]));
  expect(await pool.listen(sockets)).toEqual(new Map());
  await pool.setSessionKeys(["new"]);
  await pool.unlisten(["80"]);
  await pool.publish(snapshot(1));
  expect(workers[0]?.kinds()).toEqual([
    "start",
    "listen",
    "listen",
    "session-keys",
    "unlisten",
    "delta-part",
    "prepare",
    "commit",
  ]);
  expect(log).toContain("worker is slow to answer");
});

test("a worker that dies is replaced by one that gets the snapshot and the sockets, and no other", async () => {
  const { pool, workers, log, spawned } = poolOf(1);
  await pool.start();
  await pool.publish(snapshot(1));
  await pool.listen(new Map([["80", [{}]]]));
  const replaced = spawned();
  workers[0]?.kill();
  const next = await replaced;
  await expect.poll(() => log).toContain("worker serves again");
  expect(next.worker).toBe(1);
  expect(next.kinds()).toEqual(["start", "delta-part", "prepare", "commit", "listen"]);
  await pool.publish(snapshot(2));
  expect(workers[0]?.kinds().filter((kind) => kind === "commit")).toHaveLength(1);
});

test("one that dies while it comes up is tried again", async () => {
  const { pool, workers, log } = poolOf(1, { answers: [DONE, failing("start", new WorkerGone(1)), DONE] });
  await pool.start();
  workers[0]?.kill();
  await expect.poll(() => workers.length).toBe(2);
  workers[1]?.kill();
  await expect.poll(() => log).toContain("worker serves again");
  expect(workers).toHaveLength(3);
  const samples = await pool.samples();
  expect(samples.find(({ name }) => name === "limpet_worker_restarts_total")?.value).toBe(2);
});

test("where the system cannot make a process, it is asked again until it can", async () => {
  let failures = 0;
  const onSpawn = () => {
    if (workers.length === 1 && failures++ < 3) throw new Error("spawn ENOMEM");
  };
  const { pool, workers, log } = poolOf(1, { onSpawn });
  await pool.start();
  await pool.publish(snapshot(1));
  workers[0]?.kill();
  await expect.poll(() => log).toContain("worker serves again");
  expect(log.filter((message) => message === "worker could not be started")).toHaveLength(3);
  expect(workers[1]?.version).toBe(1);
  expect(pool.serving).toBe(1);
});

test("a pool that stops waits for no replacement, and leaves no timer", async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  const { pool, workers, log } = poolOf(1, { firstBackoffMs: 5_000 });
  await pool.start();
  const before = timers();
  workers[0]?.kill();
  await setImmediate();
  expect(log).toEqual(["worker died: it is replaced"]);
  expect(timers()).toBe(before + 1);
  await pool.drain(1_000);
  await setImmediate();
  expect([timers(), workers.length]).toEqual([before, 1]);
});

test("one that dies while it swaps on its way up never counts as serving", async () => {
  const { pool, workers, log, spawned } = poolOf(1);
  await pool.start();
  await pool.publish(snapshot(1));
  const replaced = spawned();
  workers[0]?.kill();
  const next = await replaced;
  next.answer = async (command) => {
    if (command.kind !== "commit") return [];
    next.kill();
    throw new WorkerGone(1);
  };
  await expect.poll(() => log).toContain("worker serves again");
  expect(workers).toHaveLength(3);
  expect(pool.serving).toBe(1);
});

test("a pool whose first worker cannot start says so", async () => {
  const { pool } = poolOf(1, { answers: [failing("start", new WorkerRefusal("no access log", "ENOENT"))] });
  await expect(pool.start()).rejects.toThrow("no access log");
});

test("notices come with the number of their worker", async () => {
  const { pool, notices, tell } = poolOf(2);
  await pool.start();
  const notice: WorkerNotice = { notice: "observations", observations: [] };
  tell.get(2)?.(notice);
  expect(notices).toEqual([[2, notice]]);
});

test("new ticket keys reach the workers that there are and the ones that come", async () => {
  const { pool, workers, spawned } = poolOf(1);
  await pool.start();
  await pool.setTicketKeys("second");
  expect(workers[0]?.commands.at(-1)).toEqual({ kind: "ticket-keys", ticketKeys: "second" });
  const replaced = spawned();
  workers[0]?.kill();
  const next = await replaced;
  expect(next.commands[0]).toMatchObject({ kind: "start", settings: { ticketKeys: "second" } });
});

test("new session keys reach the workers that there are and the ones that come", async () => {
  const { pool, workers, spawned } = poolOf(1);
  await pool.setSessionKeys(["first"]);
  await pool.start();
  expect(workers[0]?.commands[0]).toMatchObject({ kind: "start", settings: { sessionKeys: ["first"] } });
  await pool.setSessionKeys(["second", "first"]);
  expect(workers[0]?.commands.at(-1)).toEqual({ kind: "session-keys", sessionKeys: ["second", "first"] });
  const replaced = spawned();
  workers[0]?.kill();
  const next = await replaced;
  expect(next.commands[0]).toMatchObject({ settings: { sessionKeys: ["second", "first"] } });
});

test("keys that change while a worker starts reach it before it serves", async () => {
  let started = () => {};
  const slow: Answer = async (command) => {
    if (command.kind !== "start") return [];
    await new Promise<void>((resolve) => {
      started = resolve;
    });
    return [];
  };
  const { pool, workers } = poolOf(1, { answers: [slow] });
  const starting = pool.start();
  await expect.poll(() => workers[0]?.kinds()).toEqual(["start"]);
  await pool.setTicketKeys("second");
  await pool.setSessionKeys(["new"]);
  started();
  await starting;
  expect(workers[0]?.kinds()).toEqual(["start", "ticket-keys", "session-keys"]);
});

test("a socket that a worker cannot listen on is given back by all of them", async () => {
  const refusing: Answer = async (command) => {
    if (command.kind === "listen" && command.bindKey === "81") throw new WorkerRefusal("taken", "EADDRINUSE");
    return [];
  };
  const { pool, workers } = poolOf(2, { answers: [DONE, refusing] });
  await pool.start();
  const refused = await pool.listen(
    new Map([
      ["80", [{}]],
      ["81", [{}]],
    ]),
  );
  expect([...refused]).toEqual([["81", "EADDRINUSE"]]);
  expect(workers.map((worker) => worker.commands.at(-1))).toEqual([
    { kind: "unlisten", bindKey: "81" },
    { kind: "unlisten", bindKey: "81" },
  ]);
});

test("a neighbour accepts for a worker that died, until its replacement does", async () => {
  const { pool, workers, log, spawned } = poolOf(2);
  await pool.start();
  await pool.publish(snapshot(1));
  await pool.listen(new Map([["80", [{}, {}]]]));
  expect(workers.map((worker) => worker.commands.at(-1))).toEqual([
    { kind: "listen", bindKey: "80", number: 0 },
    { kind: "listen", bindKey: "80", number: 1 },
  ]);
  const replaced = spawned();
  workers[1]?.kill();
  const next = await replaced;
  await expect.poll(() => log).toContain("worker serves again");
  expect(workers[0]?.commands.slice(-2)).toEqual([
    { kind: "listen", bindKey: "80", number: 1 },
    { kind: "release", bindKey: "80", number: 1 },
  ]);
  expect(next.commands.at(-1)).toEqual({ kind: "listen", bindKey: "80", number: 1 });
});

test("draining ends when the workers have ended, and replaces none of them", async () => {
  const { pool, workers } = poolOf(1);
  await pool.start();
  (workers[0] as StandIn).answer = async (command) => {
    if (command.kind === "drain") workers[0]?.kill();
    return [];
  };
  await pool.drain(1000);
  expect(workers).toHaveLength(1);
});
