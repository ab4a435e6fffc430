// Clients that never pause: each asks again as soon as it is answered, and everything but the expected answer is kept.
import { Agent, type AgentOptions, request } from "node:http";

export interface SteadyOptions {
  readonly port: number;
  readonly clients: number;
  /** A connection for each client, or for each request. */
  readonly connections: "kept" | "new";
  readonly path?: string;
  readonly localAddress?: string;
}

export class SteadyClients {
  answered = 0;
  readonly failures: string[] = [];
  readonly #options: SteadyOptions;
  readonly #agent: Agent | false;
  readonly #running: Promise<void>;
  #stopped = false;

  constructor(options: SteadyOptions) {
    this.#options = options;
    const pool: AgentOptions = { keepAlive: true, maxSockets: options.clients };
    this.#agent = options.connections === "kept" ? new Agent(pool) : false;
    this.#running = Promise.all(Array.from({ length: options.clients }, () => this.#run())).then(() => {});
  }

  /** Resolves with what went wrong, when the last answer is there. */
  async stop(): Promise<readonly string[]> {
    this.#stopped = true;
    await this.#running;
    if (this.#agent !== false) this.#agent.destroy();
    return this.failures;
  }

  /** Resolves after so many more answers. */
  async progress(count: number): Promise<void> {
    const goal = this.answered + count;
    while (this.answered < goal) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const outcome = await this.#ask();
      if (outcome === "200") this.answered += 1;
      else this.failures.push(outcome);
    }
  }

  /** The status, or the system's code of the error; never rejects. */
  #ask(): Promise<string> {
    const { port, path = "/", localAddress } = this.#options;
    const address = localAddress === undefined ? {} : { localAddress };
    return new Promise((resolve) => {
      const outgoing = request(
        { host: "127.0.0.1", port, path, agent: this.#agent, ...address },
        (response) => {
          response.resume();
          response.once("end", () => resolve(String(response.statusCode)));
          response.once("error", (error) => resolve(error.message));
        },
      );
      outgoing.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      outgoing.end();
    });
  }
}
