// Every configuration of hash-cases.ts on a real Envoy and on Limpet, over the same replicas: each pick must be the same.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Replicas, startReplicas } from "../../src/demo/replicas.ts";
import { send } from "../support/client.ts";
import { copyExample } from "../support/example.ts";
import { freePort } from "../support/free-port.ts";
import { startGateway } from "../support/gateway.ts";
import { type EnvoyProcess, startEnvoy } from "./envoy-process.ts";
import { HASH_CASES, type HashCase, type HashRequest } from "./hash-cases.ts";

let replicas: Replicas;
let envoy: EnvoyProcess;
const envoyPorts = new Map<string, number>();

beforeAll(async () => {
  replicas = await startReplicas({ count: 4 });
  for (const entry of HASH_CASES) envoyPorts.set(entry.name, await freePort());
  envoy = await startEnvoy(
    HASH_CASES.map((entry) => ({
      name: entry.name,
      port: portOf(entry),
      endpointPorts: ports().slice(0, entry.replicas),
      ...entry.envoy,
    })),
  );
}, 120_000);

afterAll(async () => {
  await envoy?.stop();
  await replicas?.stop();
});

describe("Limpet picks what Envoy picks", () => {
  for (const entry of HASH_CASES) {
    test(`${entry.name}: ${entry.requests.length} requests`, async () => {
      const port = await freePort();
      const example = copyExample(entry.example, [], { gateway: port, replicas: ports() });
      for (const file of entry.files) example.put(file, entry.change);
      const gateway = await startGateway({ paths: [example.folder] });
      try {
        const ours = await picks(port, entry.requests);
        const theirs = await picks(portOf(entry), entry.requests);
        expect(new Set(theirs).size, "the requests reach several replicas").toBeGreaterThan(1);
        expect(ours).toEqual(theirs);
      } finally {
        await gateway.stop();
        example.dispose();
      }
    });
  }
});

function portOf(entry: HashCase): number {
  return envoyPorts.get(entry.name) as number;
}

function ports(): number[] {
  return replicas.replicas.map((replica) => replica.port);
}

/** Which replica answered each request, one connection after the other. */
async function picks(port: number, requests: readonly HashRequest[]): Promise<string[]> {
  const answers: string[] = [];
  for (const one of requests) {
    const answer = await send(port, one);
    answers.push(answer.replica ?? `status ${answer.status}`);
  }
  return answers;
}
