// `limpet token keygen | seal | open`: what they print, and what they say of tokens and files that are no good.
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { limpet, limpetReading } from "../../test/support/command-line.ts";
import { gatewayYaml, sampleYaml } from "../../test/support/manifests.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { encodeEnvoyCookie } from "../affinity/library.ts";
import { encodeEnvelope } from "../affinity/token/envelope.ts";
import { wrappingCookieFormat } from "../affinity/token/envoy-cookie.ts";
import { addressToken } from "../affinity/token/token.ts";

const token = (...args: string[]) => limpet("token", ...args);
const tokenReading = (input: string, ...args: string[]) => limpetReading(input, "token", ...args);

/** A file with so many keys. */
async function keyFile(count = 1): Promise<string> {
  const path = join(temporaryFolder(), "keys");
  const lines = [];
  for (let number = 1; number <= count; number++) lines.push((await token("keygen")).out);
  writeFileSync(path, lines.join(""), { mode: 0o600 });
  return path;
}

function configuration(persistence: string): string {
  const path = join(temporaryFolder(), "gateway.yaml");
  const route = sampleYaml([3001]).replace(
    "- backendRefs",
    `- name: cart\n      sessionPersistence: ${persistence}\n      backendRefs`,
  );
  writeFileSync(path, `${gatewayYaml({ port: 8080 })}---\n${route}`);
  return path;
}

const SCOPE = "HTTPRoute/default/all/cart/home";
const WRAPPING_COOKIE = wrappingCookieFormat.encode({
  ...addressToken("127.0.0.1:3001"),
  original: "1868a90c",
});
const UID = "0b4c1ad5-1c2f-4a8e-9a0c-3f1f4f3c1c11";

describe("keygen", () => {
  test("prints a line of a key file behind its id, another one each time", async () => {
    const [one, two] = [await token("keygen"), await token("keygen")];
    expect(one).toMatchObject({ code: 0, error: "" });
    expect(one.out).toMatch(/^# [0-9a-f]{8}, made \d{4}-\d{2}-\d{2}\n[A-Za-z0-9+/]{43}=\n$/);
    expect(one.out).not.toBe(two.out);
  });

  test("as JSON with the id that tokens name", async () => {
    const { id, key } = JSON.parse((await token("keygen", "--json")).out);
    const path = join(temporaryFolder(), "keys");
    writeFileSync(path, `${key}\n`, { mode: 0o600 });
    const sealed = await token("seal", "--endpoint", "10.0.0.1:80", "--scope", "s", "--session-keys", path);
    const opened = await token("open", sealed.out.trim(), "--scope", "s", "--session-keys", path);
    expect(opened.out).toContain(`key        ${id}, the first: it seals\n`);
  });
});

describe("open", () => {
  test("tells everything that a sealed token says, under the timeouts of its session", async () => {
    const keys = await keyFile();
    const path = configuration("{sessionName: home, absoluteTimeout: 8h, idleTimeout: 16m}");
    const about = [
      "--endpoint",
      "[2001:DB8:0::1]:80",
      "--uid",
      UID,
      "--backend",
      "Service/default/sample:80",
    ];
    const times = ["--begun", "2026-01-01T08:00:00Z", "--last-seen", "2026-01-01T09:00:00+00:00"];
    const sealed = await token("seal", ...about, ...times, "-f", path, "--session-keys", keys);
    expect(sealed).toMatchObject({ code: 0, error: "" });
    const args = ["-f", path, "--session-keys", keys, "--at", "2026-01-01T09:02:00Z"];
    const opened = await token("open", sealed.out.trim(), ...args);
    expect(opened).toMatchObject({ code: 0, error: "" });
    expect(opened.out.replace(/[0-9a-f]{8}(?=, the first)/, "KEY")).toBe(`format     sealed, version 1
key        KEY, the first: it seals
scope      ${SCOPE}
endpoint   [2001:db8::1]:80
identity   uid ${UID}
backend    Service/default/sample:80
begun      2026-01-01T08:00:00Z, 1h2m ago
last seen  2026-01-01T09:00:00Z, 2m ago
ends       2026-01-01T16:00:00Z, in 6h58m
ends idle  2026-01-01T09:17:00Z, in 15m
`);
    const json = JSON.parse((await token("open", sealed.out.trim(), ...args, "--json")).out);
    expect(json).toMatchObject({ ageSec: 3720, leftSec: 900, expired: false, keyPosition: 1, value: null });
    const late = await token(
      "open",
      sealed.out.trim(),
      ...args.slice(0, -1),
      "2026-01-01T16:00:00Z",
      "--json",
    );
    expect(JSON.parse(late.out)).toMatchObject({ leftSec: 0, expired: true });
  });

  test.each([
    ["a cookie of a request", (value: string) => `home="${value}"`],
    ["a Set-Cookie field's text", (value: string) => `home="${value}"; Max-Age=60; Path=/; HttpOnly`],
    ["a quoted value", (value: string) => `"${value}"`],
  ])("%s is taken as it stands, from standard input too", async (_, dressed) => {
    const keys = await keyFile();
    const scope = ["--scope", SCOPE, "--session-keys", keys];
    const sealed = (await token("seal", "--endpoint", "10.0.0.1:80", ...scope)).out.trim();
    const plain = await token("open", sealed, ...scope);
    expect(plain).toMatchObject({ code: 0, out: expect.stringContaining("endpoint   10.0.0.1:80\n") });
    expect(await token("open", dressed(sealed), ...scope)).toEqual(plain);
    expect(await tokenReading(`${dressed(sealed)}\n`, "open", "-", ...scope)).toEqual(plain);
  });

  test("the application's own value is shown where the session wraps it", async () => {
    const scope = ["--scope", SCOPE, "--session-keys", await keyFile()];
    const sealed = await token("seal", "--endpoint", "10.0.0.1:80", "--value", "1868a90c", ...scope);
    expect((await token("open", sealed.out.trim(), ...scope)).out).toContain("value      1868a90c\n");
  });

  test("whatever letters that value has", async () => {
    const scope = ["--scope", SCOPE, "--session-keys", await keyFile()];
    const sealed = await token("seal", "--endpoint", "10.0.0.1:80", "--value", "prix: 5 €, payé", ...scope);
    const opened = await token("open", sealed.out.trim(), "--json", ...scope);
    expect(JSON.parse(opened.out)).toMatchObject({ value: "prix: 5 €, payé" });
    const bytes = await tokenReading(
      encodeEnvelope({ address: "10.0.0.1:80", original: "pay\xe9" }),
      "open",
      "-",
    );
    expect(bytes.out).toContain("value      payé\n");
  });

  test.each([
    ["MTI3LjAuMC4xOjMwMDE=", "envoy-address"],
    ["x-home=MTI3LjAuMC4xOjMwMDE=", "envoy-address"],
    ["Cg4xMjcuMC4wLjE6MzAwMQ==", "envoy-cookie"],
    [WRAPPING_COOKIE, "envoy-cookie"],
    [encodeEnvelope({ address: "127.0.0.1:3001", original: "1868a90c" }), "envoy-envelope"],
  ])("Envoy's %s needs neither keys nor a scope", async (text, format) => {
    const { code, out } = await token("open", text, "--json");
    expect({ code, ...JSON.parse(out) }).toMatchObject({
      code: 0,
      format,
      endpoint: "127.0.0.1:3001",
      keyId: null,
      value: format === "envoy-envelope" || text === WRAPPING_COOKIE ? "1868a90c" : null,
    });
  });

  test("what anybody may have written into a token that is not sealed does no harm to whoever looks into it", async () => {
    const evil = "\x1b]0;title\x07\x9b31m:80";
    const cookie = encodeEnvoyCookie({ address: evil, expiresSec: 2 ** 53, lastSeenSec: 2 ** 52 });
    const opened = await token("open", cookie);
    expect(opened).toMatchObject({ code: 0, error: "" });
    expect(opened.out).toContain("endpoint   \\x1b]0;title\\x07\\x9b31m:80\n");
    const path = configuration("{sessionName: home}");
    const question = ["-f", path, "--request", "GET http://127.0.0.1:8080/", "-H", `cookie: home=${cookie}`];
    const explained = await limpet("explain", ...question);
    expect(explained.out).toContain("the token names \\x1b]0;title\\x07\\x9b31m:80, which is no endpoint");
    const enveloped = await token("open", encodeEnvelope({ address: "10.0.0.1:80", original: "a\x1b[2Jb" }));
    expect(enveloped.out).toContain("value      a\\x1b[2Jb\n");
    for (const { out } of [opened, explained, enveloped]) {
      expect(out.replaceAll("\n", "")).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
    }
  });

  test("whatever cannot be opened is one line that says why", async () => {
    const [keys, others] = [await keyFile(2), await keyFile(2)];
    const sealed = (
      await token("seal", "--endpoint", "10.0.0.1:80", "--scope", SCOPE, "--session-keys", keys)
    ).out.trim();
    const changed = sealed.slice(0, 60) + (sealed[60] === "A" ? "B" : "A") + sealed.slice(61);
    const id = "[0-9a-f]{8}";
    const cases: [string[], number, string][] = [
      [["no token"], 1, "not a token: neither sealed nor in a format of Envoy's"],
      [[sealed], 2, `sealed with the key ${id}: give --session-keys FILE`],
      [
        [sealed, "--session-keys", keys],
        2,
        `sealed with the key ${id}, for one scope alone: give -f with the configuration, or --scope such as .*`,
      ],
      [
        [sealed, "--session-keys", others, "--scope", SCOPE],
        1,
        `sealed with the key ${id}, which is not in the file: ${id}, ${id} are`,
      ],
      [
        [sealed, "--session-keys", keys, "--scope", "another"],
        1,
        `names the key ${id} and does not open: it was changed, or its scope is none of another`,
      ],
      [
        [changed, "--session-keys", keys, "--scope", SCOPE],
        1,
        `names the key ${id} and does not open: it was changed, or its scope is none of ${SCOPE}`,
      ],
    ];
    for (const [args, code, error] of cases) {
      const printed = await token("open", ...args);
      expect({ code: printed.code, out: printed.out }).toEqual({ code, out: "" });
      expect(printed.error).toMatch(new RegExp(`^error: ${error}\n$`));
    }
  });
});

describe("the key file", () => {
  test.each([
    ["AAEC\n", /keys:1: expected a key of 32 bytes.*3 bytes/],
    ["# a comment alone\n", /keys: there is no key in it/],
    ["!\n", /keys:1: /],
  ])("%j is refused with its place, and without what it holds", async (text, error) => {
    const path = join(temporaryFolder(), "keys");
    writeFileSync(path, text, { mode: 0o600 });
    const printed = await token("seal", "--endpoint", "10.0.0.1:80", "--scope", "s", "--session-keys", path);
    expect(printed).toMatchObject({ code: 1, out: "", error: expect.stringMatching(error) });
    expect(printed.error).not.toContain("AAEC");
  });

  test.each([
    ["/no/such/keys", "error: /no/such/keys: no such file or folder\n"],
    ["/", "error: /: is a folder\n"],
  ])("%s is told in words", async (path, error) => {
    const printed = await token("seal", "--endpoint", "10.0.0.1:80", "--scope", "s", "--session-keys", path);
    expect(printed).toEqual({ code: 1, out: "", error });
  });

  test("one that others may read is used, with a warning", async () => {
    const path = await keyFile();
    chmodSync(path, 0o644);
    const printed = await token("seal", "--endpoint", "10.0.0.1:80", "--scope", "s", "--session-keys", path);
    expect(printed.code).toBe(0);
    expect(printed.error).toMatch(/^warning: .*keys has mode 644, .*chmod 600/);
  });
});

test("a session is named where a configuration has several or none", async () => {
  const args = ["seal", "--endpoint", "10.0.0.1:80", "--session-keys", await keyFile()];
  expect(await token(...args)).toMatchObject({
    code: 2,
    error: expect.stringMatching(/^error: a token is for one scope alone: give -f .*, or --scope such as /),
  });
  const path = configuration("{sessionName: home}");
  expect(JSON.parse((await token(...args, "-f", path, "--json")).out)).toMatchObject({ scope: SCOPE });
});

const WRAPPING_POLICY = `---
apiVersion: limpet.dev/v1alpha1
kind: AffinityPolicy
metadata: {name: own}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: all}]
  session: {wrap: {cookie: JSESSIONID}}
`;

test("a token that its session would not take is not sealed: with a value where nothing is wrapped, or without one", async () => {
  const args = ["seal", "--endpoint", "10.0.0.1:80", "--session-keys", await keyFile()];
  const plain = configuration("{sessionName: home}");
  expect(await token(...args, "-f", plain, "--value", "own")).toEqual({
    code: 2,
    out: "",
    error: `error: ${SCOPE} wraps nothing of the application's: leave out --value\n`,
  });
  const wrapping = join(temporaryFolder(), "wrapping.yaml");
  writeFileSync(wrapping, `${gatewayYaml({ port: 8080 })}---\n${sampleYaml([3001])}${WRAPPING_POLICY}`);
  const missing = await token(...args, "-f", wrapping);
  expect(missing).toMatchObject({ code: 2, out: "" });
  expect(missing.error).toContain("wraps the application's own JSESSIONID: give --value");
  expect(await token(...args, "-f", wrapping, "--value", "own")).toMatchObject({ code: 0 });
});
