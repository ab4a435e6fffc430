// CORS policies: which origins pass, what a preflight is told, and what responses say.
import { describe, expect, test } from "vitest";
import { requestHead } from "../../test/support/request-head.ts";
import type { Cors } from "../model/index.ts";
import { CorsPolicy } from "./cors.ts";
import { EditList } from "./header-edits.ts";

const CORS: Cors = {
  allowOrigins: ["https://shop.example"],
  allowMethods: [],
  allowHeaders: [],
  exposeHeaders: [],
  allowCredentials: false,
  maxAgeSec: 5,
};
const ORIGIN = "access-control-allow-origin";

function preflight(cors: Partial<Cors>, ...fields: readonly (readonly [string, string])[]) {
  const asked = [["origin", "https://shop.example"], ["access-control-request-method", "PUT"], ...fields];
  const head = requestHead({ method: "OPTIONS", fields: asked as [string, string][] });
  return pairs(new CorsPolicy({ ...CORS, ...cors }).preflight(head));
}

function pairs(fields: readonly string[] | undefined): Record<string, string> | undefined {
  if (fields === undefined) return undefined;
  const all: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) all[fields[at] as string] = fields[at + 1] as string;
  return all;
}

/** What is added to a response for this origin, and which of the endpoint's fields go. */
function response(cors: Partial<Cors>, origin: string | undefined) {
  const edits = new EditList();
  new CorsPolicy({ ...CORS, ...cors }).apply(origin, edits);
  return { added: pairs(edits.lines), edits };
}

describe("origins", () => {
  test.each([
    ["https://shop.example", "https://shop.example", true],
    ["https://shop.example", "https://shop.example:443", true],
    ["https://shop.example", "HTTPS://Shop.example", true],
    ["https://shop.example", "http://shop.example", false],
    ["https://shop.example", "https://shop.example:8443", false],
    ["https://shop.example", "https://shop.example.evil", false],
    ["https://shop.example:8443", "https://shop.example:8443", true],
    ["http://shop.example", "http://shop.example:80", true],
    ["https://*.a.example", "https://x.a.example", true],
    ["https://*.a.example", "https://x.y.a.example", true],
    ["https://*.a.example", "https://a.example", false],
    ["https://*.a.example", "https://.a.example", false],
    ["https://*.a.example", "http://x.a.example", false],
    ["https://*.a.example", "https://x.a.example:8443", false],
    ["https://*.a.example", "https://evil/x.a.example", false],
    ["https://*.a.example", "https://xa.example", false],
    ["https://*.a.example:8443", "https://x.a.example:8443", true],
    ["https://*", "https://any.example", true],
    ["https://*", "https://any.example:12345", false],
    ["https://*", "http://any.example", false],
    ["*", "https://any.example:12345", true],
    ["*", "null", true],
    ["https://shop.example", "null", false],
  ])("%s and %s: %s", (allowed, origin, expected) => {
    const { added } = response({ allowOrigins: [allowed] }, origin);
    expect(ORIGIN in (added ?? {})).toBe(expected);
  });
});

describe("a preflight", () => {
  test.each([
    [
      "GET",
      [
        ["origin", "https://shop.example"],
        ["access-control-request-method", "PUT"],
      ],
    ],
    ["OPTIONS", [["origin", "https://shop.example"]]],
    ["OPTIONS", [["access-control-request-method", "PUT"]]],
  ])("is not %s with %j", (method, fields) => {
    const head = requestHead({ method, fields: fields as [string, string][] });
    expect(new CorsPolicy(CORS).preflight(head)).toBeUndefined();
  });

  test("of an origin that is allowed is told everything", () => {
    const told = preflight({
      allowMethods: ["GET", "OPTIONS"],
      allowHeaders: ["x-one", "x-two"],
      exposeHeaders: ["x-three"],
      allowCredentials: true,
      maxAgeSec: 3600,
    });
    expect(told).toEqual({
      vary: "origin, access-control-request-method, access-control-request-headers",
      "access-control-allow-origin": "https://shop.example",
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "GET, OPTIONS",
      "access-control-allow-headers": "x-one, x-two",
      "access-control-expose-headers": "x-three",
      "access-control-max-age": "3600",
    });
  });

  test("of another origin learns nothing", () => {
    expect(Object.keys(preflight({ allowOrigins: ["https://other.example"] }) ?? {})).toEqual(["vary"]);
  });

  test.each([true, false])(
    "is answered with what it asks for where all is allowed (credentials: %s)",
    (allowCredentials) => {
      const all = { allowMethods: ["*"], allowHeaders: ["*"], allowOrigins: ["*"], allowCredentials };
      expect(preflight(all, ["access-control-request-headers", "x-one, authorization"])).toMatchObject({
        [ORIGIN]: allowCredentials ? "https://shop.example" : "*",
        "access-control-allow-methods": "PUT",
        "access-control-allow-headers": "x-one, authorization",
      });
      expect(preflight(all)).not.toHaveProperty("access-control-allow-headers");
    },
  );
});

describe("a response", () => {
  test("says who may read it, in place of what the endpoint says", () => {
    const { added, edits } = response(
      { allowCredentials: true, exposeHeaders: ["x-a", "x-b"] },
      "https://shop.example",
    );
    expect(added).toEqual({
      vary: "origin",
      [ORIGIN]: "https://shop.example",
      "access-control-allow-credentials": "true",
      "access-control-expose-headers": "x-a, x-b",
    });
    expect(edits.drops("access-control-allow-methods")).toBe(true);
    expect(edits.drops("vary")).toBe(false);
  });

  test.each([["https://other.example"], [undefined]])("to origin %s says nothing, but varies", (origin) => {
    const { added, edits } = response({}, origin);
    expect(added).toEqual({ vary: "origin" });
    expect(edits.drops(ORIGIN)).toBe(true);
  });

  test("is the same for everybody where everybody may read it without credentials", () => {
    const { added } = response({ allowOrigins: ["*"], exposeHeaders: ["*"] }, "https://shop.example");
    expect(added).toEqual({ [ORIGIN]: "*", "access-control-expose-headers": "*" });
  });

  test("exposes no asterisk with credentials", () => {
    const cors = { allowOrigins: ["*"], exposeHeaders: ["*"], allowCredentials: true };
    const { added } = response(cors, "https://shop.example");
    expect(added).not.toHaveProperty("access-control-expose-headers");
    expect(added?.[ORIGIN]).toBe("https://shop.example");
  });
});
