// The stage that every tutorial is played on: sample replicas, a copy of the example's files, and a running gateway.
import { onTestFinished } from "vitest";
import type { Replica } from "../../src/demo/replica.ts";
import { startReplicas } from "../../src/demo/replicas.ts";
import { copyExample, type ExampleCopy } from "./example.ts";
import { freePort } from "./free-port.ts";
import { type Gateway, startGateway } from "./gateway.ts";

export interface Tutorial {
  /** Where clients reach the gateway on 127.0.0.1. */
  readonly port: number;
  readonly replicas: readonly Replica[];
  readonly files: ExampleCopy;
  readonly gateway: Gateway;
  /** Requests that each replica has in its log since the last `forgetLogs`: what `kubectl logs` shows in the tutorials. */
  served(): number[];
  forgetLogs(): void;
  /** Stops the gateway and starts another one from the same files. */
  restartGateway(): Promise<void>;
}

export interface TutorialOptions {
  readonly example: string;
  readonly files: readonly string[];
  readonly replicas: number;
  readonly args?: readonly string[];
  readonly change?: (text: string) => string;
}

/** Everything is stopped and removed when the test that called it is over. */
export async function playTutorial(options: TutorialOptions): Promise<Tutorial> {
  const { replicas, stop } = await startReplicas({ count: options.replicas, name: options.example });
  onTestFinished(stop);
  const port = await freePort();
  const ports = { gateway: port, replicas: replicas.map((replica) => replica.port) };
  const files = copyExample(options.example, [], ports);
  onTestFinished(files.dispose);
  for (const file of options.files) files.put(file, options.change);
  const start = () => startGateway({ paths: [files.folder], args: options.args ?? [] });
  let gateway = await start();
  onTestFinished(async () => {
    await gateway.stop();
  });
  return {
    port,
    replicas,
    files,
    get gateway() {
      return gateway;
    },
    served: () => replicas.map((replica) => replica.log.length),
    forgetLogs: () => {
      for (const replica of replicas) replica.clearLog();
    },
    restartGateway: async () => {
      await gateway.stop();
      gateway = await start();
    },
  };
}
