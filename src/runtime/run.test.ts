// Signals that come close together: a gateway in this process, and successors that never serve.
import { EventEmitter } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../test/support/free-port.ts";
import { isAlive } from "../../test/support/hand-over.ts";
import { gatewayYaml } from "../../test/support/manifests.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { DEFAULT_DATAPLANE_OPTIONS } from "../dataplane/options.ts";
import { createLogger } from "../telemetry/index.ts";
import { run } from "./run.ts";

const STARTED = "successor started";
const REFUSED = "no successor is started";

interface LogLine {
  readonly msg: string;
  readonly pid?: number;
}

/** @param onLine is told each line of the log as it is written */
async function running(onLine: (line: LogLine, signals: EventEmitter) => void = () => {}) {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "gateway.yaml"), gatewayYaml({ port: await freePort() }));
  const log: LogLine[] = [];
  const signals = new EventEmitter();
  const ready = Promise.withResolvers<void>();
  const exitCode = run(
    {
      paths: [folder],
      kubernetes: undefined,
      watch: false,
      strictConfig: false,
      listenAddress: "127.0.0.1",
      portOffset: 0,
      workers: 1,
      admin: undefined,
      drainTimeoutMs: 0,
      drainDelayMs: 0,
      logLevel: "debug",
      humanLog: false,
      accessLog: { kind: "off" },
      accessLogFormat: "json",
      tracing: "off",
      dnsServers: [],
      sessionKeys: undefined,
      dataplane: DEFAULT_DATAPLANE_OPTIONS,
    },
    {
      logger: createLogger({
        level: "debug",
        human: false,
        write: (text) => {
          const line = JSON.parse(text) as LogLine;
          log.push(line);
          onLine(line, signals);
        },
      }),
      version: "0",
      signals,
      successor: { file: process.execPath, args: ["-e", "setInterval(() => {}, 1000)"] },
      onReady: () => ready.resolve(),
    },
  );
  const pids = () => log.flatMap(({ msg, pid }) => (msg === STARTED && pid !== undefined ? [pid] : []));
  const stop = async () => {
    signals.emit("SIGTERM");
    const code = await exitCode;
    await expect.poll(() => pids().filter(isAlive)).toEqual([]);
    return code;
  };
  const said = (message: string) => log.filter(({ msg }) => msg === message).length;
  return { signals, ready: ready.promise, said, pids, stop };
}

test("two signals to hand over start one successor, which ends with the process that started it", async () => {
  const { signals, ready, said, stop } = await running();
  await ready;
  signals.emit("SIGUSR2");
  signals.emit("SIGUSR2");
  await expect.poll(() => said(STARTED)).toBe(1);
  expect(said(REFUSED)).toBe(1);
  expect(await stop()).toBe(0);
  expect(said(STARTED)).toBe(1);
});

test("a process that is told to stop as it is about to hand over leaves no successor", async () => {
  const { signals, ready, pids, stop } = await running();
  onTestFinished(() => {
    for (const pid of pids().filter(isAlive)) process.kill(pid, "SIGKILL");
  });
  await ready;
  signals.emit("SIGUSR2");
  expect(await stop()).toBe(0);
});

test("nothing is handed over before there is anything", async () => {
  const { signals, ready, said, stop } = await running((line, all) => {
    if (line.msg === "loading the configuration") all.emit("SIGUSR2");
  });
  await ready;
  expect([said(REFUSED), said(STARTED)]).toEqual([1, 0]);
  signals.emit("SIGUSR2");
  await expect.poll(() => said(STARTED)).toBe(1);
  expect(await stop()).toBe(0);
});

test("SIGHUP while the configuration is being read for the first time is not lost", async () => {
  const { ready, said, stop } = await running((line, all) => {
    if (line.msg === "loading the configuration") all.emit("SIGHUP");
  });
  await ready;
  await expect.poll(() => said("configuration unchanged")).toBe(1);
  expect(await stop()).toBe(0);
});
