// Reloads of a running gateway: what changes, what stays, and what requests in flight notice of it.

import { renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { send } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort, freePorts } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { leastMs } from "../support/least-ms.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";

/** A backend that answers with its name, at once or when it is told. */
async function backend(name: string) {
  const held: (() => void)[] = [];
  const server = createServer((incoming, response) => {
    if (incoming.url === "/held") held.push(() => response.end(name));
    else response.end(name);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, held };
}

async function start(endpointPort: number, args: readonly string[] = []) {
  const port = await freePort();
  const files = { "gateway.yaml": gatewayYaml({ port }), "sample.yaml": sampleYaml([endpointPort]) };
  const gateway = await startGateway({ files, args });
  onTestFinished(async () => void (await gateway.stop()));
  return { gateway, port };
}

function logged(gateway: Gateway, text: string): Promise<string> {
  return gateway.stderr.waitFor((line) => line.includes(text), text);
}

test("a file that changes is served within a second, and requests in flight finish as they began", async () => {
  const [one, two] = [await backend("one"), await backend("two")];
  const { gateway, port } = await start(one.port);
  const inFlight = send(port, { path: "/held" });
  await eventually(
    async () => one.held.length,
    (count) => count === 1,
  );
  const tookMs = await leastMs(async (index) => {
    const from = gateway.stderr.lines.length;
    gateway.write("sample.yaml", sampleYaml(index === 1 ? [one.port] : [two.port]));
    await gateway.stderr.waitFor((line) => line.includes("configuration published"), "the reload", { from });
  });
  expect(tookMs).toBeLessThan(1000);
  expect((await send(port)).body).toBe("two");
  one.held[0]?.();
  expect((await inFlight).body).toBe("one");
});

test("no request is lost while the configuration changes again and again", async () => {
  const [one, two] = [await backend("one"), await backend("two")];
  const { gateway, port } = await start(one.port, ["--no-watch"]);
  const statuses = new Set<number>();
  let sending = true;
  const traffic = (async () => {
    while (sending) statuses.add((await send(port)).status);
  })();
  for (let round = 1; round <= 5; round++) {
    gateway.write("sample.yaml", sampleYaml([round % 2 === 0 ? one.port : two.port]));
    const from = gateway.stderr.lines.length;
    gateway.process.kill("SIGHUP");
    await gateway.stderr.waitFor((line) => line.includes("configuration published"), "published", { from });
  }
  sending = false;
  await traffic;
  expect([...statuses]).toEqual([200]);
});

test("SIGHUP reloads where nobody watches", async () => {
  const [one, two] = [await backend("one"), await backend("two")];
  const { gateway, port } = await start(one.port, ["--no-watch"]);
  gateway.write("sample.yaml", sampleYaml([two.port]));
  gateway.process.kill("SIGHUP");
  await logged(gateway, "configuration published");
  expect((await send(port)).body).toBe("two");
});

test("a file renamed over another is served", async () => {
  const [one, two] = [await backend("one"), await backend("two")];
  const { gateway, port } = await start(one.port);
  writeFileSync(join(gateway.folder, ".sample.tmp"), sampleYaml([two.port]));
  renameSync(join(gateway.folder, ".sample.tmp"), join(gateway.folder, "sample.yaml"));
  await logged(gateway, "configuration published");
  expect((await send(port)).body).toBe("two");
});

test.each([
  ["broken YAML", "a: [b\n"],
  ["an emptied file", ""],
])("%s: the last good configuration stays, until the file is good again", async (_, text) => {
  const [one, two] = [await backend("one"), await backend("two")];
  const { gateway, port } = await start(one.port);
  gateway.write("sample.yaml", text);
  await logged(gateway, "the last good configuration stays");
  expect((await send(port)).body).toBe("one");
  gateway.write("sample.yaml", sampleYaml([two.port]));
  await logged(gateway, "configuration published");
  expect((await send(port)).body).toBe("two");
});

test("a broken route keeps its last good form, and the rest of the change is served", async () => {
  const [one, two] = [await backend("one"), await backend("two")];
  const { gateway, port } = await start(one.port);
  gateway.write("sample.yaml", sampleYaml([two.port]).replace("port: 80}]\n", "port: 80, weight: many}]\n"));
  await logged(gateway, "configuration published");
  expect((await send(port)).body).toBe("two");
  expect(gateway.stderr.lines.some((line) => line.includes("weight"))).toBe(true);
});

test("listeners come and go; on the ones that stay nothing is interrupted", async () => {
  const one = await backend("one");
  const { gateway, port } = await start(one.port);
  const [next] = (await freePorts(1)) as [number];
  const listeners = (...ports: number[]) =>
    gatewayYaml({ port: ports[0] as number }) +
    ports
      .slice(1)
      .map((each) => `    - {name: p${each}, protocol: HTTP, port: ${each}}\n`)
      .join("");
  gateway.write("gateway.yaml", listeners(port, next));
  await logged(gateway, "configuration published");
  expect((await send(next)).body).toBe("one");
  expect((await send(port)).body).toBe("one");
  const from = gateway.stderr.lines.length;
  gateway.write("gateway.yaml", listeners(next));
  await gateway.stderr.waitFor((line) => line.includes("configuration published"), "published", { from });
  await expect(send(port)).rejects.toThrow("ECONNREFUSED");
  expect((await send(next)).body).toBe("one");
});

test("a new listener whose port is taken is told, and everything else is served", async () => {
  const one = await backend("one");
  const { gateway, port } = await start(one.port);
  gateway.write(
    "gateway.yaml",
    `${gatewayYaml({ port })}    - {name: taken, protocol: HTTP, port: ${one.port}}\n`,
  );
  const line = await logged(gateway, "cannot listen");
  expect(line).toContain("Gateway/default/edge/taken");
  expect((await send(port)).body).toBe("one");
});

test("a gateway that drains goes on with the endpoints of now, and opens no more ports", async () => {
  const [one, two] = [await backend("one"), await backend("two")];
  const { gateway, port } = await start(one.port, ["--drain-delay", "1m"]);
  const next = await freePort();
  gateway.process.kill("SIGTERM");
  await logged(gateway, "draining");
  gateway.write(
    "gateway.yaml",
    `${gatewayYaml({ port })}    - {name: late, protocol: HTTP, port: ${next}}\n`,
  );
  gateway.write("sample.yaml", sampleYaml([two.port]));
  await eventually(
    async () => (await send(port)).body,
    (body) => body === "two",
  );
  await expect(send(next)).rejects.toThrow("ECONNREFUSED");
});
