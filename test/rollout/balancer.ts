// A TCP balancer in front of gateways: new connections go round robin over those that say that they are ready.
import { get } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const ASK_EVERY_MS = 100;
const PATIENCE_MS = 3_000;
/** A machine that is gone does not even refuse. */
const CONNECT_WITHIN_MS = 500;

export interface BalancedGateway {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  readonly port: number;
  readonly adminPort: number;
}

export class Balancer {
  /** Connections that a gateway did not take although it was ready, or for which there was none. */
  refused = 0;
  #gateways: readonly BalancedGateway[];
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

  /** These in place of those it had; connections stay where they are. */
  serve(gateways: readonly BalancedGateway[]): void {
    const before = this.#gateways;
    this.#gateways = gateways.map((gateway) => before.find((one) => isSame(one, gateway)) ?? gateway);
    for (const gateway of this.#gateways) if (!before.includes(gateway)) void this.#watch(gateway);
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
        const isOurs = () => !this.#stopped && this.#gateways.includes(gateway);
        if (isOurs() && (await isReady(gateway))) {
          this.#ready.add(gateway);
          resolve();
        } else {
          this.#ready.delete(gateway);
        }
        if (isOurs()) setTimeout(() => void ask(), ASK_EVERY_MS);
      };
      void ask();
    });
  }

  #forward(client: Socket): void {
    const ready = this.#gateways.filter((gateway) => this.#ready.has(gateway));
    const turn = this.#next++;
    const inTurn = ready.map((_, index) => ready[(turn + index) % ready.length] as BalancedGateway);
    this.#sockets.add(client);
    client.on("close", () => this.#sockets.delete(client));
    client.on("error", () => {});
    void this.#connect(inTurn).then((upstream) => {
      if (upstream === undefined) client.destroy();
      else this.#join(client, upstream);
    });
  }

  /** To the first that takes it. */
  async #connect(gateways: readonly BalancedGateway[]): Promise<Socket | undefined> {
    for (const { host = "127.0.0.1", port } of gateways) {
      const upstream = await connected(host, port);
      if (upstream !== undefined) return upstream;
      this.refused += 1;
    }
    if (gateways.length === 0) this.refused += 1;
    return undefined;
  }

  #join(client: Socket, upstream: Socket): void {
    for (const [socket, peer] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => peer.resetAndDestroy());
      socket.on("close", () => this.#sockets.delete(socket));
      socket.pipe(peer);
    }
    // What became of it while the gateway was dialled.
    if (client.destroyed) upstream.resetAndDestroy();
  }
}

function isSame(one: BalancedGateway, other: BalancedGateway): boolean {
  return one.host === other.host && one.port === other.port && one.adminPort === other.adminPort;
}

/** Undefined: nobody took it in time. */
function connected(host: string, port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    // Where this process stood still, what came meanwhile is read between the timer and that.
    const giveUp = () => socket.connecting && socket.destroy();
    const timer = setTimeout(() => setImmediate(giveUp), CONNECT_WITHIN_MS);
    socket.on("error", () => {});
    socket.once("close", () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

/** Whether `/readyz` says 200 in time. */
function isReady({ host = "127.0.0.1", adminPort }: BalancedGateway): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      { host, port: adminPort, path: "/readyz", agent: false, timeout: PATIENCE_MS },
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
