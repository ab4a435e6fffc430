// Plays the tutorial on Istio's DestinationRule: a cookie that the gateway makes, the other three keys, and scaling.
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { buildRing, xxh64 } from "../../src/affinity/index.ts";
import type { Replica } from "../../src/demo/replica.ts";
import { cookiePair, replicasOf, send, sendMany, spread } from "../../test/support/client.ts";
import { eventually } from "../../test/support/eventually.ts";
import { playTutorial, type Tutorial } from "../../test/support/tutorial.ts";

function play(rule: string): Promise<Tutorial> {
  return playTutorial({
    example: "istio-consistent-hash",
    files: ["backend.yaml", "gateway.yaml", ...(rule === "" ? [] : [rule])],
    replicas: 3,
  });
}

/** `upstream_addr` of the newest `count` lines for this path in the access log, without repetition. */
async function upstreamAddresses(
  tutorial: Tutorial,
  path: string,
  count: number,
): Promise<(string | null)[]> {
  const lines = await eventually(
    async () => tutorial.gateway.accessLog().filter((line) => line.path === path),
    (found) => found.length >= count,
  );
  return [...new Set(lines.slice(-count).map((line) => line.upstream_addr))];
}

test("without a rule requests spread over the replicas, which upstream_addr shows", async () => {
  const tutorial = await play("");
  await sendMany(tutorial.port, 40, { path: "/status/418" });
  expect((await upstreamAddresses(tutorial, "/status/418", 40)).length).toBeGreaterThan(1);
});

test.each(["cookie.yaml", "maglev-cookie.yaml"])(
  "%s: the cookie of the first answer keeps the client on one replica",
  async (rule) => {
    const tutorial = await play(rule);
    const first = await send(tutorial.port);
    expect(first.setCookie).toEqual([expect.stringMatching(/^sticky-session-key="[0-9a-f]{16}"; HttpOnly$/)]);
    const cookie = cookiePair(first.setCookie[0]);
    const answers = await sendMany(tutorial.port, 10, { path: "/status/333", headers: { cookie } });
    expect(answers.flatMap((answer) => answer.setCookie)).toEqual([]);
    expect(replicasOf(answers)).toEqual([first.replica]);
    const home = tutorial.replicas.find((replica) => replica.name === first.replica);
    expect(await upstreamAddresses(tutorial, "/status/333", 10)).toEqual([home?.address]);
  },
);

test.each([
  ["header.yaml", { headers: { "x-user": "alice" } }, true],
  ["query.yaml", { path: "/get?room=blue" }, true],
  ["source-ip.yaml", {}, false],
] as const)("%s: one key, one replica", async (rule, one, spreadsWithout) => {
  const tutorial = await play(rule);
  const answers = await sendMany(tutorial.port, 10, one);
  expect(replicasOf(answers)).toHaveLength(1);
  expect([...tutorial.served()].sort()).toEqual([0, 0, 10]);
  if (spreadsWithout) expect((await spread(tutorial.port)).length).toBeGreaterThan(1);
});

test("scaling in and out moves the keys that Envoy's ring moves, and scaling out again brings everyone home", async () => {
  const tutorial = await play("header.yaml");
  const [one, two, removed] = tutorial.replicas as [Replica, Replica, Replica];
  const keys = Array.from({ length: 200 }, (_, index) => `user-${index}`);
  const homes = async () => {
    const answers = await Promise.all(keys.map((key) => send(tutorial.port, { headers: { "x-user": key } })));
    return answers.map((answer) => answer.replica);
  };
  const three = await homes();
  expect(three).toEqual(ringHomes(keys, [one, two, removed]));

  tutorial.files.put("backend.yaml", (text) => text.slice(0, text.lastIndexOf("\n---\n")));
  // Requests on either side of the reload may stand in one list, so it takes a list without any of the old ones.
  const expected = ringHomes(keys, [one, two]);
  const afterScalingIn = await eventually(homes, (found) => isDeepStrictEqual(found, expected));
  // A ring keeps its size, so those who stay get more places on it: some keys move between them, most do not.
  const stayed = keys.filter((_, index) => three[index] !== removed.name);
  const moved = keys.filter(
    (_, index) => three[index] !== removed.name && afterScalingIn[index] !== three[index],
  );
  expect(moved.length / stayed.length).toBeLessThan(0.5);

  tutorial.files.put("backend.yaml");
  await eventually(homes, (found) => isDeepStrictEqual(found, three));
});

/** Where Envoy's ring of these replicas has the keys: sorted by address, as Limpet builds it. */
function ringHomes(keys: readonly string[], replicas: readonly Replica[]): string[] {
  const ring = buildRing(replicas.map((replica) => ({ key: replica.address })));
  return keys.map((key) => (replicas[ring.pick(xxh64(key))] as Replica).name);
}
