// A gigabyte up and a gigabyte down pass through in bounded memory.
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, onTestFinished, test } from "vitest";
import { usageOf } from "../soak/growth.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";

const MIB = 1024 * 1024;
const LARGE = 1024;
/** So much that code, heap and the buffers that wait for a collection have the size that they keep. */
const WARM_UP = 256;
const MAX_GROWTH_MB = 40;
const SAMPLE_INTERVAL_MS = 20;
const CHUNK = Buffer.alloc(64 * 1024, "limpet ");

/** So many mebibytes, made as they are read. */
function bytes(mebibytes: number): Readable {
  let left = (mebibytes * MIB) / CHUNK.length;
  return new Readable({
    read() {
      this.push(left-- > 0 ? CHUNK : null);
    },
  });
}

async function sizeOf(stream: Readable): Promise<number> {
  let size = 0;
  for await (const chunk of stream) size += (chunk as Buffer).length;
  return size;
}

/** `/down/64` answers with so many mebibytes, anything else with the size of what was sent. */
async function startBackend(): Promise<number> {
  const server = createServer(async (incoming, response) => {
    const [, direction, mebibytes] = (incoming.url ?? "").split("/");
    if (direction === "down") await pipeline(bytes(Number(mebibytes)), response);
    else response.end(String(await sizeOf(incoming)));
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Answers with how many bytes went the way. */
function transfer(port: number, direction: "up" | "down", mebibytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: "127.0.0.1",
        port,
        agent: false,
        method: direction === "up" ? "POST" : "GET",
        path: `/${direction}/${mebibytes}`,
        headers: direction === "up" ? { "content-length": mebibytes * MIB } : {},
      },
      async (response) => {
        if (direction === "down") resolve(await sizeOf(response));
        else resolve(Number((await response.toArray()).join("")));
      },
    );
    outgoing.once("error", reject);
    if (direction === "up") bytes(mebibytes).pipe(outgoing);
    else outgoing.end();
  });
}

/** Resident memory of primary and worker at its highest, in MB. */
class PeakMemory {
  highestMb = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(pids: readonly number[]) {
    const look = () => {
      const totalMb = pids.reduce((sum, pid) => sum + usageOf(pid).rssMb, 0);
      this.highestMb = Math.max(this.highestMb, totalMb);
    };
    look();
    this.#timer = setInterval(look, SAMPLE_INTERVAL_MS);
  }

  stop(): number {
    clearInterval(this.#timer);
    return this.highestMb;
  }
}

async function processesOf(running: Gateway): Promise<number[]> {
  const page = await fetch(`${running.adminUrl}/snapshot`);
  return [running.process.pid as number, ...((await page.json()) as { workers: number[] }).workers];
}

test("1 GiB up and 1 GiB down at the same time take less than 40 MB", async () => {
  const port = await freePort();
  const running = await startGateway({
    files: { "gateway.yaml": gatewayYaml({ port }), "sample.yaml": sampleYaml([await startBackend()]) },
    args: ["--access-log", "off"],
  });
  onTestFinished(async () => void (await running.stop()));
  const pids = await processesOf(running);
  const both = (mebibytes: number) =>
    Promise.all([transfer(port, "up", mebibytes), transfer(port, "down", mebibytes)]);
  const warmUp = new PeakMemory(pids);
  await both(WARM_UP);
  const before = warmUp.stop();
  const peak = new PeakMemory(pids);
  expect(await both(LARGE)).toEqual([LARGE * MIB, LARGE * MIB]);
  expect(peak.stop() - before).toBeLessThan(MAX_GROWTH_MB);
});
