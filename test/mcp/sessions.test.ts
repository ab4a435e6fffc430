// Stateful MCP servers behind Limpet: the official SDK's client finds the replica of its session, and begins anew when that is gone.
import { StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import type { CountingServer } from "./counting-server.ts";
import { type Stage, type StageClient, setStage } from "./stage.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The server that has the client's session, by what it answers. */
async function homeOf({ servers }: Stage, client: StageClient): Promise<CountingServer> {
  const name = (await client.call("count")).split(" ")[0];
  return servers.find((server) => server.name === name) as CountingServer;
}

/** Until the configuration has reached both gateways. */
function untilRefused(client: StageClient): Promise<unknown> {
  const call = () => client.call("count").catch((error: unknown) => error);
  return eventually(call, (answer) => answer instanceof StreamableHTTPError && answer.code === 404);
}

test("nine sessions count each for itself, whichever gateway a request comes by", async () => {
  const stage = await setStage();
  const clients = await Promise.all(Array.from({ length: 9 }, () => stage.connect()));
  const answers = await Promise.all(
    clients.map(async (client) => {
      const said: string[] = [];
      for (let index = 0; index < 10; index++) said.push(await client.call("count"));
      return said;
    }),
  );
  for (const said of answers) {
    const [name] = (said[0] as string).split(" ");
    expect(said).toEqual(Array.from({ length: 10 }, (_, index) => `${name} ${index + 1}`));
  }
  expect(new Set(answers.map((said) => said[0])).size, "servers that sessions began at").toBeGreaterThan(1);
  for (const { asked } of clients) expect(new Set(asked.map(([, gateway]) => gateway)).size).toBe(2);

  const ids = stage.servers.flatMap(({ sessions }) => [...sessions]);
  expect(ids).toHaveLength(9);
  const heard = stage.servers.flatMap((server) => server.heard.map(({ session }) => session ?? ""));
  expect(heard.filter((session) => session !== "" && !UUID.test(session))).toEqual([]);
  expect(heard.filter((session) => session === "")).toHaveLength(9);
  const tokens = clients.map(({ transport }) => transport.sessionId ?? "");
  expect(new Set(tokens).size).toBe(9);
  for (const token of tokens) {
    const inside = Buffer.from(token, "base64url").toString("latin1");
    expect([...ids, "127.0.0.1"].filter((secret) => inside.includes(secret))).toEqual([]);
  }
});

test("notifications come in the answer's stream and in the session's own", async () => {
  const stage = await setStage();
  const client = await stage.connect();
  const home = await homeOf(stage, client);
  // Its own stream is opened beside the first requests, and what comes before that is for nobody.
  await eventually(
    async () => {
      expect(await client.call("announce")).toMatch(new RegExp(`^${home.name} `));
      return client.notes.includes("beside the answer");
    },
    (isTold) => isTold,
  );
  const inAnswers = client.notes.filter((note) => note.endsWith("in the answer"));
  expect(inAnswers.slice(0, 3)).toEqual([
    "first in the answer",
    "second in the answer",
    "third in the answer",
  ]);
});

test("a lost server ends its own sessions: their clients get 404, begin anew and go on", async () => {
  const stage = await setStage();
  const clients = await Promise.all(Array.from({ length: 6 }, () => stage.connect()));
  const homes = await Promise.all(clients.map((client) => homeOf(stage, client)));
  const lost = homes[0] as CountingServer;
  stage.lose(lost);
  for (const [index, client] of clients.entries()) {
    if (homes[index] !== lost) {
      expect(await client.call("count")).toBe(`${homes[index]?.name} 2`);
      continue;
    }
    await untilRefused(client);
    const again = await stage.connect();
    const home = await homeOf(stage, again);
    expect(home).not.toBe(lost);
    expect(await again.call("count")).toBe(`${home.name} 2`);
  }
});

test("sessions and their streams outlive their gateways", async () => {
  const stage = await setStage();
  const client = await stage.connect();
  const home = await homeOf(stage, client);
  const opened = () => home.heard.filter(({ method }) => method === "GET").length;
  for (const index of [0, 1]) {
    await stage.restart(index);
    expect(await client.call("count")).toBe(`${home.name} ${index + 2}`);
  }
  // Whichever gateway its stream went through, that one was stopped.
  await eventually(
    async () => opened(),
    (count) => count >= 2,
  );
  await eventually(
    async () => {
      await client.call("announce");
      return client.notes.includes("beside the answer");
    },
    (isTold) => isTold,
  );
});

test("a client ends its session where it is, and the server says so from then on", async () => {
  const stage = await setStage();
  const client = await stage.connect();
  const home = await homeOf(stage, client);
  const [id] = home.sessions;
  const token = client.transport.sessionId as string;
  await client.transport.terminateSession();
  expect(home.sessions.size).toBe(0);
  expect(home.heard.at(-1)).toEqual({ method: "DELETE", session: id });
  const response = await fetch(`${stage.gateways[0]?.url()}/mcp`, {
    method: "POST",
    headers: { "mcp-session-id": token, "content-type": "application/json" },
    body: "{}",
  });
  expect(response.status).toBe(404);
  expect(home.heard.at(-1), "its own answer").toEqual({ method: "POST", session: id });
});

test("an id that no gateway wrote is answered 404, and no server hears of it", async () => {
  const stage = await setStage();
  const client = await stage.connect();
  const home = await homeOf(stage, client);
  const [id] = home.sessions;
  // The client opens its stream by itself, some time after it has connected.
  await expect.poll(() => home.heard.filter(({ method }) => method === "GET").length).toBe(1);
  const heard = stage.servers.reduce((sum, server) => sum + server.heard.length, 0);
  for (const session of ["unknown", id as string, `${client.transport.sessionId}A`]) {
    for (const gateway of stage.gateways) {
      const response = await fetch(`${gateway.url()}/mcp`, {
        method: "GET",
        headers: { "mcp-session-id": session, accept: "text/event-stream" },
      });
      expect(response.status).toBe(404);
    }
  }
  expect(stage.servers.reduce((sum, server) => sum + server.heard.length, 0)).toBe(heard);
});
