// What may become the current configuration, and what happens to the version.
import { expect, test } from "vitest";
import type { Finding, Listener } from "../model/index.ts";
import { ConfigurationStore } from "./configuration-store.ts";
import type { FileSet } from "./file-source.ts";

/** A translation in miniature: each line `listen PORT` is a listener, each line `error CODE` a finding. */
function translate(set: FileSet, memory: number | undefined) {
  const lines = set.files.flatMap((file) => file.text.split("\n"));
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
  return { translation, memory: (memory ?? 0) + 1 };
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
    expected: "",
    hint: "",
  };
}

function storeOver(strict = false) {
  const disk = { text: "listen 80" };
  const store = new ConfigurationStore({
    read: async () => ({ files: [{ name: "a.yaml", text: disk.text }], problems: [], signature: disk.text }),
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
  return { store, reload };
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
    reasons: ["a.yaml:7: bad unreadable-file"],
  });
  expect(store.current).toBe(before);
});

test("no listener at all is refused", async () => {
  const { reload } = storeOver();
  expect(await reload("nothing")).toMatchObject({
    reasons: ["no Gateway has a listener that can be served"],
  });
});

test("a file that was emptied is no configuration, one that always was empty is", async () => {
  const { store, reload } = storeOver();
  await reload("listen 80");
  expect(await reload("")).toMatchObject({
    kind: "refused",
    reasons: [expect.stringContaining("a.yaml is empty"), expect.stringContaining("no Gateway")],
  });
  expect((await reload("listen 82")).kind).toBe("changed");
  expect(store.current?.snapshot.version).toBe(2);
});

test("other errors are served around, unless the configuration is strict", async () => {
  expect((await storeOver(false).reload("listen 80\nerror invalid-value")).kind).toBe("changed");
  expect(await storeOver(true).reload("listen 80\nerror invalid-value")).toMatchObject({
    kind: "refused",
    reasons: ["a.yaml:7: bad invalid-value"],
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
