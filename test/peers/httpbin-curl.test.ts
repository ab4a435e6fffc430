// The real curl and the real httpbin with a gateway between them: redirects that are followed, cookie jars, passwords, ranges.
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { curl } from "../support/curl.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type HttpbinStage, startHttpbinStage } from "./httpbin-stage.ts";

let stage: HttpbinStage;

beforeAll(async () => {
  stage = await startHttpbinStage();
});

afterAll(() => stage.stop());

const url = (path: string): string => `http://127.0.0.1:${stage.port}${path}`;

interface Echo {
  readonly args: Record<string, string>;
  readonly form: Record<string, string>;
  readonly files: Record<string, string>;
  readonly data: string;
  readonly headers: Record<string, string>;
}

test.each(["/redirect/3", "/absolute-redirect/3", "/relative-redirect/3"])(
  "%s: redirects lead back to the gateway until the end",
  async (path) => {
    const answer = await curl(["-L", url(path)], { report: "url_effective" });
    expect(answer.answers.map(({ status }) => status)).toEqual([302, 302, 302, 200]);
    expect(answer.reported).toEqual([url("/get")]);
  },
);

test("all of it on one connection", async () => {
  const answer = await curl(["-L", url("/redirect/3")], { report: "num_connects" });
  expect(answer.status).toBe(200);
  expect(answer.reported).toEqual(["1"]);
});

test("a cookie jar is filled, sent back and emptied", async () => {
  const jar = join(temporaryFolder(), "jar");
  const send = (path: string) => curl(["-L", "-b", jar, "-c", jar, url(path)]);
  const set = await send("/cookies/set?home=scar&taste=algae");
  expect(JSON.parse(set.body)).toEqual({ cookies: { home: "scar", taste: "algae" } });
  const deleted = await send("/cookies/delete?taste");
  expect(JSON.parse(deleted.body)).toEqual({ cookies: { home: "scar" } });
});

test("a password is asked for and given, Basic and Digest", async () => {
  expect((await curl([url("/digest-auth/auth/u/p")])).status).toBe(401);
  for (const [scheme, path] of [
    ["--basic", "/basic-auth/u/p"],
    ["--digest", "/digest-auth/auth/u/p/SHA-256"],
    ["--anyauth", "/digest-auth/auth-int/u/p"],
  ] as const) {
    const answer = await curl([scheme, "-u", "u:p", "-b", "fake=1", url(path)]);
    expect(answer.status, path).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ authenticated: true });
  }
});

test.each(["gzip", "deflate", "brotli"])("curl takes %s apart", async (encoding) => {
  const answer = await curl(["--compressed", url(`/${encoding}`)]);
  expect(answer.header("content-encoding")).toBe(encoding === "brotli" ? "br" : encoding);
  expect(JSON.parse(answer.body)).toMatchObject({ method: "GET" });
});

test("a download that was cut off goes on where it was", async () => {
  const file = join(temporaryFolder(), "alphabet");
  const whole = (await curl([url("/range/2000")])).body;
  writeFileSync(file, whole.slice(0, 700));
  const answer = await curl(["-C", "-", "-o", file, url("/range/2000")]);
  expect([answer.status, answer.header("content-range")]).toEqual([206, "bytes 700-1999/2000"]);
  expect(readFileSync(file, "latin1")).toBe(whole);
});

test("a form with files", async () => {
  const file = join(temporaryFolder(), "shell.txt");
  writeFileSync(file, "a spiral");
  const answer = await curl(["-F", `shell=@${file}`, "-F", "kind=limpet", url("/post")]);
  expect(JSON.parse(answer.body)).toMatchObject({ files: { shell: "a spiral" }, form: { kind: "limpet" } });
});

test("an upload of unknown length arrives in chunks", async () => {
  const input = randomBytes(150_000).toString("hex");
  const answer = await curl(["-T", "-", url("/put")], { input });
  const echo = JSON.parse(answer.body) as Echo;
  expect(echo.data === input).toBe(true);
  expect(echo.headers["Transfer-Encoding"]).toBe("chunked");
});

test("an upload that waits for 100 gets one", async () => {
  const body = "b".repeat(1_500_000);
  const answer = await curl(["-H", "expect: 100-continue", "--data-binary", "@-", url("/post")], {
    input: body,
  });
  expect(answer.answers.map(({ status }) => status)).toEqual([100, 200]);
  expect((JSON.parse(answer.body) as Echo).form).toEqual({ [body]: "" });
});

test("HTTP/1.0 gets the end of the connection as the end of the body", async () => {
  const answer = await curl(["-0", url("/stream/5")]);
  expect(answer.header("transfer-encoding")).toBeUndefined();
  expect(answer.body.trim().split("\n")).toHaveLength(5);
  expect(answer.exitCode).toBe(0);
});

test("fifty at once", async () => {
  const answer = await curl([
    "-Z",
    "--parallel-max",
    "50",
    ...Array<string>(50).fill(url("/bytes/2000?seed=1")),
  ]);
  expect(answer.reported).toEqual(Array(50).fill("200"));
  expect(answer.exitCode).toBe(0);
});
