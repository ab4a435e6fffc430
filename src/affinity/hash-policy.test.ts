// What the captured requests do not cover of the request hash: pseudo headers, several lines, generated cookies.
import { describe, expect, test } from "vitest";
import { CLIENT, requestOf, seededRandom } from "../../test/support/affinity.ts";
import type { HashPolicy } from "../model/index.ts";
import type { GeneratedCookie } from "./decision.ts";
import { hashRequest } from "./hash-policy.ts";
import { requestHash, xxh64 } from "./index.ts";

const user: HashPolicy = { kind: "header", name: "X-User", terminal: false };
const cookie: HashPolicy = { kind: "cookie", name: "c", attributes: [], terminal: false };

function rotated(hash: bigint): bigint {
  return ((hash << 1n) | (hash >> 63n)) & (2n ** 64n - 1n);
}

describe("request hash", () => {
  test("is undefined where no policy finds its key", () => {
    expect(requestHash([user, cookie], {})).toBeUndefined();
    expect(requestHash([], { headers: [["x-user", "a"]] })).toBeUndefined();
  });

  test("an empty header counts", () => {
    expect(requestHash([user], { headers: [["x-user", ""]] })).toBe(xxh64(""));
  });

  test("policies combine by rotate and xor", () => {
    const request = {
      headers: [
        ["x-user", "a"],
        ["cookie", "c=b"],
      ],
    } as const;
    expect(requestHash([user, cookie], request)).toBe(rotated(xxh64("a")) ^ xxh64("b"));
  });

  test("terminal stops on an earlier policy's hash although its own key is missing", () => {
    const policies = [user, { ...cookie, terminal: true }, { kind: "sourceIp", terminal: false } as const];
    expect(requestHash(policies, { headers: [["x-user", "a"]], sourceIp: "10.0.0.1" })).toBe(xxh64("a"));
  });

  test("lines of one header are sorted by bytes and chained", () => {
    const headers = [
      ["x-user", "b"],
      ["X-User", "B"],
      ["x-user", "a,b"],
    ] as const;
    expect(requestHash([user], { headers })).toBe(xxh64("b", xxh64("a,b", xxh64("B"))));
  });

  test("pseudo headers are Envoy's", () => {
    const request = { path: "/a?b", method: "PUT", authority: "shop.example" };
    const hashOf = (name: string) => requestHash([{ kind: "header", name, terminal: false }], request);
    expect(hashOf(":path")).toBe(xxh64("/a?b"));
    expect(hashOf(":method")).toBe(xxh64("PUT"));
    expect(hashOf(":authority")).toBe(xxh64("shop.example"));
  });
});

describe("generated cookies", () => {
  const generating: HashPolicy = { ...cookie, ttlSec: 60 };

  function generate(policies: HashPolicy[], peerIsProxy: boolean, seed: number): GeneratedCookie[] {
    const generated: GeneratedCookie[] = [];
    const hash = { high: 0, low: 0 };
    const client = { ...CLIENT, peerIsProxy };
    expect(hashRequest(policies, requestOf("/"), client, seededRandom(seed), generated, hash)).toBe(true);
    return generated;
  }

  test("one connection of a client gives one value", () => {
    const [first, second] = [generate([generating], false, 1), generate([generating], false, 2)];
    expect(first).toEqual(second);
    expect(first[0]).toMatchObject({ name: "c", maxAgeSec: 60 });
    expect(first[0]?.value).toMatch(/^[0-9a-f]{16}$/);
  });

  test("behind a proxy every request gets a value of its own", () => {
    const [first, second] = [generate([generating], true, 1), generate([generating], true, 2)];
    expect(first[0]?.value).toMatch(/^[0-9a-f]{16}$/);
    expect(first[0]?.value).not.toBe(second[0]?.value);
  });

  test("two policies for one name share its value", () => {
    expect(generate([generating, generating], true, 1)).toHaveLength(1);
  });
});
