// Redirects, rewrites and filters of backendRefs through the pipeline.
import { describe, expect, test } from "vitest";
import type { Filter, HeaderEdit, Rule } from "../../src/model/index.ts";
import { MemoryGateway } from "../support/memory-gateway.ts";
import { listener, route } from "../support/routes.ts";
import { backend, cookieSession, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const web = backend("web", [endpoint("10.0.0.1:80")]);
const other = backend("other", [endpoint("10.0.0.2:80")]);

function edit(more: Partial<HeaderEdit>): HeaderEdit {
  return { set: [], add: [], remove: [], ...more };
}

function gatewayWith(...rules: Rule[]): MemoryGateway {
  return new MemoryGateway(snapshotOf({ backends: [web, other], rules }));
}

describe("a redirect", () => {
  const redirect: Filter = {
    kind: "redirect",
    redirect: { scheme: "https", path: { kind: "prefix", prefix: "/", value: "/new" }, status: 301 },
  };

  test("answers for a rule that has no backends", () => {
    const gateway = gatewayWith(
      forwardRule([], { filters: [redirect], action: { kind: "forward", backends: [] } }),
    );
    const client = gateway.request({ path: "/a/../cart?x=1" });
    expect(client.response).toMatchObject({ status: 301, length: 0 });
    expect(client.responseFields("location")).toEqual(["https://shop.example/new/cart?x=1"]);
    expect(client.body.ended).toBe(true);
    expect(gateway.endpoints.received).toEqual([]);
    expect(gateway.log).toMatchObject([{ status: 301, error: undefined, rule: "all" }]);
  });

  test("takes the port that the listener declares", () => {
    const on = { ...listener("alt"), port: 8080 };
    const rule = forwardRule([], {
      filters: [{ kind: "redirect", redirect: { hostname: "new.example", status: 302 } }],
      action: { kind: "forward", backends: [] },
    });
    const gateway = new MemoryGateway(
      snapshotOf({ listeners: [on], backends: [web], routes: [route("shop", on, [], rule)] }),
    );
    expect(gateway.request().responseFields("location")).toEqual(["http://new.example:8080/"]);
  });

  test("carries the response's filters", () => {
    const gateway = gatewayWith(
      forwardRule([], {
        filters: [
          redirect,
          { kind: "responseHeaders", edit: edit({ set: [{ name: "X-Moved", value: "yes" }] }) },
        ],
        action: { kind: "forward", backends: [] },
      }),
    );
    expect(gateway.request().responseFields("x-moved")).toEqual(["yes"]);
  });

  test("of a backendRef answers for its share, and begins no session", () => {
    const gateway = gatewayWith(
      forwardRule([], {
        session: cookieSession("home"),
        action: {
          kind: "forward",
          backends: [
            { backend: web.id, weight: 1, filters: [redirect] },
            { backend: other.id, weight: 1, filters: [] },
          ],
        },
      }),
    );
    gateway.randomValue = 0;
    const redirected = gateway.request();
    expect(redirected.response?.status).toBe(301);
    expect(redirected.responseFields("set-cookie")).toEqual([]);
    gateway.randomValue = 0.9;
    gateway.request();
    expect(gateway.endpoints.last.endpoint.address).toBe("10.0.0.2:80");
  });
});

describe("a rewrite", () => {
  const rewrite: Filter = {
    kind: "rewrite",
    hostname: "inner.example",
    path: { kind: "prefix", prefix: "/shop", value: "/" },
  };

  test("changes host and path, keeps the query, and tells the endpoint the host that was asked for", () => {
    const gateway = gatewayWith(forwardRule([web], { filters: [rewrite] }));
    gateway.request({ path: "/shop/cart?x=/shop", fields: ["x-forwarded-host", "forged.example"] });
    const { authority, path, ...upstream } = gateway.endpoints.last;
    expect([authority, path]).toEqual(["inner.example", "/cart?x=/shop"]);
    expect(gateway.endpoints.last.values("x-forwarded-host")).toEqual(["shop.example"]);
    expect(upstream.method).toBe("GET");
    gateway.endpoints.last.answer(200);
    expect(gateway.log).toMatchObject([{ host: "shop.example", path: "/shop/cart?x=/shop" }]);
  });

  test("of a backendRef is its own affair", () => {
    const gateway = gatewayWith(
      forwardRule([], {
        action: {
          kind: "forward",
          backends: [
            { backend: web.id, weight: 1, filters: [rewrite] },
            { backend: other.id, weight: 1, filters: [] },
          ],
        },
      }),
    );
    const seen = [0, 0.9].map((value) => {
      gateway.randomValue = value;
      gateway.request({ path: "/shop/cart" });
      const { authority, path } = gateway.endpoints.last;
      return [authority, path];
    });
    expect(seen).toEqual([
      ["inner.example", "/cart"],
      ["shop.example", "/shop/cart"],
    ]);
  });

  test("leaves OPTIONS * alone", () => {
    const gateway = gatewayWith(
      forwardRule([web], { filters: [{ kind: "rewrite", path: { kind: "fullPath", value: "/x" } }] }),
    );
    gateway.request({ method: "OPTIONS", path: "*" });
    expect(gateway.endpoints.last.path).toBe("*");
  });
});

test("an invalid backendRef answers 500 for its share of the weight", () => {
  const gateway = gatewayWith(
    forwardRule([], {
      action: {
        kind: "forward",
        backends: [
          { backend: web.id, weight: 3, filters: [] },
          { weight: 1, filters: [] },
        ],
      },
    }),
  );
  const count = 1_000;
  let failed = 0;
  for (let index = 0; index < count; index++) {
    gateway.randomValue = index / count;
    const client = gateway.request();
    if (client.response?.status === 500) failed += 1;
    else gateway.endpoints.last.answer(200);
  }
  expect(failed).toBe(count / 4);
  expect(gateway.sample("limpet_errors_total", { code: "invalid-backend" })).toBe(count / 4);
});
