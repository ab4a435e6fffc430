// The `ws` client over TLS, to `ws` servers over TLS and without: what a WebSocket brings with it comes through, and home.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type ClientOptions, WebSocket, WebSocketServer } from "ws";
import { makeAuthority } from "../support/certificates.ts";
import { cookiePair } from "../support/client.ts";
import { freePort } from "../support/free-port.ts";
import {
  authorities,
  certificateSecret,
  edge,
  httpsListener,
  route,
  tlsService,
} from "../support/tls-manifests.ts";
import { authority, startTlsStage, type TlsStage } from "./tls-stage.ts";

const inside = makeAuthority({ name: "Inside" });
const SERVERS = 3;

let stage: TlsStage;
let port: number;
let servers: RoomServer[];

interface RoomServer {
  readonly server: Server | TlsServer;
  readonly port: number;
}

/** Echoes, after a greeting that says who it is and what it was asked with. */
async function startServer(name: string, secure = true): Promise<RoomServer> {
  const { chain, privateKey } = inside.issue({ names: ["rooms.inside"] });
  const server = secure ? createTlsServer({ cert: chain, key: privateKey }) : createServer();
  const sockets = new WebSocketServer({
    server,
    maxPayload: 16 * 1024 * 1024,
    perMessageDeflate: true,
    handleProtocols: (offered) => (offered.has("chat.v2") ? "chat.v2" : false),
  });
  sockets.on("connection", (socket, request: IncomingMessage) => {
    socket.send(`${name} ${request.headers["x-forwarded-proto"]} ${request.headers.host} ${request.url}`);
    socket.on("message", (data, isBinary) => {
      if (String(data) === "leave") socket.close(4_001, "you said so");
      else socket.send(data, { binary: isBinary });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

beforeAll(async () => {
  port = await freePort();
  servers = await Promise.all(
    Array.from({ length: SERVERS }, (_, index) => startServer(`room-${index + 1}`)),
  );
  const endpointPorts = servers.map((one) => one.port);
  const plain = await startServer("room-4", false);
  servers.push(plain);
  const validation = (configMap: string) => ({
    hostname: "rooms.inside",
    caCertificateRefs: [{ group: "", kind: "ConfigMap", name: configMap }],
  });
  const toRooms = (name: string) => ({ backendRefs: [{ name, port: 443 }] });
  const sessionPersistence = { sessionName: "room", type: "Cookie" };
  stage = await startTlsStage({
    objects: [
      certificateSecret("shop", authority.issue({ names: ["shop.example.com"] })),
      authorities("inside", inside.certificate),
      authorities("outside", authority.certificate),
      edge([httpsListener({ name: "https", port, certificates: ["shop"] })]),
      ...tlsService({
        name: "rooms",
        endpointPorts,
        appProtocol: "kubernetes.io/wss",
        validation: validation("inside"),
      }),
      ...tlsService({
        name: "https-rooms",
        endpointPorts,
        appProtocol: "https",
        validation: validation("inside"),
      }),
      ...tlsService({
        name: "distrusted",
        endpointPorts,
        appProtocol: "kubernetes.io/wss",
        validation: validation("outside"),
      }),
      ...tlsService({ name: "plain-rooms", endpointPorts: [plain.port], appProtocol: "kubernetes.io/ws" }),
      ...tlsService({ name: "nobody-says", endpointPorts, appProtocol: "kubernetes.io/wss" }),
      route("rooms", [
        { matches: [{ path: { value: "/https" } }], ...toRooms("https-rooms") },
        { matches: [{ path: { value: "/ws" } }], ...toRooms("plain-rooms") },
        { matches: [{ path: { value: "/distrusted" } }], ...toRooms("distrusted") },
        { matches: [{ path: { value: "/nobody-says" } }], ...toRooms("nobody-says") },
        { ...toRooms("rooms"), sessionPersistence },
      ]),
    ],
  });
});

afterAll(async () => {
  await stage.stop();
  for (const { server } of servers) {
    server.closeAllConnections();
    server.close();
  }
});

interface Talk {
  readonly socket: WebSocket;
  readonly greeting: string;
  readonly setCookie: readonly string[];
}

function client(path: string, options: ClientOptions = {}, protocols: string[] = []): WebSocket {
  // `ws` hands it on to Node.
  const secure: ClientOptions & { readonly servername: string } = {
    ca: authority.certificate,
    servername: "shop.example.com",
    ...options,
    headers: { host: "shop.example.com", ...options.headers },
  };
  const socket = new WebSocket(`wss://127.0.0.1:${port}${path}`, protocols, secure);
  onTestFinished(() => {
    // It complains where it never opened.
    socket.on("error", () => {});
    socket.terminate();
  });
  return socket;
}

async function talk(path: string, options: ClientOptions = {}, protocols: string[] = []): Promise<Talk> {
  const socket = client(path, options, protocols);
  let setCookie: string[] = [];
  socket.on("upgrade", (response) => {
    setCookie = response.headers["set-cookie"] ?? [];
  });
  const [greeting] = await once(socket, "message");
  return { socket, greeting: String(greeting), setCookie };
}

async function echo(socket: WebSocket, data: string | Buffer): Promise<string | Buffer> {
  socket.send(data);
  const [message, isBinary] = (await once(socket, "message")) as [Buffer, boolean];
  return isBinary ? message : String(message);
}

async function refusal(path: string): Promise<number | undefined> {
  const [, response] = (await once(client(path), "unexpected-response")) as [unknown, IncomingMessage];
  return response.statusCode;
}

describe.each(["/wss/a?x=1", "/https/a?x=1", "/ws/a?x=1"])("%s", (path) => {
  test("the server knows that it was asked over TLS, for which host and page", async () => {
    const { greeting } = await talk(path);
    expect(greeting).toMatch(/^room-\d https shop\.example\.com /);
    expect(greeting.endsWith(path)).toBe(true);
    // The last one speaks no TLS.
    expect(greeting.startsWith("room-4")).toBe(path.startsWith("/ws/"));
  });

  test("text, bytes and pings go both ways, small and large", async () => {
    const { socket } = await talk(path);
    expect(await echo(socket, "ü")).toBe("ü");
    const large = Buffer.alloc(5_000_000, "0123456789");
    expect(Buffer.compare((await echo(socket, large)) as Buffer, large)).toBe(0);
    const pong = once(socket, "pong");
    socket.ping("still there");
    expect(String((await pong)[0])).toBe("still there");
  });
});

test("what both sides agree on: protocol and compression", async () => {
  const { socket } = await talk("/", { perMessageDeflate: { threshold: 0 } }, ["chat.v1", "chat.v2"]);
  expect(socket.protocol).toBe("chat.v2");
  expect(socket.extensions).toContain("permessage-deflate");
  expect(await echo(socket, "a".repeat(100_000))).toBe("a".repeat(100_000));
});

test("the server's goodbye arrives with its code and reason", async () => {
  const { socket } = await talk("/");
  socket.send("leave");
  const [code, reason] = await once(socket, "close");
  expect([code, String(reason)]).toEqual([4_001, "you said so"]);
});

test("the cookie of the 101 is secure and leads home, whoever else could answer", async () => {
  const first = await talk("/");
  expect(first.setCookie).toEqual([expect.stringMatching(/^room=.*; Secure/)]);
  const cookie = cookiePair(first.setCookie[0]);
  for (let count = 0; count < 8; count++) {
    const again = await talk("/", { headers: { cookie } });
    expect(again.greeting).toBe(first.greeting);
    expect(again.setCookie).toEqual([]);
  }
});

test("a server that cannot be verified is not spoken to, nor one for whom nobody says whom to trust", async () => {
  expect(await refusal("/distrusted")).toBe(503);
  expect(await refusal("/nobody-says")).toBe(500);
});

test("a client that does not trust the gateway leaves", async () => {
  const [error] = await once(client("/", { ca: inside.certificate }), "error");
  expect((error as NodeJS.ErrnoException).code).toMatch(/UNABLE_TO_(VERIFY|GET)/);
});
