// A gateway under attack: a real `limpet run` in front of an origin with greedy pages, and a normal client beside.
import { expect, onTestFinished } from "vitest";
import { send } from "./client.ts";
import { freePort } from "./free-port.ts";
import { type AccessLogLine, type Gateway, startGateway } from "./gateway.ts";
import { gatewayYaml, sampleYaml } from "./manifests.ts";
import { startOrigin } from "./origin.ts";
import { RawClient } from "./raw-client.ts";

const CHUNK = Buffer.alloc(64 * 1024, "x");

export class AttackedGateway {
  readonly port: number;
  readonly #gateway: Gateway;

  constructor(port: number, gateway: Gateway) {
    this.port = port;
    this.#gateway = gateway;
  }

  /** `/large` never ends, `/hang` never begins, everything else answers `ok`. */
  static async start(...args: string[]): Promise<AttackedGateway> {
    const { endpoint } = await startOrigin((request, response) => {
      if (request.url === "/large") {
        const more = () => {
          while (!response.destroyed && response.write(CHUNK)) {}
        };
        response.on("drain", more);
        more();
      } else if (request.url !== "/hang") {
        request.resume().on("end", () => response.end("ok"));
      }
    });
    const port = await freePort();
    const gateway = await startGateway({
      files: { "edge.yaml": gatewayYaml({ port }), "sample.yaml": sampleYaml([endpoint.port]) },
      args: ["--listen-address", "127.0.0.1", ...args],
    });
    onTestFinished(async () => {
      await gateway.stop();
    });
    return new AttackedGateway(port, gateway);
  }

  attackers(count: number): RawClient[] {
    return Array.from({ length: count }, () => new RawClient(this.port));
  }

  /** A normal client asks again and again until the attack is over; every answer must be the origin's. */
  async serves<T>(attack: Promise<T>): Promise<T> {
    let isOver = false;
    const over = attack.finally(() => {
      isOver = true;
    });
    // Its failure is the caller's to see, when the client has come back.
    over.catch(() => {});
    do {
      const { status, body } = await send(this.port);
      expect([status, body]).toEqual([200, "ok"]);
    } while (!isOver);
    return over;
  }

  /** Lines of the access log with this error, once there are so many. */
  async logged(error: string, count: number): Promise<AccessLogLine[]> {
    const found = () => this.#gateway.accessLog().filter((line) => line.error === error);
    await this.#gateway.waitForAccess((line) => line.error === error && found().length >= count, error);
    return found();
  }

  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.#gateway.adminUrl}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
  }
}

/** Every answer that the clients got, once all of them are put out. */
export function untilPutOut(clients: readonly RawClient[]): Promise<string[]> {
  return Promise.all(clients.map((client) => client.untilClosed()));
}

/** Sends a byte now and then until the connection is closed; stops by itself. */
export function drip(client: RawClient, byte: string, everyMs: number): void {
  const timer = setInterval(() => {
    if (client.closed) clearInterval(timer);
    else client.write(byte);
  }, everyMs);
  onTestFinished(() => clearInterval(timer));
}
