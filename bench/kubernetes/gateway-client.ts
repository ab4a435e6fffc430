// Asks a Gateway until it answers as it should, and tells when that was.
import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

const PAUSE_MS = 2;
const GIVE_UP_MS = 300_000;
const ANSWER_WITHIN_MS = 1_000;

export interface Answer {
  /** 0: none came. */
  readonly status: number;
  readonly body: string;
}

export class GatewayClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  ask(address: string, host: string, path = "/"): Promise<Answer> {
    return new Promise((resolve) => {
      const outgoing = request(
        { host: address, path, headers: { host }, agent: this.#agent, timeout: ANSWER_WITHIN_MS },
        (response) => {
          let body = "";
          response.setEncoding("utf8").on("data", (text: string) => {
            body += text;
          });
          response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
          response.once("error", () => resolve({ status: 0, body }));
        },
      );
      outgoing.once("timeout", () => outgoing.destroy());
      outgoing.once("error", () => resolve({ status: 0, body: "" }));
      outgoing.end();
    });
  }

  /** When the first right answer came, as `performance.now()` counts; and the wrong ones before it. */
  async until(
    ask: () => Promise<Answer>,
    isRight: (answer: Answer) => boolean,
  ): Promise<{ readonly atMs: number; readonly before: readonly Answer[] }> {
    const deadlineMs = performance.now() + GIVE_UP_MS;
    const before: Answer[] = [];
    for (;;) {
      const answer = await ask();
      const atMs = performance.now();
      if (isRight(answer)) return { atMs, before };
      if (atMs > deadlineMs) throw new Error(`still ${answer.status} ${answer.body.slice(0, 200)}`);
      before.push(answer);
      await delay(PAUSE_MS);
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}
