// The soak's clients that stay: WebSockets that hear their own words, and event streams without a gap.
import { type ClientRequest, get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { EVENT_INTERVAL_MS } from "./replicas.ts";
import type { Client, Scene } from "./requests.ts";

const PAUSE_MS = 50;
/** A stream that says nothing for so long has been lost without a word. */
const SILENCE_MS = 50 * EVENT_INTERVAL_MS;

const webSocket: Client = async (scene) => {
  while (!scene.stopped()) await webSocketLife(scene);
};

/** From its opening until the scene ends or its connection breaks, which only a killed worker excuses. */
async function webSocketLife({ port, ledger, stopped }: Scene): Promise<void> {
  const kind = "WebSocket";
  const openedMs = Date.now();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`, { perMessageDeflate: false });
  const closed = new Promise<string>((resolve) => {
    socket.once("error", (error) => resolve(error.message));
    socket.once("close", (code) => resolve(`closed with ${code}`));
  });
  const opened = await Promise.race([
    new Promise((resolve) => socket.once("open", () => resolve(true))),
    closed,
  ]);
  let reason = opened === true ? undefined : String(opened);
  for (let count = 1; reason === undefined && !stopped(); count++) {
    const echoed = new Promise((resolve) => socket.once("message", resolve));
    socket.send(String(count));
    const heard = await Promise.race([echoed, closed]);
    if (typeof heard === "string") reason = heard;
    else if (String(heard) === String(count)) ledger.succeeded(kind);
    else ledger.fail(kind, `said ${count}, heard ${String(heard)}`);
    await delay(PAUSE_MS);
  }
  if (reason !== undefined) ledger.lost({ kind, reason, broken: true, repeatable: false, openedMs });
  socket.close();
}

const events: Client = async (scene) => {
  while (!scene.stopped()) await eventsLife(scene);
};

function eventsLife({ port, ledger, stopped }: Scene): Promise<void> {
  const kind = "events";
  const openedMs = Date.now();
  let expected = 1;
  return new Promise((resolve) => {
    let request: ClientRequest | undefined;
    let silence: NodeJS.Timeout | undefined;
    const end = (reason: string | undefined) => {
      clearTimeout(silence);
      clearInterval(watch);
      request?.destroy();
      if (reason !== undefined) {
        const broken = reason !== "silence";
        ledger.lost({ kind, reason, broken, repeatable: false, openedMs });
      }
      resolve();
    };
    const watch = setInterval(() => {
      if (stopped()) end(undefined);
    }, PAUSE_MS);
    request = get({ host: "127.0.0.1", port, path: "/events", agent: false }, (response) => {
      response.setEncoding("utf8").on("data", (text: string) => {
        clearTimeout(silence);
        silence = setTimeout(() => end("silence"), SILENCE_MS);
        for (const [, number] of text.matchAll(/data: (\d+)\n\n/g)) {
          if (Number(number) === expected) ledger.succeeded(kind);
          else ledger.fail(kind, `event ${number} came in place of ${expected}`);
          expected = Number(number) + 1;
        }
      });
      response.once("close", () => end(stopped() ? undefined : "closed"));
    });
    request.once("error", (error: NodeJS.ErrnoException) => end(stopped() ? undefined : error.code));
  });
}

export const STREAM_CLIENTS: readonly Client[] = [
  ...Array<Client>(4).fill(webSocket),
  ...Array<Client>(3).fill(events),
];
