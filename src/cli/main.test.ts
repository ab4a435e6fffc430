// Command lines: what is printed where, and with which exit code.
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { limpet } from "../../test/support/command-line.ts";
import { gatewayYaml, sampleYaml } from "../../test/support/manifests.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";

describe("usage", () => {
  test.each([
    [["run"], "error: nothing to serve: give -f PATH or --kubernetes, or try limpet demo\n"],
    [["validate"], "error: nothing to validate: give -f PATH\n"],
    [["run", "--bogus"], "error: unknown option '--bogus'\n"],
    [
      ["run", "--drain-timout", "1s"],
      "error: unknown option '--drain-timout' (Did you mean --drain-timeout?)\n",
    ],
    [
      ["serve"],
      "error: unknown command 'serve': limpet has the commands run, validate, demo, explain, drain, simulate, convert, token\n",
    ],
    [
      ["help", "serve"],
      "error: unknown command 'serve': limpet has the commands run, validate, demo, explain, drain, simulate, convert, token\n",
    ],
    [
      ["run", "-f", "x", "--drain-timeout", "5x"],
      "error: option '--drain-timeout <DURATION>' argument '5x' is invalid. " +
        "expected a duration such as 500ms, 10s, 5m or 1h30m\n",
    ],
    [
      ["run", "-f", "x", "--kubernetes"],
      "error: -f and --kubernetes: the configuration is in files or in a cluster\n",
    ],
    [["run", "-f", "x", "--engine", "envoy"], "error: --engine envoy is not built yet\n"],
    [
      ["run", "-f", "x", "--gateway-service-type", "ClusterIP"],
      "error: --gateway-service-type is for --kubernetes: add that, or leave it out\n",
    ],
    [
      ["demo", "-f", "x", "--port", "9090"],
      "error: --port is for the demo's own configuration: a Gateway of -f says its port itself\n",
    ],
    [
      ["explain", "--admin", "127.0.0.1:9900", "--request", "GET http://a.example/", "--session-keys", "k"],
      "error: --session-keys is for -f: the gateway of --admin goes by its own\n",
    ],
    [["explain", "-f", "x"], "error: nothing to explain: give --request 'GET http://...'\n"],
    [
      ["explain", "--request", "GET http://shop.example/"],
      "error: give either -f PATH or --admin URL: a configuration, or a gateway that serves one\n",
    ],
    [
      ["explain", "-f", "x", "--request", "GET /"],
      "error: expected a request such as 'GET https://shop.example/cart', not \"GET /\"\n",
    ],
    [
      ["explain", "-f", "x", "--request", "GET http://shop.example/", "-H", "cookie"],
      "error: expected a header such as 'cookie: a=b', not \"cookie\"\n",
    ],
    [["drain"], "error: name an endpoint, or give --list\n"],
    [["drain", "a", "--list"], "error: --list stands alone\n"],
    [["drain", "a", "--undo", "--wait"], "error: --undo ends a drain: there is nothing to wait for\n"],
    [["drain", "a", "b"], "error: too many arguments for 'drain'. Expected 1 argument but got 2: a, b.\n"],
    [["simulate", "-f", "x", "--backend", "cart"], "error: limpet simulate is not built yet\n"],
    [["token"], "error: limpet token has the commands open, seal, keygen\n"],
    [
      ["token", "forge"],
      "error: unknown command 'limpet token forge': limpet token has the commands open, seal, keygen\n",
    ],
    [["token", "open"], "error: missing required argument 'TOKEN'\n"],
    [
      ["token", "seal", "--endpoint", "10.0.0.1:80"],
      "error: nothing to seal with: give --session-keys FILE\n",
    ],
    [
      ["token", "seal", "--session-keys", "k", "--endpoint", "shop:80"],
      "error: option '--endpoint <IP:PORT>' argument 'shop:80' is invalid. " +
        "expected IP:PORT such as 10.0.0.1:8080 or [2001:db8::1]:8080\n",
    ],
  ])("%j is one line and exit code 2", async (args, error) => {
    expect(await limpet(...args)).toEqual({ code: 2, out: "", error });
  });

  test("with --json the line is JSON", async () => {
    const { code, error } = await limpet("validate", "--json");
    expect({ code, error: JSON.parse(error) }).toEqual({
      code: 2,
      error: { error: "nothing to validate: give -f PATH" },
    });
  });

  test("no command is help on standard error", async () => {
    const { code, out, error } = await limpet();
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(error).toContain("Usage: limpet");
  });
});

describe("what cannot be explained", () => {
  test("a file that cannot be read is told as limpet run tells it", async () => {
    const request = ["--request", "GET http://shop.example/"];
    expect(await limpet("explain", "-f", "/no/such/file.yaml", ...request)).toEqual({
      code: 1,
      out: "",
      error:
        "error: /no/such/file.yaml:1:1: no such file or folder " +
        "(expected a file or a folder that can be read; check the path and its permissions)\n",
    });
    const path = join(temporaryFolder(), "a.yaml");
    writeFileSync(path, "a: [b\n");
    expect(await limpet("explain", "-f", path, ...request)).toMatchObject({
      code: 1,
      error: expect.stringMatching(/^error: .*a\.yaml:\d+:\d+: .+ \(expected a YAML .+; .+\)$/m),
    });
  });

  test("what answers in place of a gateway is told, not taken for an explanation", async () => {
    const other = createServer((_, response) => response.end("hello"));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const admin = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    expect(await limpet("explain", "--admin", admin, "--request", "GET http://shop.example/")).toEqual({
      code: 1,
      out: "",
      error: `error: ${admin} does not answer as the admin port of a gateway does\n`,
    });
  });
});

describe("help", () => {
  test("teaches: commands, groups of flags with defaults, examples", async () => {
    const overview = await limpet("--help");
    expect(overview.code).toBe(0);
    for (const word of ["run", "validate", "demo", "(not built yet)", "Exit codes"]) {
      expect(overview.out).toContain(word);
    }
    const run = await limpet("run", "--help");
    for (const word of ["Timeouts:", "--idle-timeout <DURATION>", "(default: 75s)", "Examples:"]) {
      expect(run.out).toContain(word);
    }
    expect(await limpet("help", "run")).toEqual(run);
  });

  test("the version is that of the package", async () => {
    expect(await limpet("--version")).toEqual({ code: 0, out: "0.1.0\n", error: "" });
  });
});

describe("validate", () => {
  function escaped(text: string): string {
    return text.replace(/[.[\]]/g, "\\$&");
  }

  function folder(files: Record<string, string>): string {
    const path = temporaryFolder();
    for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
    return path;
  }

  test("a good configuration is a summary and exit code 0", async () => {
    const path = folder({ "gateway.yaml": gatewayYaml({ port: 8080 }), "sample.yaml": sampleYaml([3001]) });
    expect(await limpet("validate", "-f", path)).toEqual({
      code: 0,
      out: "0 errors, 0 warnings, 0 infos in 2 files; would serve 1 listener, 1 route, 1 backend\n",
      error: "",
    });
  });

  test("every finding stands with its place, and one hides no other", async () => {
    const path = folder({
      "gateway.yaml": gatewayYaml({ port: 8080 }),
      "a.yaml": "a: [b\n",
      "sample.yaml": sampleYaml([3001]).replace("port: 80}]\n", "port: many, wait: 1}]\n"),
    });
    const { code, out } = await limpet("validate", "-f", path);
    expect(code).toBe(1);
    const lines = out.split("\n");
    expect(lines).toContainEqual(expect.stringMatching(/^.*\/a\.yaml:\d+:\d+: error: /));
    const place = `${path}/sample.yaml:7:`;
    const field = "HTTPRoute/default/all spec.rules[0].backendRefs[0]";
    expect(lines).toContainEqual(
      expect.stringMatching(`^${place}36: error: ${escaped(field)}\\.port: .* \\(expected .*; .*\\)$`),
    );
    expect(lines).toContainEqual(expect.stringMatching(`^${place}48: warning: ${escaped(field)}\\.wait: `));
    expect(lines.at(-2)).toMatch(/^2 errors, \d warnings?, 0 infos in 3 files; would serve /);
  });

  test("JSON has every field of a finding", async () => {
    const path = folder({ "sample.yaml": sampleYaml([3001]).replace("spec:", "spek:") });
    const { code, out } = await limpet("validate", "-f", path, "--json");
    const { findings, summary } = JSON.parse(out);
    expect(findings.find(({ code }: { code: string }) => code === "unknown-field")).toMatchObject({
      severity: "warning",
      object: { kind: "HTTPRoute", namespace: "default", name: "all" },
      source: { file: join(path, "sample.yaml"), line: 4 },
      hint: expect.stringContaining("spec"),
    });
    expect(summary).toMatchObject({ files: 1, listeners: 0, error: code });
  });

  test("keys that a gateway would have count: then no token shows an address", async () => {
    const session = "sessionPersistence: {sessionName: home}\n      backendRefs";
    const sample = sampleYaml([3001]).replace("backendRefs", session);
    const path = folder({ "gateway.yaml": gatewayYaml({ port: 8080 }), "sample.yaml": sample });
    expect((await limpet("validate", "-f", path)).out).toContain(
      "the cookie home shows the endpoint's address",
    );
    const keys = join(temporaryFolder(), "keys");
    writeFileSync(keys, (await limpet("token", "keygen")).out, { mode: 0o644 });
    const sealed = await limpet("validate", "-f", path, "--session-keys", keys);
    expect(sealed).toMatchObject({ code: 0, error: expect.stringMatching(/^warning: .* mode 644/) });
    expect(sealed.out).not.toContain("shows the endpoint's address");
    writeFileSync(keys, "AAEC\n");
    const refused = await limpet("validate", "-f", path, "--session-keys", keys);
    expect(refused).toMatchObject({ code: 1, out: "", error: expect.stringContaining(`error: ${keys}:1: `) });
  });

  test("a path that is not there is a finding", async () => {
    expect(await limpet("validate", "-f", "/no/such/file.yaml")).toMatchObject({
      code: 1,
      out: expect.stringContaining("/no/such/file.yaml:1:1: error: no such file or folder (expected "),
    });
  });
});
