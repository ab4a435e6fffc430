// What the tests with the MCP SDK play on: three servers behind two gateways, which share nothing but a key file.
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { LoggingMessageNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { onTestFinished } from "vitest";
import { copyExample } from "../support/example.ts";
import { freePorts } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { type CountingServer, startCountingServer } from "./counting-server.ts";

export interface Stage {
  readonly servers: readonly CountingServer[];
  readonly gateways: readonly Gateway[];
  /** Stops a gateway and starts another one in its place, on the same port. */
  restart(index: number): Promise<void>;
  /** Kills a server and takes it out of the configuration, as Kubernetes does with a lost Pod. */
  lose(server: CountingServer): void;
  /** A client of the SDK that has begun a session, and whose requests take turns at the gateways. */
  connect(): Promise<StageClient>;
}

export interface StageClient {
  /** `<server> <count>` */
  call(tool: "count" | "announce"): Promise<string>;
  readonly transport: StreamableHTTPClientTransport;
  /** What it was told by notifications. */
  readonly notes: readonly string[];
  /** Method and gateway of each of its requests. */
  readonly asked: readonly (readonly [string, number])[];
}

/** Everything ends with the test. */
export async function setStage(): Promise<Stage> {
  const servers = await Promise.all(["one", "two", "three"].map((name) => startCountingServer(name)));
  const replicas = servers.map(({ port }) => port);
  const copy = (names: readonly string[], gateway = 0) => {
    const files = copyExample("mcp", names, { gateway, replicas });
    onTestFinished(files.dispose);
    return files;
  };
  const shared = copy(["backend.yaml", "session.yaml"]);
  const keys = join(copy([]).folder, "keys");
  writeFileSync(keys, `${randomBytes(32).toString("base64")}\n`, { mode: 0o600 });

  const ports = await freePorts(2);
  const folders = ports.map((port) => copy(["gateway.yaml"], port).folder);
  const start = (folder: string) =>
    startGateway({
      paths: [folder, shared.folder],
      args: ["--session-keys", keys, "--drain-timeout", "200ms"],
    });
  const gateways = await Promise.all(folders.map(start));
  onTestFinished(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
  });

  return {
    servers,
    gateways,
    restart: async (index) => {
      await gateways[index]?.stop();
      gateways[index] = await start(folders[index] as string);
    },
    lose: (server) => {
      server.kill();
      shared.put("backend.yaml", (text) => withoutSliceOf(text, server.port));
    },
    connect: () => connectTo(ports),
  };
}

async function connectTo(ports: readonly number[]): Promise<StageClient> {
  const asked: [string, number][] = [];
  const notes: string[] = [];
  const transport = new StreamableHTTPClientTransport(new URL("http://127.0.0.1/mcp"), {
    fetch: (url, init) => {
      const gateway = asked.length % ports.length;
      asked.push([init?.method ?? "GET", gateway]);
      const to = new URL(url);
      to.port = String(ports[gateway]);
      return fetch(to, init);
    },
    reconnectionOptions: {
      initialReconnectionDelay: 20,
      maxReconnectionDelay: 200,
      reconnectionDelayGrowFactor: 1.5,
      maxRetries: 50,
    },
  });
  const client = new Client({ name: "test", version: "1.0.0" });
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    notes.push(String(params.data));
  });
  onTestFinished(() => client.close());
  // Its accessors are not what the SDK's own interface says under exactOptionalPropertyTypes.
  await client.connect(transport as Transport);
  return {
    transport,
    notes,
    asked,
    call: async (tool) => {
      const { content } = await client.callTool({ name: tool });
      return (content as { text: string }[])[0]?.text ?? "";
    },
  };
}

function withoutSliceOf(text: string, port: number): string {
  return text
    .split("\n---\n")
    .filter((document) => !document.includes(`port: ${port}\n`))
    .join("\n---\n");
}
