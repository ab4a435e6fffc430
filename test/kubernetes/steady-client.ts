// One user with a session who goes on asking at a steady pace, on a kept connection and on new ones by turns.
import { Agent, request } from "node:http";

export interface SteadyClientOptions {
  /** Such as `http://10.97.0.1/get`. */
  readonly url: string;
  readonly perSecond: number;
}

export class SteadyClient {
  /** How many answers came. */
  answered = 0;
  /** All cookies that came after the first: each is a session that was lost. */
  readonly newSessions: string[] = [];
  /** What came in place of an answer, or another status than 200. */
  readonly failures: string[] = [];
  readonly #options: SteadyClientOptions;
  readonly #kept = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #timer: NodeJS.Timeout;
  readonly #open = new Set<Promise<void>>();
  #asked = 0;
  #cookie = "";

  private constructor(options: SteadyClientOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      const asking = this.#ask().finally(() => this.#open.delete(asking));
      this.#open.add(asking);
    }, 1_000 / options.perSecond);
  }

  /** Resolves when it has its session. */
  static async start(options: SteadyClientOptions): Promise<SteadyClient> {
    const client = new SteadyClient(options);
    await client.#ask();
    if (client.#cookie === "") throw new Error(`no session began: ${client.failures.join()}`);
    return client;
  }

  /** Resolves when everything that was asked is answered. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    this.#kept.destroy();
  }

  #ask(): Promise<void> {
    const agent = this.#asked++ % 2 === 0 ? this.#kept : false;
    const headers = this.#cookie === "" ? {} : { cookie: this.#cookie };
    return new Promise((resolve) => {
      const end = (failure?: string) => {
        if (failure !== undefined) this.failures.push(`${new Date().toISOString()} ${failure}`);
        resolve();
      };
      const outgoing = request(this.#options.url, { agent, headers }, (response) => {
        const [cookie] = response.headers["set-cookie"] ?? [];
        if (cookie !== undefined) this.#take(cookie.split(";")[0] as string);
        response.resume();
        response.once("error", (error) => end(error.message));
        response.once("end", () => {
          this.answered += 1;
          end(response.statusCode === 200 ? undefined : `status ${response.statusCode}`);
        });
      });
      outgoing.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
      outgoing.end();
    });
  }

  #take(cookie: string): void {
    if (this.#cookie === "") this.#cookie = cookie;
    else this.newSessions.push(cookie);
  }
}
