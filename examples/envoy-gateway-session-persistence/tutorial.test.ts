// Plays the tutorial on session persistence with Envoy Gateway: a cookie that expires, a header that is left away.
import { expect, test } from "vitest";
import { cookiePair, replicasOf, send, sendMany, spread } from "../../test/support/client.ts";
import { eventually } from "../../test/support/eventually.ts";
import { playTutorial, type Tutorial } from "../../test/support/tutorial.ts";

/** The tutorial waits ten seconds; `npm run test:shell` does so too. Here three are enough. */
const shorter = (text: string): string => text.replace("absoluteTimeout: 10s", "absoluteTimeout: 3s");

function play(file: string): Promise<Tutorial> {
  return playTutorial({
    example: "envoy-gateway-session-persistence",
    files: ["backend.yaml", "gateway.yaml", file],
    replicas: 4,
    change: shorter,
  });
}

test("cookie.yaml: all answers come from one pod until the cookie expires, then they spread again", async () => {
  const tutorial = await play("cookie.yaml");
  const first = await send(tutorial.port);
  expect(first.setCookie).toEqual([
    expect.stringMatching(/^Session-A="[^"]+"; Max-Age=3; Path=\/; SameSite=Lax; HttpOnly$/),
  ]);
  const cookie = cookiePair(first.setCookie[0]);
  expect(replicasOf(await sendMany(tutorial.port, 5, { headers: { cookie } }))).toEqual([first.replica]);
  await eventually(
    () => send(tutorial.port, { headers: { cookie } }),
    (answer) => answer.setCookie.length > 0,
  );
  expect((await spread(tutorial.port, { headers: { cookie } })).length).toBeGreaterThan(1);
});

test("header.yaml: the header brings the client back, its timeout is kept, and without it requests spread", async () => {
  const tutorial = await play("header.yaml");
  const first = await send(tutorial.port);
  const session = first.headers["session-a"] as string;
  expect(replicasOf(await sendMany(tutorial.port, 5, { headers: { "Session-A": session } }))).toEqual([
    first.replica,
  ]);
  expect((await spread(tutorial.port)).length, "without the header").toBeGreaterThan(1);
  await eventually(
    () => send(tutorial.port, { headers: { "Session-A": session } }),
    (answer) => answer.headers["session-a"] !== undefined,
  );
  expect((await spread(tutorial.port, { headers: { "Session-A": session } })).length).toBeGreaterThan(1);
});

test("consistent-hash.yaml: Maglev over a header keeps each user on one pod", async () => {
  const tutorial = await play("consistent-hash.yaml");
  const homes = new Set<string | undefined>();
  for (const user of ["ada", "ben", "cleo", "dan", "eve", "fay", "gus", "hal", "ida", "jon", "kim", "leo"]) {
    const answers = await sendMany(tutorial.port, 10, { headers: { "x-user": user } });
    expect(replicasOf(answers)).toHaveLength(1);
    homes.add(answers[0]?.replica);
  }
  expect(homes.size).toBeGreaterThan(1);
});
