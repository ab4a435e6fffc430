// A TCP balancer in front of gateways: new connections go round robin over those that say that they are ready.
import { get } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const ASK_EVERY_MS = 100;
const PATIENCE_MS = 3_000;

/** Ports on 127.0.0.1. */
export interface BalancedGateway {
  readonly port: number;
  readonly adminPort: number;
}

export class Balancer {
  /** Connections for which there was no gateway. */
  refused = 0;
  readonly #gateways: readonly BalancedGateway[];
  readonly #ready = new Set<BalancedGateway>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #next = 0;
  #stopped = false;

  constructor(gateways: readonly BalancedGateway[]) {
    this.#gateways = gateways;
    // Either side may end its half first: how a connection ends is the business of its two ends.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#forward(client));
  }

  /** Resolves with its port, once all gateways are ready. */
  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", 511, resolve));
    await Promise.all(this.#gateways.map((gateway) => this.#watch(gateway)));
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#stopped = true;
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Resolves when it is ready for the first time; goes on asking. */
  #watch(gateway: BalancedGateway): Promise<void> {
    return new Promise((resolve) => {
      const ask = async () => {
        if (this.#stopped) return;
        if (await isReady(gateway)) {
          this.#ready.add(gateway);
          resolve();
        } else {
          this.#ready.delete(gateway);
        }
        setTimeout(() => void ask(), ASK_EVERY_MS);
      };
      void ask();
    });
  }

  #forward(client: Socket): void {
    const ready = this.#gateways.filter((gateway) => this.#ready.has(gateway));
    const gateway = ready[this.#next++ % ready.length];
    if (gateway === undefined) {
      this.refused += 1;
      client.destroy();
      return;
    }
    const upstream = connect({ host: "127.0.0.1", port: gateway.port, allowHalfOpen: true, noDelay: true });
    upstream.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") this.refused += 1;
    });
    for (const [socket, peer] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => peer.resetAndDestroy());
      socket.on("close", () => this.#sockets.delete(socket));
      socket.pipe(peer);
    }
  }
}

/** Whether `/readyz` says 200 in time. */
function isReady({ adminPort }: BalancedGateway): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      { host: "127.0.0.1", port: adminPort, path: "/readyz", agent: false, timeout: PATIENCE_MS },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(false));
    request.once("close", () => resolve(false));
  });
}
