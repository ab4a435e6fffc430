// A stateful MCP server made with the official SDK: every session counts for itself, in the memory of the one who began it.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { onTestFinished } from "vitest";

export interface Heard {
  readonly method: string;
  /** As it came. */
  readonly session: string | undefined;
}

export interface CountingServer {
  readonly name: string;
  readonly port: number;
  /** Ids of the sessions that it has begun and not ended. */
  readonly sessions: ReadonlySet<string>;
  readonly heard: readonly Heard[];
  /** Ends it as a lost machine does: all connections are cut. */
  kill(): void;
}

/** Ends with the test. */
export async function startCountingServer(name: string): Promise<CountingServer> {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  const sessions = new Set<string>();
  const heard: Heard[] = [];

  /** One for each session, as the SDK has it. */
  async function begin(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        transports.set(id, transport);
        sessions.add(id);
      },
      onsessionclosed: (id) => {
        transports.delete(id);
        sessions.delete(id);
      },
    });
    // Its accessors are not what the SDK's own interface says under exactOptionalPropertyTypes.
    await countingServer(name).connect(transport as Transport);
    return transport;
  }

  const server = createServer((request, response) => {
    const session = request.headers["mcp-session-id"] as string | undefined;
    heard.push({ method: request.method ?? "", session });
    const known = session === undefined ? undefined : transports.get(session);
    if (known !== undefined) void known.handleRequest(request, response);
    else if (session !== undefined) response.writeHead(404).end();
    else void begin().then((transport) => transport.handleRequest(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const kill = () => {
    server.close();
    server.closeAllConnections();
  };
  onTestFinished(kill);
  return { name, port: (server.address() as AddressInfo).port, sessions, heard, kill };
}

function countingServer(name: string): McpServer {
  const server = new McpServer({ name, version: "1.0.0" }, { capabilities: { logging: {} } });
  let count = 0;
  const counted = (): { content: { type: "text"; text: string }[] } => {
    count += 1;
    return { content: [{ type: "text", text: `${name} ${count}` }] };
  };
  server.registerTool("count", { description: "Counts." }, counted);
  server.registerTool(
    "announce",
    { description: "Counts, and says so on the way." },
    async ({ sendNotification }) => {
      const note = (data: string) => ({
        method: "notifications/message" as const,
        params: { level: "info" as const, data },
      });
      for (const data of ["first", "second", "third"]) await sendNotification(note(`${data} in the answer`));
      await server.sendLoggingMessage({ level: "info", data: "beside the answer" });
      return counted();
    },
  );
  return server;
}
