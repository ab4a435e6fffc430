// What an explanation says of listener, route and rule, of the gateway's own answers, and of the exchange.
import { describe, expect, test } from "vitest";
import type { Filter, Listener } from "../../src/model/index.ts";
import { makeAuthority } from "../support/certificates.ts";
import { explained } from "../support/explaining.ts";
import { exact, listener, match, prefix, regex, route } from "../support/routes.ts";
import { backend, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const web = backend("web", [endpoint("10.0.0.1:80")]);
const shadow = backend("shadow", [endpoint("10.0.9.9:80")]);

function ruleAt(name: string, ...matches: ReturnType<typeof match>[]) {
  return forwardRule([web], { name, matches });
}

function withFilters(...filters: Filter[]) {
  return snapshotOf({ backends: [web, shadow], rules: [forwardRule([web], { filters })] });
}

describe("what nearly matched", () => {
  const shop = listener("shop", "shop.example");
  const wild = listener("wild", "*.example");
  const rules = [
    ruleAt("cart", match(prefix("/cart"), { method: "POST" })),
    ruleAt("beta", match(prefix("/"), { headers: [{ type: "exact", name: "x-beta", value: "yes" }] })),
    ruleAt("search", match(exact("/search"), { query: [{ type: "regex", name: "q", value: "[a-z]+" }] })),
    ruleAt("old", match(regex("/v[12]/.*"))),
    ruleAt("all", match(prefix("/"))),
    ruleAt("again", match(prefix("/"))),
  ];
  const snapshot = snapshotOf({
    listeners: [shop, wild],
    backends: [web],
    routes: [
      route("shop", shop, [], ...rules),
      route("admin", shop, ["admin.shop.example"], ruleAt("x", match())),
    ],
  });

  test("is told with the condition that was in the way, the nearest rule first", () => {
    const { stages } = explained(snapshot, "GET http://shop.example/cart", { headers: ["x-beta: no"] });
    expect(stages.rule?.name).toBe("all");
    expect(stages.rule?.nearMisses).toEqual({
      first: [
        {
          name: "HTTPRoute/default/shop rule again",
          reasons: ["it holds too, and comes later in the order of precedence"],
        },
        { name: "HTTPRoute/default/shop rule cart", reasons: ["the method is not POST"] },
        { name: "HTTPRoute/default/shop rule beta", reasons: ['header x-beta is "no", not "yes"'] },
        { name: "HTTPRoute/default/shop rule old", reasons: ["the path does not match /v[12]/.*"] },
        {
          name: "HTTPRoute/default/shop rule search",
          reasons: ["the path is not /search", "there is no query parameter q"],
        },
      ],
      leftOff: 0,
    });
    expect(stages.route?.nearMisses.first).toEqual([
      { name: "HTTPRoute/default/admin", reasons: ["its hostnames are admin.shop.example"] },
    ]);
    expect(stages.listener.nearMisses.first).toEqual([
      { name: "Gateway/default/edge/wild", reasons: ["its hostname *.example is less specific"] },
    ]);
  });

  test("takes the path as the router does, dot segments resolved and without its query", () => {
    const { stages } = explained(snapshot, "POST http://shop.example/x/../cart/7?q=8");
    expect(stages.rule?.name).toBe("cart");
    expect(stages.rule?.matches).toEqual([match(prefix("/cart"), { method: "POST" })]);
    const search = explained(snapshot, "GET http://shop.example/search?q=8").stages.rule;
    expect(search?.nearMisses.first.find(({ name }) => name.endsWith("search"))?.reasons).toEqual([
      'query parameter q is "8", which does not match [a-z]+',
    ]);
  });

  test("is all there is where no listener or no route takes the host", () => {
    const nobody = explained(snapshot, "GET http://other.test/");
    expect(nobody.answer).toMatchObject({ status: 404, code: "no-listener" });
    expect(nobody.stages).toMatchObject({
      route: null,
      rule: null,
      affinity: null,
      endpoint: null,
      exchange: null,
    });
    expect(nobody.stages.listener.nearMisses.first.map(({ reasons }) => reasons)).toEqual([
      ["its hostname is shop.example"],
      ["its hostname is *.example"],
    ]);
    const noRoute = explained(snapshot, "GET http://blog.example/");
    expect(noRoute).toMatchObject({ endpoint: null, answer: { status: 404, code: "no-route" } });
    expect(noRoute.stages.listener.name).toBe("Gateway/default/edge/wild");
    expect(noRoute.stages.route?.name).toBeNull();
  });

  test("of hostnames is what might have been meant, and all there is where no route was found", () => {
    const names = ["blog.test", "shop.example", "shops.example"];
    const any = listener("any");
    const routes = names.map((name) => route(name, any, [name], ruleAt("all", match())));
    const of = (host: string) =>
      explained(
        snapshotOf({ listeners: [any], backends: [web], routes }),
        `GET http://${host}/`,
      ).stages.route?.nearMisses.first.map(({ reasons }) => reasons[0]);
    expect(of("shop.example")).toEqual(["its hostnames are shops.example"]);
    expect(of("www.shop.example")).toEqual([
      "its hostnames are shop.example",
      "its hostnames are shops.example",
      "its hostnames are blog.test",
    ]);
  });

  test("is cut short, and says by how much", () => {
    const many = Array.from({ length: 9 }, (_, index) => ruleAt(`${index}`, match(exact(`/${index}`))));
    const { stages } = explained(snapshotOf({ backends: [web], rules: many }), "GET http://shop.example/x");
    expect(stages.rule?.nearMisses.first).toHaveLength(5);
    expect(stages.rule?.nearMisses.leftOff).toBe(4);
  });
});

describe("the gateway's own answers", () => {
  test("redirects, with where to", () => {
    const redirect = { scheme: "https", hostname: "new.example", status: 301 } as const;
    const { answer, stages } = explained(
      withFilters({ kind: "redirect", redirect }),
      "GET http://shop.example/a?b",
    );
    expect(answer).toEqual({
      status: 301,
      code: null,
      text: "the gateway answers 301 Moved Permanently",
      fields: ["location", "https://new.example/a?b"],
    });
    expect(stages.rule?.filters).toEqual(["redirect with 301: scheme https, host new.example"]);
    expect(stages.affinity).toBeNull();
  });

  test("preflights", () => {
    const cors = {
      allowOrigins: ["https://app.example"],
      allowMethods: ["GET"],
      allowHeaders: [],
      exposeHeaders: [],
      allowCredentials: false,
      maxAgeSec: 5,
    };
    const headers = ["origin: https://app.example", "access-control-request-method: GET"];
    const snapshot = withFilters({ kind: "cors", cors });
    const { answer } = explained(snapshot, "OPTIONS http://shop.example/", { headers });
    expect(answer).toMatchObject({ status: 204, code: null });
    expect(answer?.fields).toContain("access-control-allow-origin");
    const after = explained(snapshot, "GET http://shop.example/", { headers });
    expect(after.endpoint).toBe("10.0.0.1:80");
    expect(after.stages.exchange?.response).toContain("access-control-allow-origin: https://app.example");
  });

  test("rules in error, with the reason that clients do not get", () => {
    const action = { kind: "respond", status: 500, reason: "the backend cart does not exist" } as const;
    const snapshot = snapshotOf({ backends: [web], rules: [forwardRule([web], { action })] });
    const { answer } = explained(snapshot, "GET http://shop.example/");
    expect(answer).toMatchObject({ status: 500, code: "rule-in-error" });
    expect(answer?.text).toMatch(/the backend cart does not exist$/);
  });

  test.each([
    ["GET http://shop.example/../x", [], 400, "bad-path"],
    ["GET http://shop.example/a%zz", [], 400, "bad-request"],
    ["GET http://shop.example/", ["host: a b"], 400, "bad-request"],
    ["TRACE http://shop.example/", ["max-forwards: 0"], 405, "method-not-allowed"],
    ["GET http://shop.example/", Array.from({ length: 101 }, () => "x: y"), 431, "head-too-large"],
  ])("%s %j is %d", (request, headers, status, code) => {
    expect(explained(withFilters(), request, { headers }).answer).toMatchObject({ status, code });
  });

  test("backends without endpoints, and weights that lead nowhere", () => {
    const empty = backend("empty", []);
    const none = snapshotOf({ backends: [empty] });
    expect(explained(none, "GET http://shop.example/").answer).toMatchObject({
      status: 503,
      code: "no-endpoints",
    });
    const backends = [{ weight: 1, filters: [] }];
    const invalid = snapshotOf({
      backends: [web],
      rules: [forwardRule([], { action: { kind: "forward", backends } })],
    });
    expect(explained(invalid, "GET http://shop.example/")).toMatchObject({
      answer: { status: 500, code: "invalid-backend" },
      reason: "no weight leads to a valid backend",
    });
  });
});

describe("the exchange", () => {
  test("is what the endpoint gets, after filters, with its copies", () => {
    const snapshot = withFilters(
      {
        kind: "requestHeaders",
        edit: { set: [{ name: "x-tier", value: "gold" }], add: [], remove: ["x-debug"] },
      },
      { kind: "rewrite", hostname: "inner.example", path: { kind: "prefix", prefix: "/", value: "/app" } },
      { kind: "mirror", backend: shadow.id, numerator: 1, denominator: 1 },
      { kind: "responseHeaders", edit: { set: [{ name: "x-by", value: "limpet" }], add: [], remove: [] } },
    );
    const headers = ["x-debug: 1", "x-forwarded-for: 203.0.113.9"];
    const { stages, endpoint: to } = explained(snapshot, "GET http://shop.example/cart", { headers });
    expect(to).toBe("10.0.0.1:80");
    expect(stages.exchange?.attempts).toEqual([
      {
        endpoint: "10.0.0.1:80",
        refused: false,
        request: "GET /app/cart",
        host: "inner.example",
        dropped: ["x-forwarded-for", "x-debug"],
        added: [
          "x-forwarded-for: 127.0.0.1",
          "x-forwarded-proto: http",
          "x-forwarded-host: shop.example",
          "x-tier: gold",
        ],
      },
    ]);
    expect(stages.exchange?.mirrors).toMatchObject([{ endpoint: "10.0.9.9:80", request: "GET /app/cart" }]);
    expect(stages.exchange?.response).toEqual(["x-by: limpet"]);
    expect(stages.rule?.filters).toEqual([
      "request headers: set x-tier: gold; remove x-debug",
      "rewrite: host inner.example, path prefix / to /app",
      "mirror to Service/default/shadow",
      "response headers: set x-by: limpet",
    ]);
  });

  test("tells timeouts and retries of the rule", () => {
    const retry = {
      attempts: 2,
      statusCodes: [503],
      onConnectionError: true,
      onTimeout: true,
      baseBackoffMs: 25,
      maxBackoffMs: 250,
    };
    const timeouts = { requestMs: 5000, backendRequestMs: 1000 };
    const snapshot = snapshotOf({ backends: [web], rules: [forwardRule([web], { retry, timeouts })] });
    expect(explained(snapshot, "GET http://shop.example/").stages.exchange?.limits).toEqual([
      "the whole exchange may take 5000 ms",
      "an attempt may take 1000 ms",
      "up to 2 retries on status 503, a lost connection, a timeout",
    ]);
    const refusing = ["10.0.0.1:80"];
    const refused = explained(snapshot, "GET http://shop.example/", { refusing });
    expect(refused.answer).toMatchObject({ status: 503, code: "connect-failed" });
    expect(refused.stages.exchange?.attempts).toHaveLength(3);
  });
});

describe("the client", () => {
  test("is whom the trust rules make it", () => {
    const headers = ["x-forwarded-for: 203.0.113.9"];
    const client = (options = {}) =>
      explained(withFilters(), "GET http://shop.example/", { headers, client: "10.1.2.3:5000", options })
        .stages.listener.client;
    expect(client()).toBe("10.1.2.3");
    expect(client({ trustedProxies: ["10.0.0.0/8"] })).toBe("203.0.113.9");
    expect(client({ trustedHops: 1 })).toBe("203.0.113.9");
  });
});

describe("the port", () => {
  const here: Listener = { ...listener("here"), addresses: ["10.1.1.1"] };
  const there: Listener = { ...listener("there"), addresses: ["10.1.1.2"] };
  const snapshot = snapshotOf({
    listeners: [here, there],
    backends: [web],
    routes: [route("a", here, []), route("b", there, [])],
  });
  const name = (request: string, asking = {}) => explained(snapshot, request, asking).stages.listener.name;

  test("is that of the URL, and of several addresses the one that is asked for", () => {
    expect(name("GET http://10.1.1.2/")).toBe(there.id);
    expect(name("GET http://shop.example/", { local: "10.1.1.2" })).toBe(there.id);
    expect(name("GET http://shop.example/")).toBe(here.id);
    expect(name("GET http://shop.example:8080/", { portOffset: 8000 })).toBe(here.id);
  });

  test("that nobody listens on is an error that names those that are there", () => {
    expect(() => explained(snapshot, "GET http://shop.example:81/")).toThrow(
      "no listener has the port 81 of the URL; there are 80",
    );
  });
});

describe("TLS", () => {
  const authority = makeAuthority({ name: "Test Authority" });
  const certificate = { id: "Secret/default/cert", ...authority.issue({ names: ["shop.example"] }) };
  const secure: Listener = {
    ...listener("secure", "shop.example"),
    port: 443,
    protocol: "HTTPS",
    tls: { certificates: [certificate] },
  };
  const blog: Listener = {
    ...secure,
    id: "Gateway/default/edge/blog",
    name: "blog",
    hostname: "blog.example",
  };
  const passing: Listener = { ...listener("passing", "db.example"), port: 443, protocol: "TLS" };
  const database = backend("db", [endpoint("10.0.5.1:5432")]);
  const snapshot = {
    ...snapshotOf({
      listeners: [secure, blog, passing, listener("http")],
      backends: [web, database],
      routes: [route("shop", secure, [], forwardRule([web])), route("blog", blog, [], forwardRule([web]))],
    }),
    tlsRoutes: [
      {
        id: "TLSRoute/default/db",
        object: { group: "gateway.networking.k8s.io", kind: "TLSRoute", namespace: "default", name: "db" },
        attachments: [{ listener: passing.id, hostnames: ["db.example"] }],
        backends: [{ backend: database.id, weight: 1, filters: [] }],
      },
    ],
  };

  test("leads by the URL's host to its listener, and says so to the endpoint", () => {
    const { stages, endpoint: to } = explained(snapshot, "GET https://shop.example/");
    expect(to).toBe("10.0.0.1:80");
    expect(stages.listener).toMatchObject({ name: secure.id, protocol: "HTTPS", bind: "443" });
    expect(stages.exchange?.attempts[0]?.added).toContain("x-forwarded-proto: https");
  });

  test("makes a request for another listener's host misdirected", () => {
    const headers = ["host: blog.example"];
    expect(explained(snapshot, "GET https://shop.example/", { headers }).answer).toMatchObject({
      status: 421,
      code: "misdirected",
    });
  });

  test.each([
    ["GET https://other.test/", null, "unknown-name"],
    ["GET https://10.0.0.1/", null, "unknown-name"],
    ["GET http://shop.example:443/", null, "not-tls"],
    ["GET https://shop.example:80/", 400, "bad-request"],
  ])("%s gets no further than the port", (request, status, code) => {
    const { answer, stages } = explained(snapshot, request);
    expect(answer).toMatchObject({ status, code });
    expect(stages).toMatchObject({ route: null, rule: null, endpoint: null });
  });

  test("that is passed through is explained as far as one can see into it", () => {
    const { endpoint: to, stages } = explained(snapshot, "GET https://db.example/");
    expect(to).toBe("10.0.5.1:5432");
    expect(stages).toMatchObject({
      listener: { name: passing.id, protocol: "TLS" },
      route: { name: "TLSRoute/default/db" },
      rule: null,
      exchange: null,
    });
  });
});
