// Backends that are host names: every address is an endpoint, as long as DNS says so, and longer where it says nothing.
import { expect, onTestFinished, test } from "vitest";
import { replicasOf, send, sendMany, spread } from "../support/client.ts";
import { type DnsAnswer, startDnsServer } from "../support/dns-server.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { startGateway } from "../support/gateway.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";
import { startReplica } from "../support/replica.ts";

/** The sample's route, to a Service that is this name. */
function namedYaml(name: string, port: number): string {
  const [route = ""] = sampleYaml([]).split("---\n");
  return `${route.replace("port: 80", `port: ${port}`)}---
apiVersion: v1
kind: Service
metadata: {name: sample}
spec: {type: ExternalName, externalName: ${name}, ports: [{port: ${port}}]}
`;
}

/** Two replicas on one port of two addresses, and a gateway that asks the test's own DNS for them. */
async function start(name: string, answer: DnsAnswer) {
  const one = await startReplica("one");
  const two = await startReplica("two", { host: "127.0.0.2", port: one.port });
  const dns = await startDnsServer({ [name]: answer });
  const port = await freePort();
  const gateway = await startGateway({
    files: { "gateway.yaml": gatewayYaml({ port }), "sample.yaml": namedYaml(name, one.port) },
    args: ["--dns-servers", dns.address],
  });
  onTestFinished(async () => void (await gateway.stop()));
  return { one, two, dns, gateway, port };
}

const answeredBy = (port: number, ...names: string[]) =>
  eventually(
    async () => replicasOf(await sendMany(port, 10)),
    (found) => found.join() === names.join(),
  );

test("all addresses of a name serve from the start, and a change is followed when its time is over", async () => {
  const { dns, port } = await start("carts.example", { a: ["127.0.0.1", "127.0.0.2"], ttlSec: 1 });
  expect(await spread(port)).toEqual(["one", "two"]);
  dns.answer("carts.example", { a: ["127.0.0.2"], ttlSec: 1 });
  await answeredBy(port, "two");
});

test("where DNS fails the last addresses stay, and the log and a metric tell", async () => {
  const { dns, gateway, port } = await start("carts.example", { a: ["127.0.0.2"], ttlSec: 1 });
  dns.answer("carts.example", "SERVFAIL");
  const line = await gateway.stderr.waitFor((text) => text.includes("does not resolve"), "a warning");
  expect(JSON.parse(line)).toMatchObject({
    level: "warn",
    host: "carts.example",
    reason: "ESERVFAIL",
    addresses: ["127.0.0.2"],
  });
  expect(replicasOf(await sendMany(port, 5))).toEqual(["two"]);
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  expect(metrics).toContain("limpet_names_failing 1");
  dns.answer("carts.example", { a: ["127.0.0.1"], ttlSec: 1 });
  await answeredBy(port, "one");
});

test("a name that does not resolve yet holds nothing up, and serves as soon as it does", async () => {
  const { dns, port } = await start("carts.example", "NXDOMAIN");
  const answer = await send(port);
  expect([answer.status, answer.body]).toEqual([503, expect.stringContaining("no-endpoints")]);
  dns.answer("carts.example", { a: ["127.0.0.1"] });
  await answeredBy(port, "one");
});

test("localhost is this machine, whatever DNS says", async () => {
  const { dns, port } = await start("localhost", { a: ["127.0.0.2"] });
  expect(replicasOf(await sendMany(port, 5))).toEqual(["one"]);
  expect(dns.questions).toEqual([]);
});
