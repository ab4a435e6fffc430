// `limpet run` from start to end: signals, the line that says it is ready, and the exit.
import { closeSync, fstatSync } from "node:fs";
import { openLogFile } from "../dataplane/log-target.ts";
import type { Logger } from "../telemetry/index.ts";
import type { ConfigurationSource } from "./configuration-source.ts";
import { FileConfiguration } from "./file-configuration.ts";
import { Gateway, StartError } from "./gateway.ts";
import type { ServedAddress } from "./gateway-pages.ts";
import type { RunOptions } from "./run-options.ts";
import type { Predecessor } from "./succession/predecessor.ts";
import type { ProgramCommand, Successor } from "./succession/successor.ts";
import { tellServiceManager } from "./systemd.ts";
import { canTrace } from "./tracing.ts";

export interface RunDependencies {
  /** Whose place this process takes. */
  readonly predecessor?: Predecessor | undefined;
  /** What to start on SIGUSR2 to take the place of this process; undefined: nothing can. */
  readonly successor?: ProgramCommand;
  readonly logger: Logger;
  /** Limpet's own version. */
  readonly version: string;
  readonly signals: NodeJS.EventEmitter;
  /** Told once, when all workers serve. */
  readonly onReady: (addresses: readonly ServedAddress[]) => void;
}

/** The process that everything else in a container hangs on. */
const INIT_PID = 1;
const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof SIGNAL_EXIT_CODES;

/** Resolves with the exit code once the gateway has been told to stop. Rejects with a StartError. */
export async function run(options: RunOptions, dependencies: RunDependencies): Promise<number> {
  const { logger, signals } = dependencies;
  checkAccessLog(options);
  if (!canTrace(options.tracing)) {
    throw new StartError([
      "--tracing opentelemetry: the package @opentelemetry/api is not installed where limpet is",
    ]);
  }
  const legacy = await dependencies.predecessor?.legacy();
  const source = await configurationSource(options, dependencies.version, logger);
  const gateway = new Gateway(options, source, logger, dependencies.version, legacy);
  let stopping = false;
  let isServing = false;
  let isHandingOver = false;
  let successor: Successor | undefined;
  const stopped = new Promise<number>((resolve) => {
    const stop = async (signal: StopSignal) => {
      if (stopping) {
        logger.warn({ signal }, "second signal: stopping at once");
        gateway.kill();
        resolve(SIGNAL_EXIT_CODES[signal]);
        return;
      }
      stopping = true;
      successor?.kill();
      const { drainDelayMs: delayMs, drainTimeoutMs: timeoutMs } = options;
      logger.info({ signal, delayMs, timeoutMs }, "draining");
      await Promise.all([gateway.stopStarting(), starting.catch(() => {})]);
      await gateway.drain(delayMs);
      resolve(0);
    };
    const handOver = async () => {
      const refusal = stopping
        ? "it stops"
        : isHandingOver
          ? "one has been started"
          : isServing
            ? undefined
            : "this process does not serve yet";
      const command = dependencies.successor;
      if (refusal !== undefined || command === undefined || process.pid === INIT_PID) {
        const reason =
          refusal ?? (command === undefined ? "not this command" : "the container would end with it");
        logger.warn({ reason }, "no successor is started");
        return;
      }
      // Before anything is waited for: the next signal may come meanwhile.
      isHandingOver = true;
      try {
        successor = await gateway.startSuccessor(command);
        logger.info({ pid: successor.pid }, "successor started");
        if (stopping) successor.kill();
        await successor.serving;
      } catch (error) {
        successor = undefined;
        isHandingOver = false;
        if (!stopping) logger.error({ err: error }, "the successor does not serve: this process goes on");
        return;
      }
      if (stopping) return;
      stopping = true;
      logger.info(
        { pid: successor.pid, timeoutMs: options.drainTimeoutMs },
        "the successor serves: draining",
      );
      await gateway.retire();
      resolve(0);
    };
    signals.on("SIGUSR2", () => void handOver());
    signals.on("SIGINT", () => void stop("SIGINT"));
    signals.on("SIGTERM", () => void stop("SIGTERM"));
  });
  signals.on("SIGHUP", () => {
    void gateway.reloadSessionKeys();
    void gateway.reload();
  });
  signals.on("SIGUSR1", () => {
    logger.info("opening the access log anew");
    void gateway.reopenAccessLog();
  });
  const starting = gateway.start();
  try {
    const addresses = await starting;
    isServing = true;
    if (!stopping) {
      await tellServiceManager(process.env, process.pid).catch((error: Error) => {
        logger.warn({ err: error }, "the service manager could not be told");
      });
      dependencies.onReady(addresses);
      dependencies.predecessor?.relieve();
    }
  } catch (error) {
    if (!stopping) {
      gateway.kill();
      throw error;
    }
  }
  return stopped;
}

/** `limpet ready Gateway/default/edge/http=[::]:8080 admin=127.0.0.1:9900` */
export function readyLine(addresses: readonly ServedAddress[]): string {
  return ["limpet ready", ...addresses.map(({ name, address }) => `${name}=${address}`)].join(" ");
}

async function configurationSource(
  options: RunOptions,
  version: string,
  logger: Logger,
): Promise<ConfigurationSource> {
  const { kubernetes, paths, watch, sessionKeys } = options;
  if (kubernetes === undefined) {
    return new FileConfiguration({ paths, watch, sealTokens: sessionKeys !== undefined });
  }
  // Loaded where it is needed: those who serve files start sooner.
  const { KubernetesConfiguration } = await import("./kubernetes-configuration.ts");
  try {
    return await KubernetesConfiguration.connect(kubernetes, version, logger);
  } catch (error) {
    throw new StartError([`--kubernetes: ${(error as Error).message}`]);
  }
}

/** Workers open the file; a mistake in its name is better told before there are any. */
function checkAccessLog({ accessLog }: RunOptions): void {
  if (accessLog.kind !== "file") return;
  try {
    const fd = openLogFile(accessLog.path);
    // Who reads a named pipe would take its end for the end of everything before the workers have it open.
    if (!fstatSync(fd).isFIFO()) closeSync(fd);
  } catch (error) {
    throw new StartError([`--access-log: ${(error as Error).message}`]);
  }
}
