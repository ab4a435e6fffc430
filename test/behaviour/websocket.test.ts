// WebSockets through `limpet run` with a real client: they are spliced, and a session brings them home like any request.
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { cookiePair, send } from "../support/client.ts";
import { playTutorial } from "../support/tutorial.ts";

/** The greeting of the replica and the echo of a message. */
function talk(
  port: number,
  headers: Record<string, string>,
): Promise<{ greeting: string; echo: string; setCookie: string[] }> {
  return new Promise((resolve, reject) => {
    const received: string[] = [];
    let setCookie: string[] = [];
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, {
      headers: { host: "www.example.com", ...headers },
    });
    socket.on("upgrade", (response) => {
      setCookie = response.headers["set-cookie"] ?? [];
    });
    socket.on("open", () => socket.send("are you my home?"));
    socket.on("message", (data) => {
      received.push(String(data));
      if (received.length === 2) socket.close();
    });
    socket.on("close", () => resolve({ greeting: received[0] ?? "", echo: received[1] ?? "", setCookie }));
    socket.on("error", reject);
  });
}

test("a WebSocket gets the session's cookie with its 101, and comes home with it", async () => {
  const tutorial = await playTutorial({
    example: "kgateway-session-persistence",
    files: ["backend.yaml", "gateway.yaml", "permanent-cookie.yaml"],
    replicas: 2,
  });
  const first = await talk(tutorial.port, {});
  expect(first.echo).toBe("are you my home?");
  expect(first.setCookie).toEqual([expect.stringMatching(/^Session-A="/)]);
  const cookie = cookiePair(first.setCookie[0]);
  for (let count = 0; count < 6; count++) {
    expect((await talk(tutorial.port, { cookie })).greeting).toBe(first.greeting);
  }
  const home = (await send(tutorial.port, { headers: { cookie } })).replica;
  expect(first.greeting).toContain(home);
});
