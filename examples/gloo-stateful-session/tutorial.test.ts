// Plays the tutorial on Gloo's stateful session: the instance in a header, in a cookie, and what strict means.
import { describe, expect, test } from "vitest";
import { cookiePair, replicasOf, send, sendMany, spread } from "../../test/support/client.ts";
import { eventually } from "../../test/support/eventually.ts";
import { playTutorial, type Tutorial } from "../../test/support/tutorial.ts";

function play(option: string): Promise<Tutorial> {
  return playTutorial({
    example: "gloo-stateful-session",
    files: ["backend.yaml", "gateway.yaml", option],
    replicas: 2,
  });
}

const decoded = (base64: string): string => Buffer.from(base64, "base64").toString("latin1");

describe("header", () => {
  test("x-session-id carries base64 of the replica's address and brings the client back", async () => {
    const tutorial = await play("header.yaml");
    const first = await send(tutorial.port, { path: "/headers" });
    const session = first.headers["x-session-id"] as string;
    const home = tutorial.replicas.find((replica) => replica.name === first.replica);
    expect(decoded(session)).toBe(home?.address);

    tutorial.forgetLogs();
    const answers = await sendMany(tutorial.port, 10, { headers: { "x-session-id": session } });
    expect(replicasOf(answers)).toEqual([first.replica]);
    expect([...tutorial.served()].sort()).toEqual([0, 10]);
    expect(
      answers.map((answer) => answer.headers["x-session-id"]),
      "nothing new to say",
    ).toEqual(Array(10).fill(undefined));
    expect(await spread(tutorial.port), "without the header").toHaveLength(2);
  });
});

describe("cookie", () => {
  test("statefulsessioncookie carries the address and its end, and brings the client back", async () => {
    const tutorial = await play("cookie.yaml");
    const nowSec = () => Math.floor(Date.now() / 1000);
    const before = nowSec();
    const first = await send(tutorial.port, { path: "/headers" });
    const after = nowSec();
    expect(first.setCookie).toEqual([
      expect.stringMatching(/^statefulsessioncookie="[A-Za-z0-9+/]+=*"; Max-Age=60; Path=\/; HttpOnly$/),
    ]);
    const home = tutorial.replicas.find((replica) => replica.name === first.replica);
    const cookie = cookiePair(first.setCookie[0]);
    const bytes = decoded(cookie.slice(cookie.indexOf('"') + 1, -1));
    expect(bytes).toContain(home?.address);
    expect(expiryOf(bytes) - before).toBeGreaterThanOrEqual(60);
    expect(expiryOf(bytes) - after).toBeLessThanOrEqual(61);

    tutorial.forgetLogs();
    const answers = await sendMany(tutorial.port, 10, { headers: { cookie } });
    expect(replicasOf(answers)).toEqual([first.replica]);
    expect([...tutorial.served()].sort()).toEqual([0, 10]);
    expect(await spread(tutorial.port), "without the cookie").toHaveLength(2);
  });

  test("a session whose replica is gone moves; a strict one is refused", async () => {
    for (const [option, status] of [
      ["cookie.yaml", 200],
      ["strict-cookie.yaml", 503],
    ] as const) {
      const tutorial = await play(option);
      const first = await send(tutorial.port);
      const cookie = cookiePair(first.setCookie[0]);
      const home = tutorial.replicas.find((replica) => replica.name === first.replica);
      tutorial.files.put("backend.yaml", (text) => withoutSliceOf(text, home?.port));
      const after = await eventually(
        () => send(tutorial.port, { headers: { cookie } }),
        (answer) => answer.replica !== first.replica,
      );
      expect(after.status).toBe(status);
      expect(after.setCookie, "a moved session gets a new token").toHaveLength(status === 200 ? 1 : 0);
      const line = await tutorial.gateway.waitForAccess((entry) =>
        ["moved", "rejected"].includes(entry.affinity?.outcome ?? ""),
      );
      expect(line.affinity?.outcome).toBe(status === 200 ? "moved" : "rejected");
    }
  });
});

/** Field 2 of the protobuf: tag 0x10, then a varint of unix seconds. */
function expiryOf(bytes: string): number {
  let at = bytes.indexOf("\x10") + 1;
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes.charCodeAt(at++);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
  }
}

function withoutSliceOf(text: string, port: number | undefined): string {
  return text
    .split("\n---\n")
    .filter((document) => !document.includes(`port: ${port}\n`))
    .join("\n---\n");
}
