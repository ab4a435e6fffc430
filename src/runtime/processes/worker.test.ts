// A worker from the inside: the order of what it does, and what it answers.
import { expect, test } from "vitest";
import { DEFAULT_DATAPLANE_OPTIONS } from "../../dataplane/options.ts";
import { diffSnapshots, EMPTY_SNAPSHOT, type Snapshot } from "../../model/index.ts";
import { createLogger } from "../../telemetry/index.ts";
import { deltaParts } from "./delta-parts.ts";
import type { WorkerCommand, WorkerNotice, WorkerReply } from "./messages.ts";
import { Worker } from "./worker.ts";

function backendSnapshot(version: number, ...names: string[]): Snapshot {
  const backends = names.map((name) => ({
    id: name,
    object: { group: "", kind: "Service", namespace: "default", name },
    endpoints: [],
    loadBalancer: { kind: "random" } as const,
    panicThresholdPercent: 50,
  }));
  return { ...EMPTY_SNAPSHOT, version, backends };
}

function startWorker() {
  const done: string[] = [];
  const prepared: Snapshot[] = [];
  const gates: (() => void)[] = [];
  const exits: number[] = [];
  const notices: WorkerNotice[] = [];
  let waiting: { id: number; resolve: (reply: WorkerReply) => void }[] = [];
  let lastId = 0;
  const worker = new Worker(
    (_, notify) => ({
      engine: {
        listen: async (bindKey) => {
          done.push(`listen ${bindKey}`);
          return { address: "", port: 0 };
        },
        release: (bindKey, number) => void done.push(`release ${bindKey} ${number}`),
        unlisten: (bindKey) => void done.push(`unlisten ${bindKey}`),
        prepare: async (snapshot) => {
          prepared.push(snapshot);
          await new Promise<void>((resolve) => gates.push(resolve));
          done.push(`prepare ${snapshot.version}`);
        },
        commit: (version) => {
          done.push(`commit ${version}`);
          notify({ notice: "observations", observations: [] });
        },
        drain: async (timeoutMs) => {
          done.push(`drain ${timeoutMs}`);
          await Promise.resolve();
          done.push("drained");
        },
        stats: () => [{ name: "limpet_requests_in_flight", labels: {}, value: 7 }],
      },
      vitals: { samples: () => [{ name: "limpet_tunnels", labels: {}, value: 1 }] },
      logger: createLogger({ level: "error", human: false, write: () => {} }),
      setTicketKeys: (ticketKeys) => void done.push(`ticket keys ${ticketKeys}`),
      setSessionKeys: (keys) => void done.push(`session keys ${keys}`),
      reopenAccessLog: () => void done.push("reopen"),
      flush: async () => void done.push("flush"),
    }),
    {
      reply: (reply) => {
        waiting.find(({ id }) => id === reply.id)?.resolve(reply);
        waiting = waiting.filter(({ id }) => id !== reply.id);
      },
      notify: (notice) => notices.push(notice),
      exit: (code) => exits.push(code),
    },
  );
  const ask = (command: WorkerCommand) => {
    const id = ++lastId;
    const reply = new Promise<WorkerReply>((resolve) => waiting.push({ id, resolve }));
    worker.onRequest({ id, command }, {});
    return reply;
  };
  const start = () =>
    ask({
      kind: "start",
      settings: {
        worker: 1,
        dataplane: DEFAULT_DATAPLANE_OPTIONS,
        accessLog: { kind: "off" },
        accessLogFormat: "json",
        tracing: "off",
        logLevel: "error",
        humanLog: false,
        drainTimeoutMs: 5,
        ticketKeys: "",
      },
    });
  const publish = (before: Snapshot, after: Snapshot) => {
    for (const text of deltaParts(diffSnapshots(before, after), 10)) void ask({ kind: "delta-part", text });
    return ask({ kind: "prepare", base: before.version, version: after.version });
  };
  const release = async () => {
    await expect.poll(() => gates.length).toBe(1);
    gates.splice(0)[0]?.();
  };
  return { worker, ask, start, publish, release, done, prepared, exits, notices };
}

test("deltas build on what was committed, not on what was only prepared", async () => {
  const { start, ask, publish, release, prepared, done } = startWorker();
  await start();
  const [one, two, three] = [backendSnapshot(1, "a"), backendSnapshot(2, "b"), backendSnapshot(3, "a", "c")];
  const first = publish(EMPTY_SNAPSHOT, one);
  await release();
  await first;
  await ask({ kind: "commit", version: 1 });
  const second = publish(one, two);
  await release();
  await second;
  const third = publish(one, three);
  await release();
  expect(await third).not.toHaveProperty("error");
  expect(prepared).toEqual([one, two, three]);
  expect(prepared[2]?.backends[0]).toBe(prepared[0]?.backends[0]);
  expect(done).toEqual(["prepare 1", "commit 1", "prepare 2", "prepare 3"]);
});

test("commands wait for a compilation, numbers and draining do not", async () => {
  const { start, ask, publish, release, done } = startWorker();
  await start();
  const preparing = publish(EMPTY_SNAPSHOT, backendSnapshot(1, "a"));
  const listening = ask({ kind: "listen", bindKey: "80", number: 0 });
  expect(await ask({ kind: "stats" })).toMatchObject({ samples: [{ value: 7 }, { value: 1 }] });
  expect(done).toEqual([]);
  await release();
  await Promise.all([preparing, listening]);
  expect(done).toEqual(["prepare 1", "listen 80"]);
});

test("the primary hears what nobody asked for", async () => {
  const { start, ask, publish, release, notices } = startWorker();
  await start();
  const preparing = publish(EMPTY_SNAPSHOT, backendSnapshot(1, "a"));
  await release();
  await preparing;
  await ask({ kind: "commit", version: 1 });
  expect(notices).toEqual([{ notice: "observations", observations: [] }]);
});

test("new ticket keys are taken as they come", async () => {
  const { start, ask, done } = startWorker();
  await start();
  await ask({ kind: "ticket-keys", ticketKeys: "AAEC" });
  expect(done).toEqual(["ticket keys AAEC"]);
});

test("new session keys are taken as they come", async () => {
  const { start, ask, done } = startWorker();
  await start();
  await ask({ kind: "session-keys", sessionKeys: ["new", "old"] });
  expect(done).toEqual(["session keys new,old"]);
});

test("a delta for another base is refused", async () => {
  const { start, publish } = startWorker();
  await start();
  expect(await publish(backendSnapshot(4), backendSnapshot(5))).toMatchObject({
    error: "a delta from version 4 does not apply to version 0",
  });
});

test("draining writes the log out, answers, and ends the process", async () => {
  const { start, ask, done, exits } = startWorker();
  await start();
  await ask({ kind: "drain", timeoutMs: 9 });
  expect(done).toEqual(["drain 9", "drained", "flush"]);
  expect(exits).toEqual([0]);
});

test("one that has not started yet ends at once when it is to drain", async () => {
  const { ask, done, exits } = startWorker();
  expect(await ask({ kind: "drain", timeoutMs: 9 })).not.toHaveProperty("error");
  expect(done).toEqual([]);
  expect(exits).toEqual([0]);
});

test("without its primary a worker drains by itself", async () => {
  const { worker, start, done } = startWorker();
  await start();
  await worker.onDisconnect();
  expect(done).toEqual(["drain 5", "drained", "flush"]);
});

test("a primary that goes while its worker drains cuts nothing short", async () => {
  const { worker, start, ask, done } = startWorker();
  await start();
  void ask({ kind: "drain", timeoutMs: 9 });
  await worker.onDisconnect();
  expect(done).toEqual(["drain 9", "drained", "flush"]);
});
