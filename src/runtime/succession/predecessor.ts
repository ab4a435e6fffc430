// The process whose place this one takes, as the new one sees it.
import { type Legacy, type LegacyMessage, type ServingMessage, SUCCESSOR_VARIABLE } from "./messages.ts";

/** The side of `process` that talks to the parent. */
export type ParentChannel = Pick<NodeJS.Process, "env" | "send" | "on" | "off" | "connected" | "disconnect">;

export class Predecessor {
  readonly #channel: ParentChannel;

  private constructor(channel: ParentChannel) {
    this.#channel = channel;
  }

  /** Undefined: this process takes nobody's place. */
  static of(channel: ParentChannel): Predecessor | undefined {
    const isSuccessor = channel.env[SUCCESSOR_VARIABLE] !== undefined && channel.send !== undefined;
    // It is not for the processes that this one starts.
    delete channel.env[SUCCESSOR_VARIABLE];
    return isSuccessor ? new Predecessor(channel) : undefined;
  }

  /** Resolves with everything that the old process leaves. Rejects if it goes before it has said all. */
  legacy(): Promise<Legacy> {
    return new Promise((resolve, reject) => {
      const sockets = new Map<string, object[]>();
      let admin: object | undefined;
      const onMessage = (message: unknown, handle: unknown) => {
        const told = message as LegacyMessage;
        if (told.kind === "socket") {
          sockets.set(told.bindKey, [...(sockets.get(told.bindKey) ?? []), handle as object]);
        } else if (told.kind === "admin") {
          admin = handle as object;
        } else {
          settle();
          resolve({ sockets, admin, ticketKeys: told.ticketKeys, drains: told.drains });
        }
      };
      const onDisconnect = () => {
        settle();
        reject(new Error("the process to take over from went away"));
      };
      const settle = () => {
        this.#channel.off("message", onMessage);
        this.#channel.off("disconnect", onDisconnect);
      };
      this.#channel.on("message", onMessage);
      this.#channel.on("disconnect", onDisconnect);
    });
  }

  /** Tells it that it may leave. If it has left already, all the better. */
  relieve(): void {
    if (!this.#channel.connected) return;
    const message: ServingMessage = { kind: "serving" };
    this.#channel.send?.(message, undefined, undefined, () => {
      if (this.#channel.connected) this.#channel.disconnect?.();
    });
  }
}
