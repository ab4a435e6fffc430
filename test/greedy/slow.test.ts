// Clients that are slow on purpose: each is put out as docs/limits.md says, and a normal client is served meanwhile.
import { expect, test } from "vitest";
import { send } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { AttackedGateway, drip, untilPutOut } from "../support/greedy.ts";

const ATTACKERS = 50;
const POST = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n";

test("slow heads get 408 when their time is over, although they never stop", async () => {
  const gateway = await AttackedGateway.start("--request-head-timeout", "500ms");
  const clients = gateway.attackers(ATTACKERS);
  for (const client of clients) {
    client.write("GET / HTTP/1.1\r\nx: ");
    drip(client, "x", 100);
  }
  const answers = await gateway.serves(untilPutOut(clients));
  for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408 .*\r\nconnection: close\r\n/s);
  expect(await gateway.metric('limpet_requests_rejected_total\\{code="request-timeout"\\}')).toBe(ATTACKERS);
});

test("bodies that stop get 408", async () => {
  const gateway = await AttackedGateway.start("--request-body-timeout", "500ms");
  const clients = gateway.attackers(ATTACKERS);
  for (const client of clients) client.write(`${POST}some`);
  const answers = await gateway.serves(untilPutOut(clients));
  for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408 .*\r\nconnection: close\r\n/s);
});

test("bodies that drip below the least rate get 408, although they never stop", async () => {
  const gateway = await AttackedGateway.start("--request-body-timeout", "500ms", "--min-rate", "100");
  const clients = gateway.attackers(ATTACKERS);
  for (const client of clients) {
    client.write(POST);
    drip(client, "x", 100);
  }
  const answers = await gateway.serves(untilPutOut(clients));
  for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408 .*\r\nconnection: close\r\n/s);
});

test("clients that do not take their response are cut off", async () => {
  const gateway = await AttackedGateway.start("--write-timeout", "500ms");
  const clients = gateway.attackers(10);
  for (const client of clients) {
    client.socket.pause();
    client.write("GET /large HTTP/1.1\r\nhost: a\r\n\r\n");
  }
  const lines = await gateway.serves(gateway.logged("write-timeout", clients.length));
  expect(lines.map(({ path }) => path)).toEqual(clients.map(() => "/large"));
  for (const client of clients) client.socket.resume();
  await untilPutOut(clients);
});

test("slow readers that fill the memory have to go, and then everybody is served again", async () => {
  const gateway = await AttackedGateway.start("--max-buffered-size", "256k");
  const clients = gateway.attackers(10);
  for (const client of clients) {
    client.socket.pause();
    client.write("GET /large HTTP/1.1\r\nhost: a\r\n\r\n");
  }
  const normal = new Set<number>();
  const lines = gateway.logged("write-timeout", clients.length);
  let isOver = false;
  void lines.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    const answer = await fetch(`http://127.0.0.1:${gateway.port}/`);
    normal.add(answer.status);
    if (answer.status === 503) expect(answer.headers.get("retry-after")).toBe("1");
    await answer.text();
  }
  expect(await lines).toHaveLength(clients.length);
  expect(normal).toContain(503);
  const after = await eventually(
    () => send(gateway.port),
    ({ status }) => status === 200,
  );
  expect(after.body).toBe("ok");
});
