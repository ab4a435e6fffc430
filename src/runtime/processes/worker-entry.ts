// Entry of a worker process: wires the engine, the access log and the channel to the primary.
import { randomBytes } from "node:crypto";
import { closeSync } from "node:fs";
import { KeyRing } from "../../affinity/token/key-ring.ts";
import { parseLogFormat } from "../../dataplane/access-format.ts";
import { type AccessLog, createAccessLog, NO_ACCESS_LOG } from "../../dataplane/access-log.ts";
import { SYSTEM_CLOCK } from "../../dataplane/clock.ts";
import { Engine } from "../../dataplane/engine.ts";
import { ObservationBatch } from "../../dataplane/health/observation.ts";
import { type OpenLogTarget, openLogFile, openLogTarget } from "../../dataplane/log-target.ts";
import { createLogger, type Logger, ProcessVitals, writeStderr } from "../../telemetry/index.ts";
import "../linear-expressions.ts";
import { loadTracing } from "../tracing.ts";
import type { WorkerMessage, WorkerRequest, WorkerSettings } from "./messages.ts";
import { type Notify, Worker, type WorkerParts } from "./worker.ts";

/** For what is left of the access log after draining. */
const FLUSH_TIMEOUT_MS = 500;
const STDOUT = 1;

async function build(settings: WorkerSettings, notify: Notify): Promise<WorkerParts> {
  const logger = createLogger({
    level: settings.logLevel,
    human: settings.humanLog,
    write: writeStderr,
  }).child({ worker: settings.worker });
  const { accessLog, reopen } = openAccessLog(settings, logger);
  const engine = new Engine({
    options: settings.dataplane,
    clock: SYSTEM_CLOCK,
    random: Math.random,
    accessLog,
    logger,
    tracing: await loadTracing(settings.tracing),
    observer: new ObservationBatch((observations) => notify({ notice: "observations", observations })),
  });
  const setTicketKeys = (ticketKeys: string) => {
    engine.ticketKeys = Buffer.from(ticketKeys, "base64");
  };
  setTicketKeys(settings.ticketKeys);
  const setSessionKeys = (sessionKeys: readonly string[]) => {
    engine.sessionKeys = KeyRing.parse(sessionKeys.join("\n"), randomBytes);
  };
  if (settings.sessionKeys !== undefined) setSessionKeys(settings.sessionKeys);
  return {
    engine,
    vitals: new ProcessVitals(`worker-${settings.worker}`),
    logger,
    setTicketKeys,
    setSessionKeys,
    reopenAccessLog: reopen,
    flush: () => accessLog.flush(FLUSH_TIMEOUT_MS),
  };
}

interface OpenAccessLog {
  readonly accessLog: AccessLog;
  /** Throws the system's error, and goes on where it is, if the file cannot be opened. */
  reopen(): void;
}

function openAccessLog(
  { accessLog: target, accessLogFormat }: WorkerSettings,
  logger: Logger,
): OpenAccessLog {
  if (target.kind === "off") return { accessLog: NO_ACCESS_LOG, reopen() {} };
  const format = parseLogFormat(accessLogFormat);
  if (target.kind === "stdout") {
    return { accessLog: createAccessLog(openLogTarget(STDOUT), format, SYSTEM_CLOCK), reopen() {} };
  }
  let file = tryLogFile(target.path, logger);
  const accessLog = createAccessLog(file, format, SYSTEM_CLOCK);
  const reopen = () => {
    const left = file;
    const next = logFile(target.path);
    file = next;
    accessLog.moveTo(next, () => left?.close());
  };
  return { accessLog, reopen };
}

/** The primary has refused to start without it: whoever takes the place of a worker that died serves all the same. */
function tryLogFile(path: string, logger: Logger): OpenLogTarget | undefined {
  try {
    return logFile(path);
  } catch (err) {
    logger.error({ err }, "the access log cannot be opened: its lines are lost until SIGUSR1 opens it anew");
    return undefined;
  }
}

function logFile(path: string): OpenLogTarget {
  const fd = openLogFile(path);
  const target = openLogTarget(fd);
  return {
    ...target,
    close: () => {
      target.close();
      closeSync(fd);
    },
  };
}

/** A primary that is gone needs to hear nothing. */
function send(message: WorkerMessage): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

const worker = new Worker(build, {
  reply: send,
  notify: send,
  exit: (code) => {
    // After the answer has left.
    setImmediate(() => process.exit(code));
  },
});

process.on("message", (request, handle) => worker.onRequest(request as WorkerRequest, handle as object));
process.on("disconnect", () => void worker.onDisconnect().finally(() => process.exit(0)));
// Signals of the terminal reach the whole process group; the primary decides what becomes of them.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const)
  process.on(signal, () => {});
