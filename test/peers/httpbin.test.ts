// The real httpbin asked through the gateway and asked directly: the answers are the same, byte for byte.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ask,
  type HttpbinStage,
  type Question,
  startHttpbinStage,
  type WholeAnswer,
} from "./httpbin-stage.ts";

let stage: HttpbinStage;

beforeAll(async () => {
  stage = await startHttpbinStage();
});

afterAll(async () => {
  await stage.stop();
});

const REQUEST_ID = "the-same-for-both";

/** What the gateway adds to a request, which httpbin's echoes show. */
const ADDED = {
  "x-forwarded-for": "127.0.0.1",
  "x-forwarded-proto": "http",
  "x-forwarded-host": "httpbin.example",
};

async function both({
  headers = {},
  ...rest
}: Question): Promise<{ direct: WholeAnswer; through: WholeAnswer }> {
  const own = { "x-request-id": REQUEST_ID, ...headers };
  const through = await ask(stage.port, { ...rest, headers: own });
  const direct = await ask(stage.httpbin.port, { ...rest, headers: { ...own, ...ADDED } });
  return { direct: withoutDate(direct), through: withoutDate(through) };
}

/** The two are asked one after the other. */
function withoutDate(answer: WholeAnswer): WholeAnswer {
  const date = answer.fields.filter((line) => line.startsWith("Date: "));
  expect(date).toHaveLength(1);
  return { ...answer, fields: answer.fields.filter((line) => !date.includes(line)) };
}

const get = (path: string, headers?: Record<string, string>): Question =>
  headers === undefined ? { path } : { path, headers };

const JSON_BODY = { "content-type": "application/json" };
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const MULTIPART = { "content-type": "multipart/form-data; boundary=cut" };
const FILE =
  '--cut\r\ncontent-disposition: form-data; name="f"; filename="a.bin"\r\n\r\n\u0000\u0001\r\n--cut--\r\n';

describe("an answer is the one that httpbin gives by itself", () => {
  test.each<[number, string, Question]>([
    [200, "a query with everything in it", get("/get?a=1&a=2&b=%2F%20+c&empty=&%C3%A9=%E2%82%AC")],
    [
      200,
      "headers with odd names and values",
      get("/headers", { "X-OdD-CaSe": "a,  b", "x-empty": "", accept: "*/*" }),
    ],
    [200, "a user agent", get("/user-agent", { "user-agent": "peer/1.0 (test; \u00e9)" })],
    [200, "HEAD", { method: "HEAD", path: "/get" }],
    [200, "OPTIONS", { method: "OPTIONS", path: "/get", headers: { origin: "https://a.example" } }],
    [405, "a method that is not allowed", { method: "DELETE", path: "/get" }],
    [200, "POST of a form", { method: "POST", path: "/post", headers: FORM, body: "a=1&b=%26&a=2" }],
    [
      200,
      "POST of JSON",
      { method: "POST", path: "/post", headers: JSON_BODY, body: '{"a": [1, "\u00e9"]}' },
    ],
    [200, "POST of a file", { method: "POST", path: "/post", headers: MULTIPART, body: FILE }],
    [200, "POST of nothing", { method: "POST", path: "/post", headers: { "content-length": "0" } }],
    [200, "PUT of 300,000 bytes", { method: "PUT", path: "/put", body: randomBytes(300_000) }],
    [
      200,
      "PUT in chunks",
      { method: "PUT", path: "/put", headers: { "transfer-encoding": "chunked" }, body: "in chunks" },
    ],
    [200, "PATCH", { method: "PATCH", path: "/patch", body: "some" }],
    [200, "DELETE with a body", { method: "DELETE", path: "/delete", body: "gone" }],
    [200, "a method and a path of one's own", { method: "TRACE", path: "/anything/a/b;c=1?x" }],
    [302, "a redirect that is relative", get("/redirect/2")],
    [302, "a redirect that names the host", get("/absolute-redirect/1")],
    [307, "a redirect elsewhere", get("/redirect-to?url=https%3A%2F%2Fother.example%2Fa&status_code=307")],
    [302, "a cookie that is set", get("/cookies/set?home=a%20b")],
    [302, "a cookie that is deleted", get("/cookies/delete?home", { cookie: "home=1" })],
    [200, "cookies", get("/cookies", { cookie: "a=1; b=2; a=3" })],
    [
      200,
      "fields that come twice",
      get("/response-headers?x-twice=1&x-twice=2&Set-Cookie=a%3D1&Set-Cookie=b%3D2"),
    ],
    [200, "gzip", get("/gzip", { "accept-encoding": "gzip" })],
    [200, "deflate", get("/deflate")],
    [200, "brotli", get("/brotli")],
    [200, "UTF-8", get("/encoding/utf8")],
    [200, "a picture", get("/image/png")],
    [406, "a picture of no known type", get("/image", { accept: "application/json" })],
    [200, "random bytes with a length", get("/bytes/100000?seed=7")],
    [200, "random bytes in chunks", get("/stream-bytes/100000?seed=7&chunk_size=999")],
    [200, "lines in chunks", get("/stream/20")],
    [200, "bytes that drip", get("/drip?numbytes=5&duration=0.2&code=200")],
    [206, "a range", get("/range/1000", { range: "bytes=10-99" })],
    [206, "the end of a range", get("/range/1000?chunk_size=100", { range: "bytes=-50" })],
    [416, "a range beyond the end", get("/range/1000", { range: "bytes=2000-3000" })],
    [200, "an entity tag", get("/etag/abc")],
    [304, "an entity tag that is still right", get("/etag/abc", { "if-none-match": '"abc"' })],
    [412, "an entity tag that is required and wrong", get("/etag/abc", { "if-match": '"other"' })],
    [
      304,
      "a date that is still right",
      get("/cache", { "if-modified-since": "Sat, 01 Jan 2028 00:00:00 GMT" }),
    ],
    [200, "a page that may be kept", get("/cache/60")],
    [401, "a password that is asked for", get("/basic-auth/u/p")],
    [200, "a password", get("/basic-auth/u/p", { authorization: "Basic dTpw" })],
    [200, "a bearer token", get("/bearer", { authorization: "Bearer abc" })],
    [404, "a page that is not there", get("/nowhere")],
  ])("%i: %s", async (status, _, question) => {
    const { direct, through } = await both(question);
    expect(through).toEqual(direct);
    expect(through.statusLine).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test("whatever its status is", async () => {
    const statuses = [200, 201, 202, 203, 204, 205, 206, 207, 226, 300, 301, 302, 303, 304, 305, 307, 308];
    const errors = [400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 417, 418, 421];
    const further = [422, 425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505, 507, 511, 599];
    for (const status of [...statuses, ...errors, ...further]) {
      for (const method of ["GET", "HEAD", "POST"]) {
        const { direct, through } = await both({ method, path: `/status/${status}` });
        expect(through).toEqual(direct);
        expect(through.statusLine).toContain(` ${status} `);
      }
    }
  });
});

describe("a request reaches httpbin", () => {
  const echoed = async (headers: Record<string, string>): Promise<Record<string, string>> => {
    const answer = await ask(stage.port, { path: "/headers?show_env=1", headers });
    return (JSON.parse(answer.body) as { headers: Record<string, string> }).headers;
  };

  test("with who asks, for which host, and an id", async () => {
    expect(await echoed({})).toEqual({
      Host: "httpbin.example",
      "X-Forwarded-For": "127.0.0.1",
      "X-Forwarded-Proto": "http",
      "X-Forwarded-Host": "httpbin.example",
      "X-Request-Id": expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test("without what a client that nobody trusts claims, nor what was for the gateway alone", async () => {
    const claims = {
      forwarded: "for=10.0.0.1",
      "x-forwarded-for": "10.0.0.1",
      "x-forwarded-port": "1",
      connection: "keep-alive, x-own",
      "x-own": "1",
      te: "trailers",
      "proxy-connection": "keep-alive",
    };
    const headers = await echoed(claims);
    expect(headers["X-Forwarded-For"]).toBe("127.0.0.1");
    for (const name of ["Forwarded", "X-Forwarded-Port", "X-Own", "Proxy-Connection", "Connection"]) {
      expect(headers).not.toHaveProperty(name);
    }
  });
});
