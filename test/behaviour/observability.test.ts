// What a running gateway tells of itself: metrics of all workers that a strict reader takes, and a log of one's own format.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { send, sendMany } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { type Family, parseExposition, total } from "../support/exposition.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, spawnGateway, startGateway } from "../support/gateway.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";

const ROUTE = "HTTPRoute/default/all";
const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT_ID = "b7ad6b7169203331";
const TRACEPARENT = `00-${TRACE_ID}-${PARENT_ID}-01`;
const BACKEND = "Service/default/sample:80";

/** What the recorder writes of a span. */
interface RecordedLine {
  readonly name: string;
  readonly kind: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: string | undefined;
}

/** Answers `pong`, or the status of `/status/NNN`, and says which trace it was told of. */
async function backend(): Promise<number> {
  const server = createServer((incoming, response) => {
    incoming.resume();
    const status = Number(/^\/status\/(\d+)/.exec(incoming.url ?? "")?.[1] ?? 200);
    const { traceparent = "none", tracestate = "none" } = incoming.headers;
    response.writeHead(status, { "x-traceparent": traceparent, "x-tracestate": tracestate }).end("pong");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function gateway(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Gateway & { port: number }> {
  const port = await freePort();
  const files = { "gateway.yaml": gatewayYaml({ port }), "sample.yaml": sampleYaml([await backend()]) };
  const running = await startGateway({ args, files, env });
  onTestFinished(async () => void (await running.stop()));
  return Object.assign(running, { port });
}

async function scrape(running: Gateway): Promise<ReadonlyMap<string, Family>> {
  const response = await fetch(`${running.adminUrl}/metrics`);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return parseExposition(await response.text());
}

test("what two workers did adds up, and does not go back when one of them dies", async () => {
  const running = await gateway(["--workers", "2"]);
  await sendMany(running.port, 10, { method: "POST", body: "ping!" });
  await sendMany(running.port, 3, { path: "/status/503" });
  await send(running.port, { path: "/../outside" });
  const served = { route: ROUTE, backend: BACKEND };
  const before = await scrape(running);
  expect(total(before, "limpet_requests_total", { ...served, code_class: "2xx" })).toBe(10);
  expect(total(before, "limpet_requests_total", { ...served, code_class: "5xx" })).toBe(3);
  expect(total(before, "limpet_requests_total", { backend: "", code_class: "4xx" })).toBe(1);
  expect(total(before, "limpet_listener_requests_total", { protocol: "HTTP/1.1" })).toBe(14);
  expect(total(before, "limpet_errors_total", { code: "bad-path" })).toBe(1);
  expect(total(before, "limpet_request_duration_seconds_count", served)).toBe(13);
  expect(total(before, "limpet_request_duration_seconds_sum", served)).toBeGreaterThan(0);
  expect(total(before, "limpet_upstream_response_seconds_count", { backend: BACKEND })).toBe(13);
  expect(total(before, "limpet_upstream_responses_total", { backend: BACKEND, code_class: "5xx" })).toBe(3);
  expect(total(before, "limpet_request_body_bytes_total", served)).toBe(50);
  expect(total(before, "limpet_response_body_bytes_total", served)).toBe(13 * "pong".length);
  expect(total(before, "limpet_worker_up")).toBe(2);
  expect(total(before, "limpet_limit", { limit: "max-connections" })).toBe(10_000);
  expect(total(before, "limpet_snapshot_age_seconds")).toBeLessThan(60);
  for (const process of ["primary", "worker-1", "worker-2"]) {
    expect(total(before, "limpet_process_cpu_seconds_total", { process })).toBeGreaterThan(0);
    expect(total(before, "limpet_process_resident_memory_bytes", { process })).toBeGreaterThan(1e6);
  }

  const { workers } = (await (await fetch(`${running.adminUrl}/snapshot`)).json()) as { workers: number[] };
  process.kill(workers[0] as number, "SIGKILL");
  const after = await eventually(
    () => scrape(running),
    (now) => total(now, "limpet_worker_restarts_total") === 1 && total(now, "limpet_worker_up") === 2,
  );
  expect(total(after, "limpet_requests_total")).toBe(14);
  expect(total(after, "limpet_request_duration_seconds_bucket", { ...served, le: "+Inf" })).toBe(13);
  expect(total(after, "limpet_upstream_response_seconds_count")).toBe(13);
  expect(total(after, "limpet_process_cpu_seconds_total")).toBeGreaterThan(
    total(before, "limpet_process_cpu_seconds_total"),
  );
});

test("the log is written in the format that was asked for", async () => {
  const format =
    '%{client} "%{method} %{path}" %{status} %{attempts} %{request_header.x-user} %{trace_id} 100%%';
  const running = await gateway(["--access-log-format", format]);
  await send(running.port, { path: "/x?a=%20", headers: { "x-user": 'ann "b"', traceparent: TRACEPARENT } });
  await send(running.port, { path: "/status/404" });
  const lines = await eventually(
    async () => running.stdout.lines,
    ({ length }) => length === 2,
  );
  expect(lines).toEqual([
    `127.0.0.1 "GET /x?a=%20" 200 1 ann \\"b\\" ${TRACE_ID} 100%`,
    '127.0.0.1 "GET /status/404" 404 1 - - 100%',
  ]);
});

test("a format that is wrong is told with its place before anything starts", async () => {
  const broken = spawnGateway({ files: {}, args: ["--access-log-format", "%{path} %{stauts}"] });
  onTestFinished(async () => void (await broken.stop()));
  expect(await broken.exited).toMatchObject({ code: 2 });
  expect(broken.stderr.lines.join("\n")).toContain("character 11: expected one of time, client,");
});

test("trace context passes as it came, even where it is none", async () => {
  const running = await gateway();
  const seen = async (headers: Record<string, string>) => (await send(running.port, { headers })).headers;
  for (const [traceparent, tracestate] of [
    [TRACEPARENT, "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"],
    ["not-a-trace", ",,=;"],
  ] as const) {
    expect(await seen({ traceparent, tracestate })).toMatchObject({
      "x-traceparent": traceparent,
      "x-tracestate": tracestate,
    });
  }
  expect(await seen({})).toMatchObject({ "x-traceparent": "none", "x-tracestate": "none" });
});

test("spans reach the SDK that NODE_OPTIONS loads, in every worker", async () => {
  const recorder = new URL("../support/recording-tracer.ts", import.meta.url);
  const running = await gateway(["--tracing", "opentelemetry", "--workers", "2"], {
    NODE_OPTIONS: `--import=${recorder}`,
    RECORD_SPANS: "stderr",
  });
  const answer = await send(running.port, { path: "/traced", headers: { traceparent: TRACEPARENT } });
  const line = await running.waitForAccess(({ path }) => path === "/traced");
  expect(line).toMatchObject({ trace_id: TRACE_ID });
  const spans = await eventually(
    async () =>
      running.stderr.lines.flatMap((text) => {
        const { span } = (text.startsWith("{") ? JSON.parse(text) : {}) as { span?: RecordedLine };
        return span === undefined ? [] : [span];
      }),
    ({ length }) => length === 2,
  );
  const [attempt, request] = spans as [RecordedLine, RecordedLine];
  expect(request).toMatchObject({
    name: `GET ${ROUTE}`,
    kind: "SERVER",
    traceId: TRACE_ID,
    parent: PARENT_ID,
  });
  expect(attempt).toMatchObject({ name: "GET", kind: "CLIENT", traceId: TRACE_ID, parent: request.spanId });
  expect(answer.headers["x-traceparent"]).toBe(`00-${TRACE_ID}-${attempt.spanId}-01`);
});
