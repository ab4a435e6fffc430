// Kubeconfigs and service accounts: which of them counts, what is merged, and what is shown to the server.
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { beforeEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { reached } from "../../../test/support/reached.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { type ConnectionOptions, findConnection } from "./connection.ts";

let folder: string;
let nowMs = 0;

beforeEach(() => {
  folder = temporaryFolder();
  nowMs = Date.parse("2026-01-01T00:00:00Z");
});

interface Kubeconfig {
  readonly current?: string;
  readonly clusters?: Readonly<Record<string, object>>;
  readonly users?: Readonly<Record<string, object>>;
  readonly contexts?: Readonly<Record<string, object>>;
}

async function write(
  name: string,
  { current, clusters = {}, users = {}, contexts = {} }: Kubeconfig,
): Promise<string> {
  const path = join(folder, name);
  const listOf = (field: string, entries: Readonly<Record<string, object>>) =>
    Object.entries(entries).map(([entry, value]) => ({ name: entry, [field]: value }));
  const config = {
    apiVersion: "v1",
    kind: "Config",
    ...(current === undefined ? {} : { "current-context": current }),
    clusters: listOf("cluster", clusters),
    users: listOf("user", users),
    contexts: listOf("context", contexts),
  };
  await writeFile(path, stringify(config));
  return path;
}

/** One context with this user. */
function writeUser(user: object, cluster: object = {}): Promise<string> {
  return write("config", {
    current: "c",
    clusters: { c: { server: "https://10.0.0.1:6443", ...cluster } },
    users: { u: user },
    contexts: { c: { cluster: "c", user: "u" } },
  });
}

function find(options: Partial<ConnectionOptions> = {}) {
  return findConnection({ env: { HOME: folder }, nowMs: () => nowMs, ...options });
}

async function writeServiceAccount(): Promise<string> {
  const account = join(folder, "account");
  await mkdir(account, { recursive: true });
  await writeFile(join(account, "token"), "pod-token\n");
  await writeFile(join(account, "ca.crt"), "CA");
  await writeFile(join(account, "namespace"), "limpet-system");
  return account;
}

const IN_POD = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };

describe("where the connection comes from", () => {
  test("the flag, then $KUBECONFIG, then the service account, then ~/.kube/config", async () => {
    const of = (port: number): Kubeconfig => ({
      current: "c",
      clusters: { c: { server: `https://10.0.0.1:${port}` } },
      users: { u: {} },
      contexts: { c: { cluster: "c", user: "u" } },
    });
    await mkdir(join(folder, ".kube"));
    await write(".kube/config", of(3));
    const [flag, listed] = [await write("flag", of(1)), await write("listed", of(2))];
    const serviceAccountFolder = await writeServiceAccount();
    const pod = { env: { ...IN_POD, HOME: folder }, serviceAccountFolder };
    const both = { ...pod, env: { ...pod.env, KUBECONFIG: listed } };

    const servers = await Promise.all(
      [{ ...both, kubeconfig: flag }, both, pod, { ...pod, context: "c" }, {}].map(async (options) => {
        const { server, namespace } = await find(options);
        return `${server.origin} ${namespace}`;
      }),
    );
    expect(servers).toEqual([
      "https://10.0.0.1:1 default",
      "https://10.0.0.1:2 default",
      "https://[fd00::1] limpet-system",
      "https://10.0.0.1:3 default",
      "https://10.0.0.1:3 default",
    ]);
  });

  test("several files are one: of two entries with one name the first counts, and a missing file is passed over", async () => {
    const one = await write("one", {
      clusters: { c: { server: "https://first" } },
      contexts: { x: { cluster: "c", user: "u", namespace: "shop" } },
    });
    const two = await write("two", {
      current: "x",
      clusters: { c: { server: "https://second" } },
      users: { u: { token: "t" } },
    });
    const KUBECONFIG = [join(folder, "none"), one, two].join(":");
    const connection = await find({ env: { HOME: folder, KUBECONFIG } });
    expect(connection.server.host).toBe("first");
    expect(connection.namespace).toBe("shop");
    expect(connection.origin).toContain("context x of ");
    expect(await connection.credentials.get()).toEqual({ authorization: "Bearer t", tls: {} });
  });

  test.each([
    ["no file", async () => join(folder, "none"), /there is no kubeconfig at .*none/],
    ["no YAML", async () => raw("a: [\n"), /config is no YAML/],
    ["no kubeconfig", async () => raw("clusters: 7\n"), /config is no kubeconfig: clusters/],
    ["no context", async () => write("config", {}), /no current-context: choose one with --context/],
    [
      "another context",
      async () => write("config", { current: "a", contexts: { b: { cluster: "c", user: "u" } } }),
      /no context a; it has b/,
    ],
    [
      "no cluster",
      async () => write("config", { current: "a", contexts: { a: { cluster: "c", user: "u" } } }),
      /no cluster c/,
    ],
    ["a server that is no URL", () => writeUser({}, { server: "ftp://x" }), /no URL of an API server/],
    ["a proxy", () => writeUser({}, { "proxy-url": "http://proxy" }), /uses proxy-url/],
    [
      "a way to sign in that is gone",
      () => writeUser({ "auth-provider": { name: "gcp" } }),
      /auth-provider gcp.*exec plugin/,
    ],
    ["somebody else's identity", () => writeUser({ as: "admin" }), /uses as,/],
    [
      "a plugin with questions",
      () =>
        writeUser({
          exec: { apiVersion: "client.authentication.k8s.io/v1", command: "x", interactiveMode: "Always" },
        }),
      /interactiveMode/,
    ],
  ])("%s is an error that says so", async (_, make, message) => {
    await expect(find({ kubeconfig: await make() })).rejects.toMatchObject({
      name: "CredentialError",
      message: expect.stringMatching(message),
    });
  });

  test("what breaks off in the middle shows nothing of what is secret in it", async () => {
    const broken = await raw("users:\n- name: a\n  user: {token: secret-token\n");
    const error: unknown = await find({ kubeconfig: broken }).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/config is no YAML: .* at line 4, column 1$/);
    expect(inspect(error)).not.toContain("secret-token");
  });

  async function raw(text: string): Promise<string> {
    await writeFile(join(folder, "config"), text);
    return join(folder, "config");
  }
});

describe("credentials of a kubeconfig", () => {
  test.each([
    ["a token", { token: "abc" }, { authorization: "Bearer abc" }],
    ["a name and a password", { username: "u", password: "ü" }, { authorization: "Basic dTrDvA==" }],
    ["none", {}, {}],
  ])("%s", async (_, user, expected) => {
    const { credentials } = await find({ kubeconfig: await writeUser(user) });
    expect(await credentials.get()).toEqual({ ...expected, tls: {} });
  });

  test("certificates stand in it, or in files beside it", async () => {
    await writeFile(join(folder, "key.pem"), "KEY");
    const kubeconfig = await writeUser(
      { "client-certificate-data": Buffer.from("CERT").toString("base64"), "client-key": "key.pem" },
      {
        "certificate-authority-data": Buffer.from("CA").toString("base64"),
        "certificate-authority": "not-read",
        "tls-server-name": "kubernetes",
      },
    );
    const { credentials } = await find({ kubeconfig });
    expect(await credentials.get()).toEqual({
      tls: { ca: "CA", cert: "CERT", key: "KEY", servername: "kubernetes" },
    });
  });

  test("a server that is not to be verified is not", async () => {
    const { credentials } = await find({
      kubeconfig: await writeUser({}, { "insecure-skip-tls-verify": true }),
    });
    expect(await credentials.get()).toEqual({ tls: { rejectUnauthorized: false } });
  });

  test("a token that would begin another field is none", async () => {
    const { credentials } = await find({ kubeconfig: await writeUser({ token: "a\r\nx: y" }) });
    await expect(credentials.get()).rejects.toMatchObject({ name: "CredentialError" });
  });
});

describe("a token in a file", () => {
  test("is read again after a minute, and at once where it was refused", async () => {
    const serviceAccountFolder = await writeServiceAccount();
    const token = join(serviceAccountFolder, "token");
    const { credentials } = await find({ env: IN_POD, serviceAccountFolder });
    const first = await credentials.get();
    expect(first).toEqual({ authorization: "Bearer pod-token", tls: { ca: "CA" } });
    await writeFile(token, "second");
    nowMs += 59_000;
    expect(await credentials.get()).toBe(first);
    nowMs += 1_000;
    expect((await credentials.get()).authorization).toBe("Bearer second");
    await writeFile(token, "third");
    const refused = await credentials.get();
    expect((await credentials.get(refused)).authorization).toBe("Bearer third");
    // Another request was refused with the old one, too: there is a new one already.
    await writeFile(token, "fourth");
    expect((await credentials.get(refused)).authorization).toBe("Bearer third");
  });

  test("that cannot be read is an error, and is tried again", async () => {
    const kubeconfig = await writeUser({ tokenFile: "later" });
    const { credentials } = await find({ kubeconfig });
    await expect(credentials.get()).rejects.toMatchObject({
      name: "CredentialError",
      message: expect.stringContaining(join(folder, "later")),
    });
    await writeFile(join(folder, "later"), "now");
    expect((await credentials.get()).authorization).toBe("Bearer now");
  });
});

describe("a plugin", () => {
  async function plugin(script: string, more: object = {}): Promise<string> {
    await writeFile(join(folder, "plugin"), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, "plugin"), 0o755);
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "./plugin", ...more };
    return writeUser({ exec }, { "certificate-authority-data": Buffer.from("CA").toString("base64") });
  }

  /** Prints a token that tells how often it was run. */
  const COUNTING = `echo x >> "$(dirname "$0")/runs"
printf '{"kind":"ExecCredential","status":{"token":"t%s"%s}}' "$(wc -l < "$(dirname "$0")/runs" | tr -d ' ')" "$EXTRA"`;

  async function connect(kubeconfig: string) {
    return (await find({ kubeconfig, env: { PATH: process.env["PATH"] } })).credentials;
  }

  function isAlive(pid: number): boolean {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }

  test("makes a token, which is good until it is refused; all who ask meanwhile get the same", async () => {
    const credentials = await connect(await plugin(COUNTING));
    const [first, same] = await Promise.all([credentials.get(), credentials.get()]);
    expect(first).toEqual({ authorization: "Bearer t1", tls: { ca: "CA" } });
    expect(same).toBe(first);
    nowMs += 1e12;
    expect(await credentials.get()).toBe(first);
    expect((await credentials.get(first)).authorization).toBe("Bearer t2");
  });

  test("is asked again shortly before its token ends", async () => {
    const env = [{ name: "EXTRA", value: ',"expirationTimestamp":"2026-01-01T00:01:00Z"' }];
    const credentials = await connect(await plugin(COUNTING, { env }));
    await credentials.get();
    nowMs += 49_000;
    expect((await credentials.get()).authorization).toBe("Bearer t1");
    nowMs += 1_000;
    expect((await credentials.get()).authorization).toBe("Bearer t2");
  });

  test("that waits for somebody ends as soon as nobody asks any more", async () => {
    const pidFile = join(folder, "pid");
    const credentials = await connect(
      await plugin(`echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 60`),
    );
    const asked = expect(credentials.get()).rejects.toMatchObject({ name: "CredentialError" });
    await reached(() => existsSync(pidFile));
    credentials.close?.();
    await asked;
    const pid = Number(readFileSync(pidFile, "utf8"));
    await reached(() => !isAlive(pid));
  });

  test("gets its arguments, and is told of the cluster and that nobody is there to ask", async () => {
    const script = `printf '{"status":{"clientCertificateData":"%s","clientKeyData":"KEY"}}' "$1 $(printf %s "$KUBERNETES_EXEC_INFO" | base64 | tr -d '\\n')"`;
    const credentials = await connect(await plugin(script, { args: ["login"], provideClusterInfo: true }));
    const { tls } = await credentials.get();
    const [argument, info = ""] = (tls.cert ?? "").split(" ");
    expect(tls.key).toBe("KEY");
    expect(argument).toBe("login");
    expect(JSON.parse(Buffer.from(info, "base64").toString())).toMatchObject({
      apiVersion: "client.authentication.k8s.io/v1",
      spec: { interactive: false, cluster: { server: "https://10.0.0.1:6443" } },
    });
  });

  test.each([
    ["fails", "echo 'sign in first' >&2; exit 1", {}, /failed: sign in first/],
    [
      "is not installed",
      "",
      { command: "no-such-plugin", installHint: "Get it." },
      /no-such-plugin.* is not installed. Get it./,
    ],
    ["prints something else", "echo hello", {}, /no ExecCredential/],
    ["gives nothing", `echo '{"status":{"clientKeyData":"K"}}'`, {}, /neither a token nor a certificate/],
  ])("that %s is an error that says so", async (_, script, more, message) => {
    const credentials = await connect(await plugin(script, more));
    await expect(credentials.get()).rejects.toMatchObject({
      name: "CredentialError",
      message: expect.stringMatching(message),
    });
  });
});
