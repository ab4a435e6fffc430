// Questions as people type them.
import { describe, expect, test } from "vitest";
import { readQuestion } from "./question.ts";
import { questionOfQuery, questionQuery } from "./question-query.ts";

function read(request: string, more: Partial<Parameters<typeof readQuestion>[0]> = {}) {
  return readQuestion({ request, headers: [], refusing: [], ...more }, 100);
}

describe("a request", () => {
  test.each([
    ["GET http://shop.example/cart?a=b", "GET", "shop.example", "/cart?a=b", 80],
    ["https://Shop.Example/", "GET", "shop.example", "/", 443],
    ["POST http://shop.example:8080", "POST", "shop.example:8080", "/", 8080],
    ["GET http://shop.example?a=b", "GET", "shop.example", "/?a=b", 80],
    ["GET http://shop.example:80/a/../b", "GET", "shop.example", "/a/../b", 80],
    ["OPTIONS http://shop.example", "OPTIONS", "shop.example", "*", 80],
    ["GET http://[2001:db8::1]:81/", "GET", "[2001:db8::1]:81", "/", 81],
  ])("%s", (request, method, authority, path, port) => {
    const question = read(request);
    expect(question.port).toBe(port);
    expect(question.head).toMatchObject({ method, authority, path });
  });

  test.each([
    "",
    "GET /",
    "GET shop.example",
    "GET ftp://shop.example/",
    "GET http://a@b/",
    "GET http://x:70000/",
  ])("%j asks nothing", (request) =>
    expect(() => read(request)).toThrow("expected a request such as 'GET https://shop.example/cart'"),
  );

  test("has its headers in order, a Host of its own among them", () => {
    const { head } = read("GET http://10.0.0.1/", { headers: ["Host: shop.example", "x-a: 1", "X-A:2"] });
    expect(head?.authority).toBe("shop.example");
    expect(head?.getAll("x-a")).toEqual(["1", "2"]);
  });

  test.each(["cookie", ": x", "x y: z", "a: b\r\nc: d"])("%j is no header", (header) => {
    expect(() => read("GET http://shop.example/", { headers: [header] })).toThrow("expected a header");
  });

  test("that the codec refuses is refused as a client's would be", () => {
    const { head, refusal } = read("GET http://shop.example/%zz");
    expect(head).toBeUndefined();
    expect(refusal).toMatchObject({ code: "bad-request", status: 400 });
  });
});

test("addresses are canonical, and may do without a port", () => {
  const { client, local, refusing } = read("GET http://shop.example/", {
    client: "::ffff:192.0.2.1",
    local: "[2001:DB8::0:1]:80",
    refusing: ["[2001:DB8::0:1]:80", "10.0.0.1:8080"],
  });
  expect(client).toEqual({ ip: "192.0.2.1", port: undefined });
  expect(local).toEqual({ ip: "2001:db8::1", port: 80 });
  expect([...refusing]).toEqual(["[2001:db8::1]:80", "10.0.0.1:8080"]);
  expect(() => read("GET http://shop.example/", { client: "localhost" })).toThrow("for client");
  expect(() => read("GET http://shop.example/", { refusing: ["10.0.0.1"] })).toThrow("expected an endpoint");
});

test("a time is one of RFC 3339", () => {
  expect(read("GET http://shop.example/", { at: "2026-01-01T01:00:00+01:00" }).atMs).toBe(
    Date.UTC(2026, 0, 1),
  );
  expect(() => read("GET http://shop.example/", { at: "tomorrow" })).toThrow("expected a time");
});

test("a question comes out of a query as it went in", () => {
  const texts = {
    request: "GET http://shop.example/?a=b&c=%20",
    headers: ["cookie: a=b; c=d", "x-user: ä"],
    client: "192.0.2.1:5",
    local: undefined,
    at: "2026-01-01T00:00:00Z",
    refusing: ["10.0.0.1:80"],
  };
  expect(questionOfQuery(new URLSearchParams(questionQuery(texts).toString()))).toEqual(texts);
});
