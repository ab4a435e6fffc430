// The process that takes this one's place, as the old one sees it: started, given everything, and awaited.
import { type ChildProcess, spawn } from "node:child_process";
import type { Server } from "node:net";
import { type Legacy, type LegacyMessage, type ServingMessage, SUCCESSOR_VARIABLE } from "./messages.ts";

/** A program with its arguments. */
export interface ProgramCommand {
  readonly file: string;
  readonly args: readonly string[];
}

/** Translating a large configuration and starting the workers takes a few seconds at most. */
const START_TIMEOUT_MS = 60_000;

/**
 * The command line of this process, to be run again. Whatever is at its paths now is what runs: a new version that was
 * installed in place of this one, or that a link points at.
 */
export function ownCommand(): ProgramCommand {
  return { file: process.execPath, args: [...process.execArgv, ...process.argv.slice(1)] };
}

export class Successor {
  /** Resolves when it serves. Rejects with the reason why it never will; it has ended then. */
  readonly serving: Promise<void>;
  readonly #child: ChildProcess;

  constructor(command: ProgramCommand, legacy: Legacy, timeoutMs = START_TIMEOUT_MS) {
    this.#child = spawn(command.file, command.args, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, [SUCCESSOR_VARIABLE]: "1" },
    });
    this.serving = this.#await(timeoutMs);
    this.#give(legacy);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #await(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`it did not serve within ${timeoutMs / 1000} s`));
        this.kill();
      }, timeoutMs);
      const fail = (reason: string) => {
        clearTimeout(timer);
        reject(new Error(reason));
      };
      this.#child.once("error", (error) => fail(error.message));
      this.#child.once("exit", (code, signal) =>
        fail(`it ended before it served (${signal ?? `exit ${code}`})`),
      );
      this.#child.once("message", (message: ServingMessage) => {
        if (message.kind !== "serving") return;
        clearTimeout(timer);
        // From here on it lives its own life: nothing of it may hold this process.
        this.#child.disconnect();
        this.#child.unref();
        resolve();
      });
    });
  }

  #give({ sockets, admin, ticketKeys, drains }: Legacy): void {
    for (const [bindKey, handles] of sockets) {
      for (const handle of handles) this.#send({ kind: "socket", bindKey }, handle);
    }
    if (admin !== undefined) this.#send({ kind: "admin" }, admin);
    this.#send({ kind: "complete", ticketKeys, drains });
  }

  #send(message: LegacyMessage, handle?: object): void {
    // One that dies meanwhile is told by its exit.
    if (this.#child.connected) this.#child.send(message, handle as Server | undefined, {}, () => {});
  }
}
