// What rules do, as curl sees it from outside: redirects, rewrites, CORS, retries, timeouts, bodies that need not be sent.
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CurlRun, curl } from "../support/curl.ts";
import { freePort } from "../support/free-port.ts";
import { edge, route, tlsService } from "../support/tls-manifests.ts";
import { startTlsStage, type TlsStage, TO_ORIGIN } from "./tls-stage.ts";

let stage: TlsStage;
let port: number;
/** Of the requests that the endpoint fails next, the status. */
let failures: number[] = [];
/** Paths that the endpoint was asked for. */
const asked: string[] = [];

function answer(request: IncomingMessage, response: ServerResponse): void {
  asked.push(request.url as string);
  if (request.url === "/silent") return;
  const status = failures.shift() ?? 200;
  let size = 0;
  request.on("data", (chunk: Buffer) => {
    size += chunk.length;
  });
  request.on("end", () => {
    response.writeHead(status, { "x-endpoint": "here" });
    response.end(`${request.method} ${request.headers.host} ${request.url} ${size}`);
  });
}

const path = (value: string) => ({ matches: [{ path: { type: "PathPrefix", value } }] });

function redirect(requestRedirect: object): object {
  return { filters: [{ type: "RequestRedirect", requestRedirect }] };
}

function rewrite(urlRewrite: object): object {
  return { ...TO_ORIGIN, filters: [{ type: "URLRewrite", urlRewrite }] };
}

const CORS = {
  allowOrigins: ["https://app.example.com"],
  allowMethods: ["PUT"],
  allowHeaders: ["x-own"],
  allowCredentials: true,
  maxAge: 60,
};

beforeAll(async () => {
  port = await freePort();
  const replaceFull = (value: string) => ({ path: { type: "ReplaceFullPath", replaceFullPath: value } });
  const replacePrefix = (value: string) => ({
    path: { type: "ReplacePrefixMatch", replacePrefixMatch: value },
  });
  stage = await startTlsStage({
    answer,
    objects: [
      edge([{ name: "http", port, protocol: "HTTP" }]),
      // Nobody listens on port 1.
      ...tlsService({ name: "half-dead", endpointPorts: [1] }),
      route("rules", [
        { ...path("/to-host"), ...redirect({ hostname: "new.example.com", port, statusCode: 308 }) },
        { ...path("/to-prefix"), ...redirect({ ...replacePrefix("/moved"), port }) },
        { ...path("/to-full"), ...redirect({ ...replaceFull("/the/page"), port, statusCode: 303 }) },
        { ...path("/as-host"), ...rewrite({ hostname: "inner.example.com" }) },
        { ...path("/as-prefix"), ...rewrite(replacePrefix("/")) },
        { ...path("/as-full"), ...rewrite(replaceFull("/index")) },
        { ...path("/cors"), ...TO_ORIGIN, filters: [{ type: "CORS", cors: CORS }] },
        { ...path("/flaky"), ...TO_ORIGIN, retry: { codes: [502, 503], attempts: 3, backoff: "10ms" } },
        { ...path("/silent"), ...TO_ORIGIN, timeouts: { request: "300ms" } },
        { ...path("/dead"), backendRefs: [{ name: "half-dead", port: 443 }] },
        TO_ORIGIN,
      ]),
    ],
  });
});

afterAll(() => stage.stop());

/** Every host is the gateway. */
function ask(...args: readonly string[]): Promise<CurlRun> {
  return curl(args, { always: ["--connect-to", `:${port}:127.0.0.1:${port}`], report: "url_effective" });
}

const url = (target: string, host = "shop.example.com") => `http://${host}:${port}${target}`;

describe("redirects, followed", () => {
  test.each([
    ["/to-host/a?x=1", 308, "/to-host/a?x=1", "new.example.com"],
    ["/to-prefix/a/b?x=1", 302, "/moved/a/b?x=1", "shop.example.com"],
    ["/to-full/a/b?x=1", 303, "/the/page?x=1", "shop.example.com"],
  ])("%s: %i to %s at %s", async (from, status, target, host) => {
    const first = await ask(url(from));
    expect([first.status, first.header("location")]).toEqual([status, url(target, host)]);
    expect(first.header("x-endpoint")).toBeUndefined();
  });

  test("a POST that is redirected with 308 stays a POST, and one with 303 becomes a GET", async () => {
    const kept = await ask("-L", "--max-redirs", "1", "-d", "body", url("/to-host"));
    expect(kept.answers.map(({ status }) => status)).toEqual([308, 308]);
    const turned = await ask("-L", "-d", "body", url("/to-full"));
    expect(turned.body).toBe(`GET shop.example.com:${port} /the/page 0`);
    expect(turned.reported).toEqual([url("/the/page")]);
  });
});

describe("rewrites", () => {
  test.each([
    ["/as-host/a?x=1", "inner.example.com /as-host/a?x=1"],
    ["/as-prefix/a/b?x=%2F", "HOST /a/b?x=%2F"],
    ["/as-prefix?x=1", "HOST /?x=1"],
    ["/as-full/a/b?x=1", "HOST /index?x=1"],
  ])("%s", async (from, seen) => {
    const host = `shop.example.com:${port}`;
    expect((await ask(url(from))).body).toBe(`GET ${seen.replace("HOST", host)} 0`);
  });
});

describe("CORS", () => {
  const preflight = (origin: string, method: string) =>
    ask(
      "-X",
      "OPTIONS",
      "-H",
      `origin: ${origin}`,
      "-H",
      `access-control-request-method: ${method}`,
      url("/cors"),
    );

  test("a preflight is answered by the gateway", async () => {
    const before = asked.length;
    const allowed = await preflight("https://app.example.com", "PUT");
    expect(allowed.status).toBe(204);
    expect(Object.fromEntries(allowed.answers[0]?.headers ?? [])).toMatchObject({
      "access-control-allow-origin": ["https://app.example.com"],
      "access-control-allow-methods": ["PUT"],
      "access-control-allow-headers": ["x-own"],
      "access-control-allow-credentials": ["true"],
      "access-control-max-age": ["60"],
    });
    expect(
      (await preflight("https://evil.example.com", "PUT")).header("access-control-allow-origin"),
    ).toBeUndefined();
    expect(asked).toHaveLength(before);
  });

  test("the request itself is answered by the endpoint, and says who may read it", async () => {
    const answer = await ask("-X", "PUT", "-H", "origin: https://app.example.com", url("/cors"));
    expect([answer.status, answer.header("x-endpoint")]).toEqual([200, "here"]);
    expect(answer.header("access-control-allow-origin")).toBe("https://app.example.com");
    expect(answer.header("vary")?.toLowerCase()).toContain("origin");
  });
});

describe("failures", () => {
  test("curl sees the answer to the try that went well, and its body was sent each time", async () => {
    failures = [503, 502];
    const before = asked.length;
    const answer = await ask("-d", "x".repeat(5_000), url("/flaky"));
    expect([answer.status, answer.body]).toEqual([200, `POST shop.example.com:${port} /flaky 5000`]);
    expect(asked.slice(before)).toEqual(["/flaky", "/flaky", "/flaky"]);
  });

  test("an answer that stays bad passes in the end", async () => {
    failures = [503, 503, 503, 503];
    const answer = await ask(url("/flaky"));
    expect([answer.status, answer.header("x-endpoint")]).toEqual([503, "here"]);
    expect(failures).toEqual([]);
  });

  test("no answer: 504 in time", async () => {
    const answer = await curl([`http://127.0.0.1:${port}/silent`], { report: "time_total" });
    expect([answer.status, answer.body]).toEqual([504, expect.stringContaining("exchange-timeout")]);
    expect(Number(answer.reported[0])).toBeGreaterThanOrEqual(0.3);
    // Of itself the gateway would wait for a minute.
    expect(Number(answer.reported[0])).toBeLessThan(10);
  });

  test("nobody there: 503, and the connection goes on", async () => {
    const answer = await curl([`http://127.0.0.1:${port}/dead`, `http://127.0.0.1:${port}/live`], {
      report: "num_connects",
    });
    expect(answer.answers.map(({ status }) => status)).toEqual([503, 200]);
    expect(answer.reported).toEqual(["1", "0"]);
  });

  test("a body that is refused is not sent, where curl asks first", async () => {
    const answer = await curl(
      ["-H", "expect: 100-continue", "-T", "-", `http://127.0.0.1:${port}/to-prefix`],
      {
        input: "y".repeat(3_000_000),
        report: "size_upload",
      },
    );
    expect(answer.answers.map(({ status }) => status)).toEqual([302]);
    expect(answer.reported).toEqual(["0"]);
  });
});
