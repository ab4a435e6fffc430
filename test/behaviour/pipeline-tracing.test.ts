// Spans of requests and attempts by way of OpenTelemetry's API, and what endpoints are told of them.
import * as api from "@opentelemetry/api";
import { beforeEach, expect, test } from "vitest";
import { OpenTelemetryTracing } from "../../src/dataplane/opentelemetry.ts";
import { ProxyError } from "../../src/dataplane/proxy-error.ts";
import { MemoryGateway } from "../support/memory-gateway.ts";
import { type RecordedSpan, recordSpans } from "../support/recording-tracer.ts";
import { backend, cookieSession, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const web = backend("web", [endpoint("10.0.0.1:80"), endpoint("10.0.0.2:80")]);
const snapshot = snapshotOf({
  backends: [web],
  rules: [forwardRule([web], { session: cookieSession("home") })],
});

const spans: RecordedSpan[] = [];
recordSpans((span) => spans.push(span));
beforeEach(() => {
  spans.length = 0;
});

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`;

function traced(): MemoryGateway {
  return new MemoryGateway(snapshot, {}, new OpenTelemetryTracing(api, "1.2.3"));
}

test("a request is a server span in the trace of its client, with its attempt below", () => {
  const gateway = traced();
  gateway.request({ path: "/cart?secret=1", fields: ["traceparent", PARENT, "user-agent", "probe"] });
  const [sent] = gateway.endpoints.last.values("traceparent");
  gateway.endpoints.last.answer(200);
  expect(spans).toHaveLength(2);
  const [attempt, request] = spans as [RecordedSpan, RecordedSpan];
  expect(request).toMatchObject({ kind: api.SpanKind.SERVER, ends: 1, status: undefined });
  expect(request.parent).toMatchObject({ traceId: TRACE, spanId: "b7ad6b7169203331" });
  expect(request.name).toMatch(/^GET HTTPRoute\//);
  expect(request.attributes).toMatchObject({
    "http.request.method": "GET",
    "url.path": "/cart",
    "url.scheme": "http",
    "user_agent.original": "probe",
    "http.response.status_code": 200,
    "limpet.backend": web.id,
    "limpet.session.outcome": "new",
  });
  expect(JSON.stringify(request.attributes)).not.toContain("secret");
  expect(attempt).toMatchObject({ name: "GET", kind: api.SpanKind.CLIENT, ends: 1, status: undefined });
  expect(attempt.parent?.spanId).toBe(request.context.spanId);
  expect(attempt.attributes).toMatchObject({
    "http.response.status_code": 200,
    "limpet.backend": web.id,
    "limpet.endpoint": request.attributes["limpet.endpoint"],
    "server.port": 80,
  });
  expect(sent).toBe(`00-${TRACE}-${attempt.context.spanId}-01`);
  expect(gateway.log).toMatchObject([{ traceId: TRACE }]);
});

test("without a trace of the client's one begins", () => {
  const gateway = traced();
  gateway.request({ fields: ["traceparent", "nonsense"] });
  const sent = gateway.endpoints.last.values("traceparent");
  gateway.endpoints.last.answer(200);
  const [attempt, request] = spans as [RecordedSpan, RecordedSpan];
  expect(request.parent).toBeUndefined();
  expect(sent).toEqual([`00-${request.context.traceId}-${attempt.context.spanId}-01`]);
});

test("every attempt is a span of its own, and tells how it failed", () => {
  const gateway = traced();
  gateway.request();
  gateway.endpoints.last.fail(new ProxyError("connect-failed", "upstream", "test", { retry: "yes" }));
  const sent = gateway.endpoints.last.values("traceparent");
  gateway.endpoints.last.answer(503);
  const [first, second, request] = spans as [RecordedSpan, RecordedSpan, RecordedSpan];
  expect(first.attributes).toMatchObject({ "error.type": "connect-failed" });
  expect(first.attributes).not.toHaveProperty("http.request.resend_count");
  expect(first.status).toEqual({ code: api.SpanStatusCode.ERROR });
  expect(sent).toEqual([`00-${request.context.traceId}-${second.context.spanId}-01`]);
  expect(second.attributes).toMatchObject({ "http.request.resend_count": 1, "error.type": "503" });
  expect(second.attributes["limpet.endpoint"]).not.toBe(first.attributes["limpet.endpoint"]);
  expect(request.attributes).toMatchObject({ "http.response.status_code": 503, "error.type": "503" });
  expect(request.status).toEqual({ code: api.SpanStatusCode.ERROR });
});

test("an answer of the gateway's own is a span without attempts", () => {
  const gateway = traced();
  gateway.request({ method: "BREW", path: "/../out" });
  expect(spans).toHaveLength(1);
  expect(spans[0]).toMatchObject({ name: "HTTP", ends: 1, status: undefined });
  expect(spans[0]?.attributes).toMatchObject({
    "http.request.method": "_OTHER",
    "http.request.method_original": "BREW",
    "http.response.status_code": 400,
    "error.type": "bad-path",
  });
});

test("a client that leaves ends the spans", () => {
  const gateway = traced();
  const client = gateway.request();
  client.disappear();
  expect(spans.map(({ ends }) => ends)).toEqual([1, 1]);
  expect(spans.at(-1)?.attributes).toMatchObject({ "error.type": "client-closed" });
});

test("untraced, nothing of the head changes", () => {
  const gateway = new MemoryGateway(snapshot);
  gateway.request({ fields: ["traceparent", "nonsense", "tracestate", "a=1"] });
  const { last } = gateway.endpoints;
  expect([last.values("traceparent"), last.values("tracestate")]).toEqual([["nonsense"], ["a=1"]]);
  expect(spans).toEqual([]);
});
