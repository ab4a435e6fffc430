// What may become the current configuration, and what happens to the version.
import { expect, test } from "vitest";
import type { Resource } from "../dialects/translation.ts";
import type { Finding, Listener } from "../model/index.ts";
import { ConfigurationStore } from "./configuration-store.ts";

/** A translation in miniature: each line `listen PORT` is a listener, each line `error CODE` a finding. */
function translate(resources: readonly Resource[], _options: object, memory: number | undefined) {
  const lines = resources.flatMap(({ value }) => (value as string).split("\n"));
  const listeners = lines.flatMap((line) =>
    line.startsWith("listen ") ? [listener(Number(line.slice(7)))] : [],
  );
  const findings = lines.flatMap((line) => (line.startsWith("error ") ? [finding(line.slice(6))] : []));
  const translation = {
    snapshot: { listeners, routes: [], tlsRoutes: [], backends: [] },
    statuses: [],
    gateways: [],
    findings,
  };
  return { ...translation, memory: (memory ?? 0) + 1 };
}

function listener(port: number): Listener {
  const gateway = { group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "default", name: "edge" };
  return {
    id: `Gateway/default/edge/p${port}`,
    gateway,
    name: `p${port}`,
    addresses: [],
    port,
    protocol: "HTTP",
  };
}

function finding(code: string): Finding {
  return {
    code: code as Finding["code"],
    severity: "error",
    path: "",
    source: { file: "a.yaml", line: 7, column: 1 },
    message: `bad ${code}`,
    expected: "a line",
    hint: "write listen 81",
  };
}

function resource(value: string): Resource {
  const object = { group: "", kind: "Lines", namespace: "", name: "a" };
  return { apiVersion: "v1", kind: "Lines", object, value, position: () => undefined };
}

function storeOver({ strict = false, isExacting = true } = {}) {
  const disk = { text: "listen 80", refusals: [] as string[] };
  const accepted: string[] = [];
  const store = new ConfigurationStore({
    source: {
      isExacting,
      read: async () => ({
        resources: [resource(disk.text)],
        options: {},
        findings: [],
        refusals: disk.refusals,
      }),
      accepted: (input) => void accepted.push(String(input.resources[0]?.value)),
    },
    translate,
    strict,
    nowMs: () => 1_000,
  });
  const reload = async (text: string) => {
    disk.text = text;
    const outcome = await store.load();
    if (outcome.kind !== "refused") store.accept(outcome.configuration);
    return outcome;
  };
  return { store, reload, disk, accepted };
}

test("the version counts changes, not loads", async () => {
  const { store, reload } = storeOver();
  await reload("listen 80");
  expect(store.current).toMatchObject({ snapshot: { version: 1 }, loadedAtMs: 1_000 });
  expect((await reload("listen 80\n")).kind).toBe("unchanged");
  expect(store.current?.snapshot.version).toBe(1);
  await reload("listen 81");
  expect(store.current?.snapshot).toMatchObject({ version: 2, listeners: [{ port: 81 }] });
});

test("findings are those of the last load, also where the snapshot stays", async () => {
  const { store, reload } = storeOver();
  await reload("listen 80");
  await reload("listen 80\nerror invalid-value");
  expect(store.current?.findings).toHaveLength(1);
});

test("an unreadable file refuses everything and says where", async () => {
  const { store, reload } = storeOver();
  await reload("listen 80");
  const before = store.current;
  expect(await reload("listen 81\nerror unreadable-file")).toMatchObject({
    kind: "refused",
    reasons: ["a.yaml:7:1: bad unreadable-file (expected a line; write listen 81)"],
  });
  expect(store.current).toBe(before);
});

test("no listener at all is refused", async () => {
  const { reload } = storeOver();
  expect(await reload("nothing")).toMatchObject({
    reasons: ["no Gateway has a listener that can be served"],
  });
});

test("a cluster without a listener is served", async () => {
  const { store, reload } = storeOver({ isExacting: false });
  expect((await reload("nothing")).kind).toBe("changed");
  expect(store.current?.snapshot.version).toBe(1);
});

test("what its source refuses is refused, and the source is told what was accepted", async () => {
  const { reload, disk, accepted } = storeOver();
  await reload("listen 80");
  disk.refusals.push("a.yaml is empty");
  expect(await reload("listen 81")).toMatchObject({ kind: "refused", reasons: ["a.yaml is empty"] });
  disk.refusals.pop();
  expect((await reload("listen 82")).kind).toBe("changed");
  expect(accepted).toEqual(["listen 80", "listen 82"]);
});

test("other errors are served around, unless the configuration is strict", async () => {
  expect((await storeOver().reload("listen 80\nerror invalid-value")).kind).toBe("changed");
  expect(await storeOver({ strict: true }).reload("listen 80\nerror invalid-value")).toMatchObject({
    kind: "refused",
    reasons: ["a.yaml:7:1: bad invalid-value (expected a line; write listen 81)"],
  });
});

test("a load that is not accepted changes nothing", async () => {
  const { store, reload } = storeOver();
  await reload("listen 80");
  const outcome = await store.load();
  await store.load();
  expect(() => outcome.kind !== "refused" && store.accept(outcome.configuration)).toThrow(
    "not what was loaded last",
  );
});
