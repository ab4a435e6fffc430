// Many WebSocket clients at once that say something and expect to hear it, through a backend that echoes.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";

export interface EchoBackend {
  readonly port: number;
  stop(): void;
}

export async function startEchoBackend(): Promise<EchoBackend> {
  const server = createServer((_, response) => response.end("here"));
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}

export class WebSocketCrowd {
  readonly #sockets: WebSocket[] = [];
  /** When each was closed, by `performance.now()`, in the order of closing. */
  readonly closedAtMs: number[] = [];

  /** Opens so many more; rejects if one is refused. */
  async open(port: number, count: number): Promise<void> {
    const opening = Array.from({ length: count }, () => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { perMessageDeflate: false });
      this.#sockets.push(socket);
      socket.once("close", () => this.closedAtMs.push(performance.now()));
      return new Promise((resolve, reject) => {
        socket.once("open", resolve);
        socket.once("error", reject);
        socket.on("error", () => {});
      });
    });
    await Promise.all(opening);
  }

  /** Each that is open says something; answers how many of them heard it again. */
  async echoed(text: string): Promise<number> {
    const open = this.#sockets.filter((socket) => socket.readyState === WebSocket.OPEN);
    const heard = await Promise.all(
      open.map((socket) => {
        const answer = new Promise<boolean>((resolve) => {
          const onClose = () => resolve(false);
          socket.once("close", onClose);
          socket.once("message", (data) => {
            socket.off("close", onClose);
            resolve(String(data) === text);
          });
        });
        socket.send(text);
        return answer;
      }),
    );
    return heard.filter(Boolean).length;
  }

  get closed(): number {
    return this.closedAtMs.length;
  }

  end(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}
