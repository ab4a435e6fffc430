// Retries, mirrors, rewrites and timeouts on loopback sockets: what the neutral tests promise holds for HTTP/1.1.
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import type { Filter, Retry, Rule } from "../../src/model/index.ts";
import { startLoopbackGateway } from "../support/loopback-gateway.ts";
import { startOrigin, startRawOrigin } from "../support/origin.ts";
import { backend, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

/** Nobody listens there. */
const NOBODY = endpoint("127.0.0.1:1");

const RETRY: Retry = {
  attempts: 3,
  statusCodes: [503],
  onConnectionError: true,
  onTimeout: true,
  baseBackoffMs: 1,
  maxBackoffMs: 10,
};

async function gatewayTo(endpoints: ReturnType<typeof endpoint>[], rule: Partial<Rule> = {}) {
  const web = backend("web", endpoints);
  return startLoopbackGateway(snapshotOf({ backends: [web], rules: [forwardRule([web], rule)] }));
}

function post(port: number, body: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/`, { method: "POST", body });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

const echo: RequestListener = (request, response) => {
  request.pipe(response);
};

describe("a POST", () => {
  test("finds the endpoint that is there, body and all", async () => {
    const origin = await startOrigin(echo);
    const gateway = await gatewayTo([NOBODY, origin.endpoint]);
    const bodies = Array.from({ length: 20 }, (_, index) => String(index).repeat(1_000));
    const answers = await Promise.all(bodies.map((body) => post(gateway.port, body)));
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(bodies);
  });

  test("is sent again with its body where the rule says so", async () => {
    const seen: string[] = [];
    const origin = await startOrigin(async (request, response) => {
      seen.push(await bodyOf(request));
      response.statusCode = seen.length < 3 ? 503 : 200;
      response.end("thanks");
    });
    const gateway = await gatewayTo([origin.endpoint], { retry: RETRY });
    const answer = await post(gateway.port, "hello");
    expect([answer.status, await answer.text()]).toEqual([200, "thanks"]);
    expect(seen).toEqual(["hello", "hello", "hello"]);
    // What was thrown away was read to its end, so that its connection served again.
    const samples = gateway.engine.stats();
    expect(samples.find(({ name }) => name === "limpet_upstream_connects_total")?.value).toBeLessThan(3);
  });

  test("survives endpoints that hang up on it", async () => {
    let count = 0;
    const origin = await startOrigin((request, response) => {
      count += 1;
      if (count < 3) request.socket.destroy();
      else echo(request, response);
    });
    const gateway = await gatewayTo([origin.endpoint], { retry: RETRY });
    expect(await (await post(gateway.port, "hello")).text()).toBe("hello");
    expect(count).toBe(3);
  });

  test("larger than what is kept is sent once", async () => {
    let count = 0;
    const origin = await startOrigin(async (request, response) => {
      count += 1;
      await bodyOf(request);
      response.statusCode = 503;
      response.end("no");
    });
    const gateway = await gatewayTo([origin.endpoint], { retry: RETRY });
    const answer = await post(gateway.port, "x".repeat(1 << 20));
    expect([answer.status, await answer.text(), count]).toEqual([503, "no", 1]);
  });
});

test("an endpoint that is silent is left for another in time", async () => {
  const silent = await startRawOrigin(() => {});
  const origin = await startOrigin((_, response) => response.end("here"));
  const gateway = await gatewayTo([silent, origin.endpoint], {
    // So many that an attempt at the other one may come too late as well, where the machine stands still.
    retry: { ...RETRY, attempts: 6, attemptTimeoutMs: 100 },
  });
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => fetch(`http://127.0.0.1:${gateway.port}/`)),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
});

test("timeouts are kept to within a tenth of a second", async () => {
  const silent = await startRawOrigin(() => {});
  const gateway = await gatewayTo([silent], { timeouts: { requestMs: 150 } });
  // The best of several: a machine that stands still for a moment makes one of them late, and not all.
  for (let round = 0; round < 5; round += 1) {
    const began = performance.now();
    const answer = await fetch(`http://127.0.0.1:${gateway.port}/`);
    expect(answer.status).toBe(504);
    expect(await answer.text()).toContain("exchange-timeout");
    expect(performance.now() - began).toBeGreaterThanOrEqual(149);
  }
  expect(Math.min(...gateway.log.map(({ durationMs }) => durationMs))).toBeLessThan(250);
});

test("a rewritten host is the only one that the endpoint sees", async () => {
  const origin = await startOrigin((request, response) => {
    const hosts = request.rawHeaders.filter((_, at) => request.rawHeaders[at - 1]?.toLowerCase() === "host");
    response.end(JSON.stringify([request.url, ...hosts, request.headers["x-forwarded-host"]]));
  });
  const rewrite: Filter = {
    kind: "rewrite",
    hostname: "inner.example",
    path: { kind: "prefix", prefix: "/a", value: "/b c" },
  };
  const gateway = await gatewayTo([origin.endpoint], { filters: [rewrite] });
  const answer = await fetch(`http://127.0.0.1:${gateway.port}/a/d?e=/a`);
  expect(await answer.json()).toEqual(["/b%20c/d?e=/a", "inner.example", `127.0.0.1:${gateway.port}`]);
});

describe("a mirror", () => {
  function mirrored(main: ReturnType<typeof endpoint>, shadow: ReturnType<typeof endpoint>) {
    const [web, copies] = [backend("web", [main]), backend("shadow", [shadow])];
    const filters: Filter[] = [{ kind: "mirror", backend: copies.id, numerator: 1, denominator: 1 }];
    return startLoopbackGateway(
      snapshotOf({ backends: [web, copies], rules: [forwardRule([web], { filters })] }),
    );
  }

  test("gets the body and all fields", async () => {
    const seen: [IncomingMessage["headers"], string][] = [];
    const record = async (request: IncomingMessage, response: ServerResponse) => {
      seen.push([request.headers, await bodyOf(request)]);
      response.end();
    };
    const [main, shadow] = [await startOrigin(record), await startOrigin(record)];
    const gateway = await mirrored(main.endpoint, shadow.endpoint);
    await fetch(`http://127.0.0.1:${gateway.port}/`, {
      method: "PUT",
      body: "hello",
      headers: { "x-a": "1" },
    });
    await expect.poll(() => seen).toHaveLength(2);
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]?.[0]).toMatchObject({ "x-a": "1", "content-length": "5" });
    expect(seen[0]?.[1]).toBe("hello");
  });

  test("that reads nothing does not slow an upload, and gets no more of it", async () => {
    const main = await startOrigin(async (request, response) => {
      response.end(String((await bodyOf(request)).length));
    });
    const stuck = await startRawOrigin((socket) => socket.pause());
    const gateway = await mirrored(main.endpoint, stuck);
    const size = 64 * 1024 * 1024;
    const answer = await post(gateway.port, "x".repeat(size));
    expect(await answer.text()).toBe(String(size));
    const samples = gateway.engine.stats();
    expect(samples.find(({ name }) => name === "limpet_mirrored_requests_total")?.labels).toEqual({
      backend: "Service/default/shadow",
      result: "dropped",
    });
  });
});
