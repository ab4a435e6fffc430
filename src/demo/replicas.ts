// Starts the replicas of the sample backend: what the demo, the examples and the tests stand in front of.
import { Replica } from "./replica.ts";
import { type LogSink, RequestLog } from "./request-log.ts";

export interface ReplicasOptions {
  readonly count: number;
  /** IP address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** One a replica; a replica without one gets a free port. */
  readonly ports?: readonly number[];
  /** Replicas are called `name-1`, `name-2`, ...; default `sample`. */
  readonly name?: string;
  /** Gets every request line; default: nobody. */
  readonly log?: LogSink;
  readonly now?: () => Date;
}

export interface Replicas {
  readonly replicas: readonly Replica[];
  stop(): Promise<void>;
}

/** Rejects if a port is taken, and then leaves none running. */
export async function startReplicas(options: ReplicasOptions): Promise<Replicas> {
  const { count, host = "127.0.0.1", ports = [], name = "sample", log = () => {} } = options;
  const now = options.now ?? (() => new Date());
  const replicas = Array.from(
    { length: count },
    (_, index) =>
      new Replica({
        name: `${name}-${index + 1}`,
        host,
        port: ports[index] ?? 0,
        log: new RequestLog(log),
        now,
      }),
  );
  const stop = async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
  };
  const started = await Promise.allSettled(replicas.map((replica) => replica.start()));
  const failed = started.find((result) => result.status === "rejected");
  if (failed !== undefined) {
    await stop();
    throw new Error(`the sample backend cannot listen: ${(failed.reason as Error).message}`, {
      cause: failed.reason,
    });
  }
  return { replicas, stop };
}
