// Tests that every number of the data plane fits the table of metrics.
import { expect, test } from "vitest";
import { renderMetrics } from "../telemetry/render-metrics.ts";
import { countStatus, Traffic } from "./traffic.ts";

test("all samples render", async () => {
  const traffic = new Traffic();
  const requests = traffic.requests("l", "r", "b");
  requests.byCodeClass[2] = 3;
  requests.byCodeClass[4] = 1;
  requests.bytesIn = 7;
  requests.bytesOut = 9;
  requests.durations.observe(0.3);
  traffic.requests("l2", "r", "b").durations.observe(0.2);
  traffic.spoken("l", "HTTP/1.1");
  traffic.affinity("r").outcomes.kept = 2;
  traffic.affinity("r").hashKeyMissing = 1;
  traffic.backend("b").retries.status = 5;
  countStatus(traffic.backend("b").byCodeClass, 503);
  traffic.backend("b").responseTimes.observe(0.02);
  traffic.error("no-route");
  traffic.rejected("bad-request");
  const text = await renderMetrics(traffic.samples());
  expect(text).toContain('limpet_requests_total{listener="l",route="r",backend="b",code_class="2xx"} 3');
  expect(text).toContain('limpet_requests_total{listener="l",route="r",backend="b",code_class="4xx"} 1');
  expect(text).toContain('limpet_listener_requests_total{listener="l",protocol="HTTP/1.1"} 1');
  expect(text).toContain('limpet_request_body_bytes_total{route="r",backend="b"} 7');
  expect(text).toContain('limpet_response_body_bytes_total{route="r",backend="b"} 9');
  expect(text).toContain('limpet_request_duration_seconds_count{route="r",backend="b"} 2');
  expect(text).toContain('limpet_upstream_responses_total{backend="b",code_class="5xx"} 1');
  expect(text).toContain('limpet_upstream_response_seconds_sum{backend="b"} 0.02');
  expect(text).toContain('limpet_session_outcomes_total{route="r",outcome="kept"} 2');
  expect(text).toContain('limpet_hash_key_missing_total{route="r"} 1');
  expect(text).toContain('limpet_upstream_retries_total{backend="b",reason="status"} 5');
  expect(text).toContain('limpet_errors_total{code="no-route"} 1');
  expect(text).toContain('limpet_requests_rejected_total{code="bad-request"} 1');
  expect(text).toContain("limpet_requests_in_flight 0");
});
