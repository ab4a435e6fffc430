// `limpet run` from start to end: signals, the line that says it is ready, and the exit.
import { closeSync, openSync } from "node:fs";
import type { Logger } from "../telemetry/index.ts";
import { Gateway, type ServedAddress, StartError } from "./gateway.ts";
import type { RunOptions } from "./run-options.ts";

export interface RunDependencies {
  readonly logger: Logger;
  /** Limpet's own version. */
  readonly version: string;
  readonly signals: NodeJS.EventEmitter;
  /** Told once, when all workers serve. */
  readonly onReady: (addresses: readonly ServedAddress[]) => void;
}

const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof SIGNAL_EXIT_CODES;

/** Resolves with the exit code once the gateway has been told to stop. Rejects with a StartError. */
export async function run(options: RunOptions, dependencies: RunDependencies): Promise<number> {
  const { logger, signals } = dependencies;
  checkAccessLog(options);
  const gateway = new Gateway(options, logger, dependencies.version);
  let stopping = false;
  const stopped = new Promise<number>((resolve) => {
    const stop = async (signal: StopSignal) => {
      if (stopping) {
        logger.warn({ signal }, "second signal: stopping at once");
        gateway.kill();
        resolve(SIGNAL_EXIT_CODES[signal]);
        return;
      }
      stopping = true;
      logger.info({ signal, timeoutMs: options.drainTimeoutMs }, "draining");
      await starting.catch(() => {});
      await gateway.drain();
      resolve(0);
    };
    signals.on("SIGINT", () => void stop("SIGINT"));
    signals.on("SIGTERM", () => void stop("SIGTERM"));
  });
  signals.on("SIGHUP", () => void gateway.reload());
  const starting = gateway.start();
  try {
    const addresses = await starting;
    if (!stopping) dependencies.onReady(addresses);
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

/** Workers open the file; a mistake in its name is better told before there are any. */
function checkAccessLog({ accessLog }: RunOptions): void {
  if (accessLog.kind !== "file") return;
  try {
    closeSync(openSync(accessLog.path, "a"));
  } catch (error) {
    throw new StartError([`--access-log: ${(error as Error).message}`]);
  }
}
