// The explainer of a process that has something else to do.
import { expect, onTestFinished, test } from "vitest";
import { backendOf, endpointAt } from "../../../test/support/affinity.ts";
import { listener } from "../../../test/support/routes.ts";
import { forwardRule, snapshotOf } from "../../../test/support/snapshots.ts";
import { DEFAULT_DATAPLANE_OPTIONS } from "../../dataplane/options.ts";
import type { Listener } from "../../model/index.ts";
import { Explainer } from "./explainer.ts";
import { readQuestion } from "./question.ts";

test("a large table is built before the answer, in slices between which others have their turn", async () => {
  const loadBalancer = { kind: "maglev", tableSize: 5_000_011, useHostname: false } as const;
  const web = backendOf("web", [endpointAt("10.0.0.1:80"), endpointAt("10.0.0.2:80")], { loadBalancer });
  const hashPolicies = [{ kind: "header", name: "x-user", terminal: false }] as const;
  const snapshot = snapshotOf({ backends: [web], rules: [forwardRule([web], { hashPolicies })] });
  const explainer = new Explainer({ dataplane: DEFAULT_DATAPLANE_OPTIONS, portOffset: 0 }, () => 0.5);
  onTestFinished(() => explainer.close());
  const texts = { request: "GET http://shop.example/", headers: ["x-user: ada"], refusing: [] };
  const question = readQuestion(texts, 100);
  let turns = 0;
  const counting = setInterval(() => {
    turns += 1;
  }, 0);
  await explainer.prepare(question, snapshot);
  clearInterval(counting);
  expect(turns).toBeGreaterThan(3);
  const { endpoint } = explainer.explain(question, { snapshot, keys: undefined, nowMs: 0 });
  expect(endpoint).not.toBeNull();
});

test("a URL finds the listener by the port that clients see, and its twin by the port that is bound", () => {
  const [one, two] = ["one", "two"].map((name, index) => ({
    ...listener(name),
    port: 80,
    bindPort: 20_000 + index,
  })) as [Listener, Listener];
  const snapshot = snapshotOf({ listeners: [one, two], backends: [] });
  const explainer = new Explainer({ dataplane: DEFAULT_DATAPLANE_OPTIONS, portOffset: 0 }, () => 0.5);
  onTestFinished(() => explainer.close());
  const bindOf = (local?: string) => {
    const texts = { request: "GET http://shop.example/", headers: [], refusing: [], local };
    const explained = explainer.explain(readQuestion(texts, 100), { snapshot, keys: undefined, nowMs: 0 });
    return explained.stages.listener.bind;
  };
  expect(bindOf()).toBe("20000");
  expect(bindOf("10.0.0.1:20001")).toBe("20001");
  const wrong = { request: "GET http://shop.example:81/", headers: [], refusing: [] };
  expect(() => {
    explainer.explain(readQuestion(wrong, 100), { snapshot, keys: undefined, nowMs: 0 });
  }).toThrow("there are 80");
});

test("an expression that would backtrack for years does not keep the process", () => {
  const web = backendOf("web", [endpointAt("10.0.0.1:80")]);
  const path = { type: "regex", value: "/(?:a?){500}" } as const;
  const rule = { ...forwardRule([web]), matches: [{ path, headers: [], query: [] }] };
  const snapshot = snapshotOf({ backends: [web], rules: [rule] });
  const explainer = new Explainer({ dataplane: DEFAULT_DATAPLANE_OPTIONS, portOffset: 0 }, () => 0.5);
  onTestFinished(() => explainer.close());
  const endpointFor = (letters: string) => {
    const texts = { request: `GET http://shop.example/${letters}`, headers: [], refusing: [] };
    return explainer.explain(readQuestion(texts, 100), { snapshot, keys: undefined, nowMs: 0 }).endpoint;
  };
  expect(endpointFor("a".repeat(400))).toBe("10.0.0.1:80");
  expect(endpointFor(`${"a".repeat(400)}b`)).toBeNull();
});
