// What the store of session keys makes of a file that changes: what it hands out, in which order, and what it says.
import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { createLogger } from "../telemetry/index.ts";
import { type SessionKeySource, SessionKeyStore } from "./session-key-store.ts";

/** Keys that a test can tell apart. */
const key = (letter: string) => Buffer.alloc(32, letter).toString("base64");
const [A, B, C] = ["a", "b", "c"].map(key) as [string, string, string];

const fileOf = (...keys: string[]) => keys.map((line) => `${line}\n`).join("");

function newFile(text: string): string {
  const path = join(temporaryFolder(), "keys");
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

async function start(source: SessionKeySource, watch = false) {
  const published: (readonly string[])[] = [];
  const log: { level: string; msg: string; reason?: string }[] = [];
  const waiting: (() => void)[] = [];
  const store = new SessionKeyStore({
    source,
    watch,
    logger: createLogger({ level: "info", human: false, write: (line) => log.push(JSON.parse(line)) }),
    publish: async (lines) => {
      published.push(lines);
      for (const resolve of waiting.splice(0)) resolve();
    },
  });
  onTestFinished(() => store.stop());
  await store.start();
  const nextPublication = () => new Promise<void>((resolve) => waiting.push(resolve));
  return { store, published, log, nextPublication };
}

const startFrom = (path: string, watch = false) => start({ kind: "file", path }, watch);

function reloads(store: SessionKeyStore): Record<string, number> {
  const samples = store.samples().filter(({ name }) => name === "limpet_session_key_reloads_total");
  return Object.fromEntries(samples.map(({ labels, value }) => [labels["result"], value]));
}

function uses(store: SessionKeyStore): (string | undefined)[] {
  return store
    .samples()
    .flatMap(({ name, labels }) => (name === "limpet_session_keys" ? [labels["use"]] : []));
}

test("keys are handed out in the order of the file, without its comments", async () => {
  const { store, published } = await startFrom(newFile(`# mine\n\n ${A} \r\n${B}`));
  expect(published).toEqual([[A, B]]);
  expect(uses(store)).toEqual(["seals", "opens"]);
});

test.each([
  [
    "a key put first that nobody has",
    fileOf(C, A, B),
    [
      [A, C, B],
      [C, A, B],
    ],
  ],
  ["a file of other keys", fileOf(C), [[A, C], [C]]],
])("%s is learned by all behind the one that seals, before it seals itself", async (_, text, expected) => {
  const path = newFile(fileOf(A, B));
  const { store, published } = await startFrom(path);
  writeFileSync(path, text);
  await store.reload();
  expect(published.slice(1)).toEqual(expected);
});

test.each([
  ["a key added at the end", fileOf(A, B, C), [A, B, C]],
  ["a known key put first", fileOf(B, A), [B, A]],
  ["an old key taken out", fileOf(B), [B]],
])("%s is handed out at once", async (_, text, expected) => {
  const path = newFile(fileOf(A, B));
  const { store, published, log } = await startFrom(path);
  writeFileSync(path, text);
  await store.reload();
  expect(published.slice(1)).toEqual([expected]);
  expect(reloads(store)).toEqual({ published: 1, unchanged: 0, kept: 0 });
  expect(log.map(({ msg }) => msg)).toEqual(["session keys published"]);
});

test("other comments are no other keys", async () => {
  const path = newFile(fileOf(A));
  const { store, published } = await startFrom(path);
  writeFileSync(path, `# once more\n${A}\n`);
  await store.reload();
  expect(published).toHaveLength(1);
  expect(reloads(store)).toEqual({ published: 0, unchanged: 1, kept: 0 });
});

test("when none of the keys is left, the log says that every session begins anew", async () => {
  const path = newFile(fileOf(A));
  const { store, log } = await startFrom(path);
  writeFileSync(path, fileOf(B));
  await store.reload();
  expect(log.at(-1)).toMatchObject({
    level: "warn",
    msg: expect.stringContaining("every session begins anew"),
  });
});

test("a file that is no good changes nothing, is told with its line, and is counted", async () => {
  const path = newFile(fileOf(A));
  const { store, published, log } = await startFrom(path);
  for (const text of ["", `${A}\nAAEC\n`, `${A}\n${A}\n`, `# ${"x".repeat(70_000)}\n${A}\n`]) {
    writeFileSync(path, text);
    await store.reload();
  }
  expect(published).toEqual([[A]]);
  expect(store.current?.lines).toEqual([A]);
  expect(reloads(store)).toEqual({ published: 0, unchanged: 0, kept: 4 });
  expect(new Set(log.map(({ level, msg }) => `${level} ${msg}`))).toEqual(
    new Set(["error the last good session keys stay"]),
  );
  expect(log.map(({ reason }) => reason?.slice(path.length))).toEqual([
    expect.stringMatching(/^: there is no key in it/),
    expect.stringMatching(/^:2: .*found 3 bytes/),
    expect.stringMatching(/^:2: .*line 1/),
    expect.stringMatching(/^: larger than 65536 bytes/),
  ]);
});

test("a file that others may read or write is used, with a warning that says what to do", async () => {
  const path = newFile(fileOf(A));
  for (const [mode, warns] of [
    [0o600, false],
    [0o440, false],
    [0o644, true],
    [0o602, true],
  ] as const) {
    chmodSync(path, mode);
    const { log } = await startFrom(path);
    expect(log.map(({ level, msg }) => [level, msg.includes("chmod 600")])).toEqual(
      warns ? [["warn", true]] : [],
    );
  }
});

test("a key that is made is nobody else's", async () => {
  const [one, two] = [await start({ kind: "made" }), await start({ kind: "made" })];
  expect(one.published).toHaveLength(1);
  expect(one.published).not.toEqual(two.published);
  await one.store.reload();
  expect(one.published).toHaveLength(1);
});

test.each<[string, (path: string) => void]>([
  ["written in place", (path) => writeFileSync(path, fileOf(A, B))],
  [
    "renamed over",
    (path) => {
      writeFileSync(`${path}.new`, fileOf(A, B), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    },
  ],
])("a file that is %s is followed", async (_, change) => {
  const path = newFile(fileOf(A));
  const { published, nextPublication } = await startFrom(path, true);
  const next = nextPublication();
  change(path);
  await next;
  expect(published.at(-1)).toEqual([A, B]);
});

test("the swap of a Secret's link is followed", async () => {
  const folder = temporaryFolder();
  for (const [version, text] of Object.entries({ one: fileOf(A), two: fileOf(A, B) })) {
    mkdirSync(join(folder, `..${version}`));
    writeFileSync(join(folder, `..${version}`, "keys"), text, { mode: 0o600 });
  }
  symlinkSync("..one", join(folder, "..data"));
  symlinkSync("..data/keys", join(folder, "keys"));
  const { published, nextPublication } = await startFrom(join(folder, "keys"), true);
  const next = nextPublication();
  symlinkSync("..two", join(folder, "..data_tmp"));
  renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  await next;
  expect(published.at(-1)).toEqual([A, B]);
});

test("keys that somebody else keeps are followed as a file is, and what is wrong with them is told by their place", async () => {
  let text = fileOf(A);
  let tell: () => void = () => {};
  const keys = {
    place: "Secret limpet-system/keys",
    read: async () => text,
    follow: (onChange: () => void) => {
      tell = onChange;
    },
  };
  const { store, published, log, nextPublication } = await start({ kind: "kept", keys });
  expect(published).toEqual([[A]]);
  text = fileOf(A, B);
  const next = nextPublication();
  tell();
  await next;
  expect(published.at(-1)).toEqual([A, B]);
  text = "AAEC";
  await store.reload();
  expect(store.current?.lines).toEqual([A, B]);
  expect(log.at(-1)?.reason).toMatch(/^Secret limpet-system\/keys:1: /);
});
