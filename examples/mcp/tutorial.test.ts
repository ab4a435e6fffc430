// docs/mcp.md, played: an MCP client finds the server that holds its session through two gateways that share a key file.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../../test/support/eventually.ts";
import { copyExample, type ExampleCopy } from "../../test/support/example.ts";
import { freePort } from "../../test/support/free-port.ts";
import { type Gateway, startGateway } from "../../test/support/gateway.ts";
import { type McpServer, startMcpServer } from "./server.ts";

const SESSION = "mcp-session-id";
const KEY = Buffer.alloc(32, "k").toString("base64");

interface Stage {
  readonly servers: readonly McpServer[];
  readonly files: ExampleCopy;
  readonly gateways: readonly Gateway[];
}

async function play(gatewayCount: number, hasKey = true): Promise<Stage> {
  const servers = await Promise.all([startMcpServer(), startMcpServer(), startMcpServer()]);
  onTestFinished(() => {
    for (const server of servers) server.stop();
  });
  const replicas = servers.map(({ port }) => port);
  const copy = (names: readonly string[], gateway = 0) => {
    const files = copyExample("mcp", names, { gateway, replicas });
    onTestFinished(files.dispose);
    return files;
  };
  // In a folder that all gateways read, so that one change reaches all of them.
  const files = copy(["backend.yaml", "session.yaml"]);
  const keys = join(copy([]).folder, "keys");
  writeFileSync(keys, `${KEY}\n`, { mode: 0o600 });
  const args = hasKey ? ["--session-keys", keys] : [];
  const starting = Array.from({ length: gatewayCount }, async () => {
    const own = copy(["gateway.yaml"], await freePort());
    const gateway = await startGateway({ paths: [own.folder, files.folder], args });
    onTestFinished(async () => {
      await gateway.stop();
    });
    return gateway;
  });
  return { servers, files, gateways: await Promise.all(starting) };
}

function ask(gateway: Gateway | undefined, method: string, token?: string, message?: object) {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  if (token !== undefined) headers[SESSION] = token;
  const body = message === undefined ? null : JSON.stringify({ jsonrpc: "2.0", ...message });
  return fetch(`${gateway?.url()}/mcp`, { method, headers, body });
}

async function initialize(gateway: Gateway | undefined): Promise<string> {
  const response = await ask(gateway, "POST", undefined, { id: 1, method: "initialize" });
  expect(response.status).toBe(200);
  await response.text();
  return response.headers.get(SESSION) ?? "";
}

async function count(gateway: Gateway | undefined, token: string): Promise<string> {
  const response = await ask(gateway, "POST", token, { id: 2, method: "tools/call" });
  const body = await response.text();
  return response.status === 200
    ? (JSON.parse(body).result.content[0].text as string)
    : String(response.status);
}

function holderOf(servers: readonly McpServer[]): McpServer {
  const holders = servers.filter(({ sessions }) => sessions.size > 0);
  expect(holders).toHaveLength(1);
  return holders[0] as McpServer;
}

describe("with a key file", () => {
  test("every request of a session meets the server that began it, whichever gateway it comes by", async () => {
    const { servers, gateways } = await play(2);
    const token = await initialize(gateways[0]);
    const home = holderOf(servers);
    const [id] = home.sessions.keys();
    for (let asked = 1; asked <= 8; asked++) {
      expect(await count(gateways[asked % 2], token)).toBe(`${home.name} has counted to ${asked}`);
    }
    expect(home.heard.slice(1)).toEqual(Array(8).fill(["POST", id]));
    const inside = Buffer.from(token, "base64url").toString("latin1");
    expect(inside.includes(id as string) || inside.includes("127.0.0.1")).toBe(false);

    const events = await ask(gateways[0], "GET", token);
    expect(events.headers.get("content-type")).toBe("text/event-stream");
    const reader = (events.body as ReadableStream<Uint8Array>).getReader();
    await count(gateways[1], token);
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toContain("has counted to 9");

    expect((await ask(gateways[1], "DELETE", token)).status).toBe(200);
    expect(home.sessions.size).toBe(0);
    expect(await count(gateways[0], token), "the server's own answer").toBe("404");
  });

  test("404 tells a client to begin anew: for what is no token, and for a session whose server is gone", async () => {
    const { servers, files, gateways } = await play(1);
    const token = await initialize(gateways[0]);
    const home = holderOf(servers);
    const [id] = home.sessions.keys();
    for (const text of ["unknown", id as string, `${token}A`, token.slice(0, -4)]) {
      expect(await count(gateways[0], text)).toBe("404");
    }
    expect(servers.flatMap(({ heard }) => heard)).toHaveLength(1);

    expect(await count(gateways[0], token)).toBe(`${home.name} has counted to 1`);
    files.put("backend.yaml", (text) => withoutSliceOf(text, home.port));
    await eventually(
      () => count(gateways[0], token),
      (answer) => answer === "404",
    );
    const next = await initialize(gateways[0]);
    expect(await count(gateways[0], next)).toMatch(/has counted to 1$/);
    expect(await count(gateways[0], next)).not.toContain(home.name);
    for (const reason of ["holds no valid token", `names 127.0.0.1:${home.port}`]) {
      const line = await gateways[0]?.waitForAccess(
        ({ affinity, status }) => status === 404 && affinity?.reason?.includes(reason) === true,
        reason,
      );
      expect(line?.affinity?.outcome).toBe("rejected");
    }
  });
});

test("without a key the token is Envoy's, and a finding says what that exposes", async () => {
  const { servers, gateways } = await play(1, false);
  const token = await initialize(gateways[0]);
  const home = holderOf(servers);
  const [id] = home.sessions.keys();
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  expect(token).toBe(`${base64(`127.0.0.1:${home.port}`)};UV:${base64(id as string)}`);
  expect(await count(gateways[0], token)).toBe(`${home.name} has counted to 1`);
  await gateways[0]?.stderr.waitFor((line) => line.includes("unsealed-token"), "the finding");
});

function withoutSliceOf(text: string, port: number): string {
  return text
    .split("\n---\n")
    .filter((document) => !document.includes(`port: ${port}\n`))
    .join("\n---\n");
}
