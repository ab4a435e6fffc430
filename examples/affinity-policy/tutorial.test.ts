// Plays the AffinityPolicies of this folder: who is kept by a cookie, who by a hash, and what a strict session answers.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cookiePair, replicasOf, send, sendMany } from "../../test/support/client.ts";
import { eventually } from "../../test/support/eventually.ts";
import { playTutorial, type Tutorial } from "../../test/support/tutorial.ts";

function play(policy: string): Promise<Tutorial> {
  return playTutorial({
    example: "affinity-policy",
    files: ["backend.yaml", "gateway.yaml", policy],
    replicas: 3,
  });
}

const CART = "/anything/cart";

test("the page about the policy shows the policy", () => {
  const policy = readFileSync(join(import.meta.dirname, "policy.yaml"), "utf8");
  const page = readFileSync(join(import.meta.dirname, "../../docs/affinity-policy.md"), "utf8");
  expect(page).toContain(policy.slice(policy.indexOf("\n") + 1));
});

describe("policy.yaml", () => {
  test("the rule of the carts keeps a client, the other rule sets no cookie", async () => {
    const tutorial = await play("policy.yaml");
    const first = await send(tutorial.port, { path: CART });
    expect(first.setCookie).toEqual([
      expect.stringMatching(/^home="[^"]+"; Path=\/; SameSite=Lax; HttpOnly$/),
    ]);
    const cookie = cookiePair(first.setCookie[0]);
    const answers = await sendMany(tutorial.port, 20, { path: CART, headers: { cookie } });
    expect(replicasOf(answers)).toEqual([first.replica]);
    expect((await send(tutorial.port, { path: "/get" })).setCookie).toEqual([]);
  });

  test("without a session a user begins where the hash leads, and a session goes before it", async () => {
    const tutorial = await play("policy.yaml");
    const user = { "x-user": "alice" };
    const home = await sendMany(tutorial.port, 10, { path: CART, headers: user });
    expect(replicasOf(home)).toHaveLength(1);

    const others = await sendMany(tutorial.port, 20, { path: CART, headers: { "x-user": "bob" } });
    const cookie = cookiePair(others[0]?.setCookie[0]);
    const kept = await send(tutorial.port, { path: CART, headers: { ...user, cookie } });
    expect(kept.replica).toBe(others[0]?.replica);
  });
});

describe("strict.yaml", () => {
  test("a session whose replica is gone is refused with the policy's status and reaches nobody", async () => {
    const tutorial = await play("strict.yaml");
    const first = await send(tutorial.port, { path: CART });
    const token = first.headers["x-cart"] as string;
    const home = tutorial.replicas.find((replica) => replica.name === first.replica);
    tutorial.files.put("backend.yaml", (text) =>
      text
        .split("\n---\n")
        .filter((document) => !document.includes(`port: ${home?.port}\n`))
        .join("\n---\n"),
    );
    const after = await eventually(
      () => send(tutorial.port, { path: CART, headers: { "x-cart": token } }),
      (answer) => answer.replica !== first.replica,
    );
    expect(after.status).toBe(410);
    expect(after.replica).toBeUndefined();
    const newcomer = await send(tutorial.port, { path: CART });
    expect(newcomer.status).toBe(200);
  });
});
