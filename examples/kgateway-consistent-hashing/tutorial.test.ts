// Plays the tutorial on consistent hashing with kgateway's BackendConfigPolicy: ten requests with one key, one replica's log.
import { describe, expect, test } from "vitest";
import {
  type ClientRequest,
  cookiePair,
  replicasOf,
  send,
  sendMany,
  spread,
} from "../../test/support/client.ts";
import { playTutorial, type Tutorial } from "../../test/support/tutorial.ts";

function play(policy: string): Promise<Tutorial> {
  return playTutorial({
    example: "kgateway-consistent-hashing",
    files: ["backend.yaml", "gateway.yaml", policy],
    replicas: 4,
  });
}

/** Ten requests, as in the tutorial, and the check of the logs that follows them there. */
async function reachesOneReplica(tutorial: Tutorial, one: ClientRequest): Promise<string> {
  tutorial.forgetLogs();
  const answers = await sendMany(tutorial.port, 10, one);
  expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(200));
  expect([...tutorial.served()].sort()).toEqual([0, 0, 0, 10]);
  return replicasOf(answers)[0] as string;
}

const KEYS = Array.from({ length: 24 }, (_, index) => `user-${index}`);

/** Many keys, each on one replica, all together on all of them. */
async function usesEveryReplica(tutorial: Tutorial, requests: ClientRequest[]): Promise<void> {
  const answers = await Promise.all(requests.map((one) => send(tutorial.port, one)));
  expect(replicasOf(answers)).toHaveLength(4);
}

describe.each(["ringhash", "maglev"])("%s", (algorithm) => {
  test("a header keeps its client on one replica", async () => {
    const tutorial = await play(`${algorithm}-header.yaml`);
    await reachesOneReplica(tutorial, { path: "/headers", headers: { "x-user-id": "alice" } });
    await usesEveryReplica(
      tutorial,
      KEYS.map((key) => ({ headers: { "x-user-id": key } })),
    );
    expect((await spread(tutorial.port)).length, "without the header").toBeGreaterThan(1);
  });

  test("a cookie is made for a client that has none, and keeps it on the replica of its first request", async () => {
    const tutorial = await play(`${algorithm}-cookie.yaml`);
    const first = await send(tutorial.port);
    expect(first.setCookie).toEqual([
      expect.stringMatching(/^session_id="[0-9a-f]{16}"; Max-Age=1800; Path=\/; HttpOnly$/),
    ]);
    const cookie = cookiePair(first.setCookie[0]);
    expect(await reachesOneReplica(tutorial, { headers: { cookie } })).toBe(first.replica);
    expect((await send(tutorial.port, { headers: { cookie } })).setCookie).toEqual([]);
    await usesEveryReplica(
      tutorial,
      KEYS.map((key) => ({ headers: { cookie: `session_id=${key}` } })),
    );
  });

  test("the address keeps its client on one replica", async () => {
    const tutorial = await play(`${algorithm}-source-ip.yaml`);
    await reachesOneReplica(tutorial, {});
  });

  test("of several policies the first terminal one that finds its key decides", async () => {
    const tutorial = await play(`${algorithm}-fallback.yaml`);
    const replicaOf = async (headers: Record<string, string>) =>
      (await reachesOneReplica(tutorial, { headers })) as string;
    const byAddress = await replicaOf({});
    const byCookie = new Map<string, string>();
    for (const key of KEYS.slice(0, 6)) byCookie.set(key, await replicaOf({ cookie: `session_id=${key}` }));
    expect(new Set(byCookie.values()).size, "cookies differ").toBeGreaterThan(1);
    for (const key of KEYS.slice(0, 6)) {
      const byHeader = await replicaOf({ "x-user-id": key });
      for (const other of [...byCookie.keys()].slice(0, 3)) {
        expect(await replicaOf({ "x-user-id": key, cookie: `session_id=${other}` }), "header wins").toBe(
          byHeader,
        );
      }
    }
    expect(await replicaOf({ cookie: "unrelated=1" }), "the address is left").toBe(byAddress);
  });
});
