// A small MCP server without dependencies (Streamable HTTP, protocol 2025-11-25) whose sessions live in its memory alone.
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pathToFileURL } from "node:url";

const SESSION = "mcp-session-id";

interface Message {
  readonly id?: number | string;
  readonly method: string;
}

interface Session {
  count: number;
  /** The client's event stream, where it has asked for one. */
  events: ServerResponse | undefined;
}

export interface McpServer {
  readonly name: string;
  readonly port: number;
  /** By id. */
  readonly sessions: ReadonlyMap<string, Session>;
  /** Method and session id of every request, as they came. */
  readonly heard: readonly (readonly [string, string | undefined])[];
  stop(): void;
}

/** A server on 127.0.0.1 with one tool, `count`, that counts how often its session has used it. */
export async function startMcpServer(port = 0): Promise<McpServer> {
  const sessions = new Map<string, Session>();
  const heard: [string, string | undefined][] = [];
  let name = "";

  const server = createServer((request, response) => {
    const id = request.headers[SESSION] as string | undefined;
    heard.push([request.method ?? "", id]);
    const session = id === undefined ? undefined : sessions.get(id);
    if (id !== undefined && session === undefined) {
      response.writeHead(404).end();
    } else if (request.method === "POST") {
      readMessage(request).then(
        (message) => answer(message, session, response),
        () => response.writeHead(400).end(),
      );
    } else if (session === undefined || id === undefined) {
      response.writeHead(400).end();
    } else if (request.method === "GET") {
      session.events = response;
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
      response.flushHeaders();
    } else if (request.method === "DELETE") {
      session.events?.end();
      sessions.delete(id);
      response.writeHead(200).end();
    } else {
      response.writeHead(405, { allow: "GET, POST, DELETE" }).end();
    }
  });

  function answer(message: Message, session: Session | undefined, response: ServerResponse): void {
    if (message.method === "initialize") {
      const id = randomUUID();
      sessions.set(id, { count: 0, events: undefined });
      response.setHeader(SESSION, id);
      reply(response, message, {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {}, logging: {} },
        serverInfo: { name, version: "1.0.0" },
      });
    } else if (session === undefined) {
      response.writeHead(400).end();
    } else if (message.id === undefined) {
      response.writeHead(202).end();
    } else if (message.method === "tools/list") {
      reply(response, message, { tools: [{ name: "count", inputSchema: { type: "object" } }] });
    } else if (message.method === "tools/call") {
      session.count += 1;
      const text = `${name} has counted to ${session.count}`;
      const told = { jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: text } };
      session.events?.write(`event: message\ndata: ${JSON.stringify(told)}\n\n`);
      reply(response, message, { content: [{ type: "text", text }] });
    } else {
      reply(response, message, {});
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  name = `counter at ${bound}`;
  return {
    name,
    port: bound,
    sessions,
    heard,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function readMessage(request: IncomingMessage): Promise<Message> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return JSON.parse(text) as Message;
}

function reply(response: ServerResponse, { id }: Message, result: object): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { name } = await startMcpServer(Number(process.argv[2] ?? 3001));
  process.stdout.write(`${name} is ready\n`);
}
