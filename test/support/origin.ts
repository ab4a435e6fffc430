// Backends on loopback sockets that go with the test: node:http for well-behaved ones, raw sockets for the others.
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import {
  createServer as createHttpsServer,
  type Server as HttpsServer,
  type ServerOptions,
} from "node:https";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { Endpoint } from "../../src/model/index.ts";
import { endpoint } from "./snapshots.ts";

/** A `node:https` server of these settings. */
export function startTlsOrigin(settings: ServerOptions, listener: RequestListener): Promise<TlsOrigin> {
  const server = createHttpsServer(settings, listener);
  server.on("tlsClientError", () => {});
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      resolve({ server, endpoint: endpoint(`127.0.0.1:${port}`) });
    });
  });
}

export interface TlsOrigin {
  readonly endpoint: Endpoint;
  readonly server: HttpsServer;
}

export interface Origin {
  readonly endpoint: Endpoint;
  readonly server: Server;
}

export function startOrigin(listener: RequestListener): Promise<Origin> {
  const server = createHttpServer(listener);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      resolve({ server, endpoint: endpoint(`127.0.0.1:${port}`) });
    });
  });
}

/** Speaks whatever the test writes. */
export function startRawOrigin(onConnection: (socket: Socket) => void): Promise<Endpoint> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve(endpoint(`127.0.0.1:${(server.address() as AddressInfo).port}`));
    });
  });
}
