// The keys that seal sessions, on running gateways: shared, rotated, kept through restarts, and shown to nobody.
import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startReplicas } from "../../src/demo/replicas.ts";
import { type ClientAnswer, cookiePair, replicasOf, send } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, spawnGateway, startGateway } from "../support/gateway.ts";
import { handOver, stopAll, successorPids } from "../support/hand-over.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface Served {
  readonly gateway: Gateway;
  readonly port: number;
}

const newKey = () => randomBytes(32).toString("base64");

/** A key file that everybody has to ask its owner for. */
function keyFile(...keys: readonly string[]): string {
  const path = join(temporaryFolder(), "keys");
  writeKeys(path, ...keys);
  return path;
}

function writeKeys(path: string, ...keys: readonly string[]): void {
  writeFileSync(path, keys.map((key) => `${key}\n`).join(""), { mode: 0o600 });
}

/** Manifests for gateways in front of four replicas, with a session by cookie for all requests. */
async function sessionFiles(): Promise<(port: number) => Record<string, string>> {
  const { replicas, stop } = await startReplicas({ count: 4, host: "127.0.0.1", ports: [], log: () => {} });
  onTestFinished(stop);
  const sample = sampleYaml(replicas.map(({ port }) => port)).replace(
    "- backendRefs",
    "- name: all\n      sessionPersistence: {sessionName: home}\n      backendRefs",
  );
  return (port) => ({ "gateway.yaml": gatewayYaml({ port }), "sample.yaml": sample });
}

async function serve(
  files: (port: number) => Record<string, string>,
  keys: string,
  args: readonly string[] = [],
): Promise<Served> {
  const port = await freePort();
  const gateway = await startGateway({ files: files(port), args: ["--session-keys", keys, ...args] });
  onTestFinished(() => stopAll(gateway));
  return { gateway, port };
}

/** A new session: the replica that it lives on, and the cookie that says so. */
async function begin(port: number): Promise<{ replica: string | undefined; cookie: string }> {
  const answer = await send(port);
  return { replica: answer.replica, cookie: cookiePair(answer.setCookie[0]) };
}

function ask(port: number, cookie: string): Promise<ClientAnswer> {
  return send(port, { headers: { cookie } });
}

/** What became of the session of a request, by the access log. */
async function outcomeOf({ gateway, port }: Served, cookie: string): Promise<string | null | undefined> {
  const path = `/get?${randomBytes(8).toString("hex")}`;
  expect((await send(port, { path, headers: { cookie } })).status).toBe(200);
  const line = await gateway.waitForAccess((entry) => entry.path === path);
  return line.affinity?.outcome;
}

async function metrics({ gateway }: Served): Promise<string[]> {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  return text.split("\n").filter((line) => line.startsWith("limpet_session_"));
}

function published({ gateway }: Served, from = 0): Promise<string> {
  return gateway.stderr.waitFor((line) => line.includes("session keys published"), "new keys", { from });
}

const keyIdOf = (cookie: string) =>
  Buffer.from(cookie.slice(cookie.indexOf("=") + 1).replaceAll('"', ""), "base64url").toString("hex", 1, 5);

test("gateways with one key file share sessions, which outlive each of them", async () => {
  const files = await sessionFiles();
  const keys = keyFile(newKey());
  const [a, b] = [await serve(files, keys), await serve(files, keys)];
  const { replica, cookie } = await begin(a.port);
  const answers = [await ask(b.port, cookie), await ask(a.port, cookie), await ask(b.port, cookie)];
  await Promise.all([a.gateway.stop(), b.gateway.stop()]);
  const c = await serve(files, keys);
  for (const answer of [...answers, await ask(c.port, cookie)]) {
    expect([answer.replica, answer.setCookie]).toEqual([replica, []]);
  }
  const stranger = await serve(files, keyFile(newKey()));
  expect((await ask(stranger.port, cookie)).setCookie).toHaveLength(1);
});

test("a key that is put first in one step ends no session: every worker learns it before one seals with it", async () => {
  const [old, next] = [newKey(), newKey()];
  const keys = keyFile(old);
  const served = await serve(await sessionFiles(), keys, ["--workers", "2", "--access-log", "off"]);
  const { port } = served;
  const sessions = await Promise.all(Array.from({ length: 12 }, () => begin(port)));
  let rotated = false;
  const strays: unknown[] = [];
  const clients = sessions.map(async ({ replica, cookie }) => {
    const seen = new Set([keyIdOf(cookie)]);
    // Each client goes on until it has come back with a token of the new key as well.
    for (let after = 0; after < 3; ) {
      const answer = await ask(port, cookie);
      if (answer.replica !== replica) strays.push([replica, answer.replica]);
      if (answer.setCookie[0] !== undefined) cookie = cookiePair(answer.setCookie[0]);
      seen.add(keyIdOf(cookie));
      if (rotated) after += 1;
    }
    return seen;
  });
  const all = Promise.all(clients);
  writeKeys(keys, next, old);
  await Promise.race([published(served), all]);
  rotated = true;
  const seen = await all;
  expect(strays).toEqual([]);
  const [oldId, newId] = [keyIdOf(sessions[0]?.cookie as string), [...(seen[0] ?? [])].at(-1)];
  expect(seen).toEqual(Array.from({ length: 12 }, () => new Set([oldId, newId])));
  expect(newId).not.toBe(oldId);
  const counted = await metrics(served);
  expect(counted).toContain(`limpet_session_keys{key="${newId}",use="seals"} 1`);
  expect(counted).toContain(`limpet_session_keys{key="${oldId}",use="opens"} 1`);
  expect(counted).toContain('limpet_session_key_reloads_total{result="published"} 1');
  for (const id of [oldId, newId]) {
    const opened = counted.find((line) => line.startsWith(`limpet_session_tokens_opened_total{key="${id}"}`));
    expect(Number(opened?.split(" ")[1])).toBeGreaterThanOrEqual(12);
  }
});

test("in the documented steps, gateways whose files change one after the other lose no session", async () => {
  const [old, next] = [newKey(), newKey()];
  const files = await sessionFiles();
  const gateways: (Served & { readonly keys: string })[] = [];
  for (const keys of [keyFile(old), keyFile(old)]) gateways.push({ ...(await serve(files, keys)), keys });
  const home = await begin(gateways[0]?.port as number);
  let { cookie } = home;
  const visitAll = async () => {
    for (const { port } of gateways) {
      const answer = await ask(port, cookie);
      expect(answer.replica).toBe(home.replica);
      if (answer.setCookie[0] !== undefined) cookie = cookiePair(answer.setCookie[0]);
    }
  };
  for (const step of [[old, next], [next, old], [next]]) {
    for (const served of gateways) {
      const from = served.gateway.stderr.lines.length;
      writeKeys(served.keys, ...step);
      await published(served, from);
      await visitAll();
    }
  }
  const oldOpened = `limpet_session_tokens_opened_total{key="${keyIdOf(home.cookie)}"}`;
  for (const served of gateways) {
    expect((await metrics(served)).filter((line) => line.startsWith(oldOpened))).toHaveLength(1);
  }
  expect(keyIdOf(cookie)).not.toBe(keyIdOf(home.cookie));
});

test("tokens of a key that was taken out are invalid, as Envoy's are, and a new worker knows the newest keys", async () => {
  const [old, next] = [newKey(), newKey()];
  const keys = keyFile(old, next);
  const served = await serve(await sessionFiles(), keys);
  const { cookie } = await begin(served.port);
  writeKeys(keys, next);
  await published(served);
  expect(await outcomeOf(served, cookie)).toBe("invalid");
  const forged = Buffer.from("127.0.0.1:3001").toString("base64");
  expect(await outcomeOf(served, `home="${forged}"`)).toBe("invalid");
  const renewed = await begin(served.port);
  const { workers } = (await (await fetch(`${served.gateway.adminUrl}/snapshot`)).json()) as {
    workers: number[];
  };
  process.kill(workers[0] as number, "SIGKILL");
  await served.gateway.stderr.waitFor((line) => line.includes("worker serves again"), "its successor");
  expect(await outcomeOf(served, cookie)).toBe("invalid");
  expect(await outcomeOf(served, renewed.cookie)).toBe("kept");
});

test("a change that is no good keeps the last good keys, until the file is good again; SIGHUP reads it too", async () => {
  const old = newKey();
  const path = keyFile(old);
  const served = await serve(await sessionFiles(), path, ["--no-watch"]);
  const { gateway } = served;
  const { cookie } = await begin(served.port);
  writeFileSync(path, `${old}\nAAEC\n`);
  gateway.process.kill("SIGHUP");
  const refusal = await gateway.stderr.waitFor(
    (line) => line.includes("last good session keys"),
    "the refusal",
  );
  expect(JSON.parse(refusal)).toMatchObject({
    level: "error",
    reason: expect.stringContaining(`${path}:2: `),
  });
  expect(refusal).not.toContain("AAEC");
  expect(await outcomeOf(served, cookie)).toBe("kept");
  expect(await metrics(served)).toContain('limpet_session_key_reloads_total{result="kept"} 1');
  writeKeys(path, newKey(), old);
  gateway.process.kill("SIGHUP");
  await published(served);
  expect(await outcomeOf(served, cookie)).toBe("kept");
});

test("sessions go through a hand-over; without good keys there is no successor", async () => {
  const old = newKey();
  const path = keyFile(old);
  const served = await serve(await sessionFiles(), path, ["--no-watch"]);
  const { gateway, port } = served;
  const { replica, cookie } = await begin(port);
  writeFileSync(path, "");
  process.kill(gateway.process.pid as number, "SIGUSR2");
  await gateway.stderr.waitFor((line) => line.includes("the successor does not serve"), "its failure");
  expect(gateway.stderr.lines).toContainEqual(
    expect.stringMatching(/^error: .*keys: there is no key in it; make one/),
  );
  expect((await ask(port, cookie)).replica).toBe(replica);
  writeKeys(path, newKey(), old);
  await handOver(gateway, gateway.process.pid as number);
  const answers: ClientAnswer[] = [];
  const { setCookie } = await eventually(
    async () => {
      const answer = await ask(port, cookie);
      answers.push(answer);
      return answer;
    },
    (answer) => answer.setCookie.length > 0,
  );
  expect(replicasOf(answers)).toEqual([replica]);
  const renewed = cookiePair(setCookie[0]);
  expect(keyIdOf(renewed)).not.toBe(keyIdOf(cookie));
  expect((await ask(port, renewed)).replica).toBe(replica);
});

test("a key file that cannot be used keeps it from starting, and it says where and why", async () => {
  const path = keyFile(newKey(), "AAECAwQ=");
  const files = { "gateway.yaml": gatewayYaml({ port: 1 }), "sample.yaml": sampleYaml([1]) };
  const gateway = spawnGateway({ files, args: ["--session-keys", path] });
  onTestFinished(async () => void (await gateway.stop()));
  expect((await gateway.exited).code).toBe(1);
  const [error, ...others] = gateway.stderr.lines.filter((line) => line.startsWith("error"));
  expect(error).toMatch(/^error: .*keys:2: .*32 bytes.* found 5 bytes; make one with `limpet token keygen`/);
  expect(others).toEqual([]);
});

/** Every form in which somebody could have written a key down. */
function formsOf(key: string): string[] {
  const bytes = Buffer.from(key, "base64");
  const texts = [key, bytes.toString("base64url"), bytes.toString("hex"), bytes.toString("latin1")];
  return [...texts, key.replace(/=+$/, ""), bytes.toString("hex").toUpperCase(), [...bytes].join(",")];
}

test("no key is in a log, on a page, in an argument or in an environment", async () => {
  const keys = [newKey(), newKey(), newKey()] as const;
  const path = keyFile(keys[0]);
  chmodSync(path, 0o644);
  const served = await serve(await sessionFiles(), path, ["--log-level", "debug"]);
  const { gateway, port } = served;
  const warning = await gateway.stderr.waitFor((line) => line.includes("has mode 644"), "a warning");
  expect(JSON.parse(warning).level).toBe("warn");
  const { cookie } = await begin(port);
  await ask(port, cookie);
  writeKeys(path, keys[1], keys[0]);
  await published(served);
  const from = gateway.stderr.lines.length;
  writeFileSync(path, `${keys[2]}${keys[1]}\n`);
  await gateway.stderr.waitFor((line) => line.includes("last good session keys"), "a refusal", { from });
  writeKeys(path, keys[1]);
  await handOver(gateway, gateway.process.pid as number);
  await ask(port, cookie);
  const pages = await Promise.all(
    ["/snapshot", "/metrics", "/healthz", "/readyz", "/"].map(async (page) =>
      (await fetch(`${gateway.adminUrl}${page}`)).text(),
    ),
  );
  const { workers } = JSON.parse(pages[0] as string) as { workers: number[] };
  const told = [gateway.process.pid as number, ...successorPids(gateway), ...workers].flatMap((pid) =>
    ["cmdline", "environ"].map((file) => readIfThere(`/proc/${pid}/${file}`)),
  );
  expect(told.filter((text) => text.includes("node")).length).toBeGreaterThan(2);
  const everything = [...gateway.stdout.lines, ...gateway.stderr.lines, ...pages, ...told].join("\n");
  expect(everything).toContain("session keys published");
  expect(keys.flatMap(formsOf).filter((form) => everything.includes(form))).toEqual([]);
});

/** Empty where the process is gone, or the system has no such files. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
