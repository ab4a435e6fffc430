// An endpoint whose health and answers a test turns on and off: it says its name, and what it was asked.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface TestReplica {
  readonly name: string;
  readonly port: number;
  /** Status of answers to `/health`. */
  health: number;
  /** Status of all others. */
  status: number;
  /** When requests came, those for `/health` apart: `performance.now()`. */
  readonly requestsMs: readonly number[];
}

/** Ends with the test. `at`: a free port of 127.0.0.1 unless it says otherwise. */
export async function startReplica(
  name: string,
  at: { readonly host?: string; readonly port?: number } = {},
): Promise<TestReplica> {
  const replica = { name, port: 0, health: 200, status: 200, requestsMs: [] as number[] };
  const server = createServer((request, response) => {
    const isCheck = request.url === "/health";
    if (!isCheck) replica.requestsMs.push(performance.now());
    response.writeHead(isCheck ? replica.health : replica.status, { "x-replica": name }).end(name);
  });
  await new Promise<void>((resolve) => server.listen(at.port ?? 0, at.host ?? "127.0.0.1", resolve));
  replica.port = (server.address() as AddressInfo).port;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return replica;
}
