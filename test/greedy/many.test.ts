// Clients that want too much: places, bytes of a head, turns. Others keep their places, their memory and their turns.
import { expect, test } from "vitest";
import { send } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { AttackedGateway, untilPutOut } from "../support/greedy.ts";

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

test("a flood of idle connections leaves a place for who sends requests", async () => {
  const gateway = await AttackedGateway.start("--max-connections", "100");
  const idle = gateway.attackers(300);
  await eventually(
    () => gateway.metric("limpet_client_connections_refused_total"),
    (refused) => refused > 100,
  );
  // Those who came a moment ago keep their places for a second, and few of the others are told that there is none.
  const answer = await eventually(
    () => send(gateway.port).catch(() => undefined),
    (one) => one?.status === 200,
  );
  expect(answer?.body).toBe("ok");
  expect(await gateway.metric("limpet_client_connections_yielded_total")).toBeGreaterThan(0);
  await eventually(
    async () => idle.filter((client) => !client.closed).length,
    (left) => left <= 100,
  );
});

test("idle connections are closed when their time is over", async () => {
  const gateway = await AttackedGateway.start("--idle-timeout", "1s", "--request-head-timeout", "1s");
  const silent = gateway.attackers(50);
  const used = gateway.attackers(50);
  for (const client of used) client.write(GET);
  const answers = await gateway.serves(untilPutOut([...silent, ...used]));
  expect(answers.slice(0, 50).join("")).toBe("");
  for (const answer of answers.slice(50)) expect(answer).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nok$/s);
});

test.each([
  ["a path", 414, `GET /${"x".repeat(40_000)} HTTP/1.1\r\nhost: a\r\n\r\n`],
  ["one field", 431, `GET / HTTP/1.1\r\nhost: a\r\nx: ${"x".repeat(40_000)}\r\n\r\n`],
  ["many fields", 431, `GET / HTTP/1.1\r\nhost: a\r\n${"x: y\r\n".repeat(101)}\r\n`],
  ["a field that never ends", 431, `GET / HTTP/1.1\r\nhost: a\r\nx: ${"x".repeat(1_000_000)}`],
])("bombs of %s get %i", async (_name, status, bomb) => {
  const gateway = await AttackedGateway.start();
  const clients = gateway.attackers(50);
  for (const client of clients) client.write(bomb);
  const answers = await gateway.serves(untilPutOut(clients));
  for (const answer of answers) {
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*\\r\\nconnection: close\\r\\n`, "s"));
  }
});

test("2,000 requests at once on a connection are all answered, and another client's is not kept waiting", async () => {
  const gateway = await AttackedGateway.start();
  const [greedy] = gateway.attackers(1);
  if (greedy === undefined) throw new Error("there is one");
  const answered = () => greedy.text.match(/\r\n\r\nok/g)?.length ?? 0;
  let wasBetween = false;
  // Somebody else's answer is the sooner one unless this process stands still meanwhile, which it does not each time.
  for (let round = 1; round <= 5 && !wasBetween; round += 1) {
    greedy.write(GET.repeat(2_000));
    await greedy.until(() => answered() > 2_000 * (round - 1));
    expect((await send(gateway.port)).status).toBe(200);
    wasBetween = answered() < 2_000 * round;
    await gateway.serves(greedy.until(() => answered() === 2_000 * round));
  }
  expect(wasBetween).toBe(true);
});
