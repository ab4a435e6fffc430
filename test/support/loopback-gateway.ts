// An engine on loopback sockets in the test's own process, with its access log as objects.
import { onTestFinished } from "vitest";
import type { AccessRecord } from "../../src/dataplane/access-log.ts";
import { SYSTEM_CLOCK } from "../../src/dataplane/clock.ts";
import { Engine } from "../../src/dataplane/engine.ts";
import { type DataplaneOptions, DEFAULT_DATAPLANE_OPTIONS } from "../../src/dataplane/options.ts";
import type { Snapshot } from "../../src/model/index.ts";

export interface LoopbackGateway {
  readonly engine: Engine;
  /** Port of the snapshot's listener on port 80. */
  readonly port: number;
  readonly log: AccessRecord[];
  /** What an operator is told, with its `message`. */
  readonly warnings: readonly object[];
  serve(snapshot: Snapshot): Promise<void>;
}

/**
 * Ends with the test.
 * @param onDefect told of defects of the gateway, which are errors of the test unless it asks for them
 */
export async function startLoopbackGateway(
  snapshot: Snapshot,
  options: Partial<DataplaneOptions> = {},
  onDefect?: (message: string) => void,
): Promise<LoopbackGateway> {
  const log: AccessRecord[] = [];
  const warnings: object[] = [];
  const engine = new Engine({
    options: { ...DEFAULT_DATAPLANE_OPTIONS, ...options },
    clock: SYSTEM_CLOCK,
    random: Math.random,
    logger: {
      warn: (details, message) => warnings.push({ ...details, message }),
      debug: () => {},
      error: (details, message) => {
        if (onDefect !== undefined) onDefect(message);
        else throw new Error(message, { cause: details.err });
      },
    },
    accessLog: { write: (record) => log.push(record), dropped: 0, flush: () => Promise.resolve() },
  });
  const serve = async (next: Snapshot) => {
    await engine.prepare(next);
    engine.commit(next.version);
  };
  await serve(snapshot);
  const { port } = await engine.listen("80", { host: "127.0.0.1", port: 0 });
  onTestFinished(() => engine.drain(0));
  return { engine, port, log, warnings, serve };
}
