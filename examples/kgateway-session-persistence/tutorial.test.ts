// Plays the tutorial on sessionPersistence in HTTPRoute: cookie and header, lifetimes, restart, and who wins over the hash.
import { expect, test } from "vitest";
import { cookiePair, replicasOf, send, sendMany, spread } from "../../test/support/client.ts";
import { eventually } from "../../test/support/eventually.ts";
import { playTutorial, type Tutorial } from "../../test/support/tutorial.ts";

function play(...files: string[]): Promise<Tutorial> {
  return playTutorial({
    example: "kgateway-session-persistence",
    files: ["backend.yaml", "gateway.yaml", ...files],
    replicas: 2,
  });
}

test.each(["permanent-cookie.yaml", "gateway-api-1.7.yaml"])(
  "%s: the cookie says how long it lives, keeps its client, and survives a restart of the gateway",
  async (route) => {
    const tutorial = await play(route);
    const first = await send(tutorial.port);
    expect(first.setCookie).toEqual([
      expect.stringMatching(/^Session-A="[A-Za-z0-9+/]+=*"; Max-Age=1800; Path=\/; SameSite=Lax; HttpOnly$/),
    ]);
    const cookie = cookiePair(first.setCookie[0]);

    tutorial.forgetLogs();
    expect(replicasOf(await sendMany(tutorial.port, 10, { headers: { cookie } }))).toEqual([first.replica]);
    expect([...tutorial.served()].sort()).toEqual([0, 10]);
    expect(await spread(tutorial.port), "without the cookie").toHaveLength(2);

    await tutorial.restartGateway();
    tutorial.forgetLogs();
    expect(replicasOf(await sendMany(tutorial.port, 10, { headers: { cookie } }))).toEqual([first.replica]);
    expect([...tutorial.served()].sort()).toEqual([0, 10]);
  },
);

test("session-cookie.yaml: a browser-session cookie has no Max-Age, and the gateway itself ends it in time", async () => {
  const tutorial = await play("session-cookie.yaml");
  const first = await send(tutorial.port);
  expect(first.setCookie).toEqual([
    expect.stringMatching(/^Session-A="[A-Za-z0-9+/]+=*"; Path=\/; SameSite=Lax; HttpOnly$/),
  ]);
  const cookie = cookiePair(first.setCookie[0]);
  expect((await send(tutorial.port, { headers: { cookie } })).replica).toBe(first.replica);
  const renewed = await eventually(
    () => send(tutorial.port, { headers: { cookie } }),
    (answer) => answer.setCookie.length > 0,
  );
  expect(renewed.setCookie[0]).toMatch(/^Session-A="/);
  const expired = await tutorial.gateway.waitForAccess((line) => line.affinity?.outcome === "expired");
  expect(expired.affinity?.reason).toBeTruthy();
});

test("two-paths.yaml: a cookie under one path, a header with an idle timeout under the other", async () => {
  const tutorial = await play("two-paths.yaml");
  const a = await send(tutorial.port, { path: "/path-A" });
  expect(a.setCookie).toEqual([expect.stringMatching(/^Session-A="[^"]+"; Max-Age=10; Path=\/; /)]);
  expect(a.headers["session-b"]).toBeUndefined();
  const cookie = cookiePair(a.setCookie[0]);
  expect(replicasOf(await sendMany(tutorial.port, 10, { path: "/path-A/x", headers: { cookie } }))).toEqual([
    a.replica,
  ]);

  const b = await send(tutorial.port, { path: "/path-B" });
  expect(b.setCookie).toEqual([]);
  const session = b.headers["session-b"] as string;
  expect(
    replicasOf(await sendMany(tutorial.port, 10, { path: "/path-B", headers: { "session-b": session } })),
  ).toEqual([b.replica]);
  expect((await send(tutorial.port, { path: "/elsewhere" })).status).toBe(404);
});

test("hash.yaml: the session wins over the hash, and the hash decides for whoever has none", async () => {
  const tutorial = await play("permanent-cookie.yaml", "hash.yaml");
  const byHash = new Map<string, string | undefined>();
  for (let index = 0; index < 20; index++) {
    const key = `user-${index}`;
    const answers = await sendMany(tutorial.port, 3, { headers: { "x-user-id": key } });
    expect(replicasOf(answers), `${key} without a session`).toHaveLength(1);
    byHash.set(key, answers[0]?.replica);
  }
  expect(new Set(byHash.values()).size).toBe(2);
  const [someone, home] = [...byHash][0] as [string, string];
  const first = await send(tutorial.port, { headers: { "x-user-id": someone } });
  expect(first.replica).toBe(home);
  const cookie = cookiePair(first.setCookie[0]);
  const [other] = [...byHash].find(([, replica]) => replica !== home) as [string, string];
  const answers = await sendMany(tutorial.port, 10, { headers: { "x-user-id": other, cookie } });
  expect(replicasOf(answers), "the hash alone would have gone elsewhere").toEqual([home]);
});
