// Tests that every number of the data plane fits the table of metrics.
import { expect, test } from "vitest";
import { renderMetrics } from "../telemetry/render-metrics.ts";
import { Traffic } from "./traffic.ts";

test("all samples render", async () => {
  const traffic = new Traffic();
  traffic.route("l", "r").byCodeClass[2] = 3;
  traffic.route("l", "r").byCodeClass[4] = 1;
  traffic.affinity("r").outcomes.kept = 2;
  traffic.affinity("r").hashKeyMissing = 1;
  traffic.backend("b").retries.status = 5;
  traffic.error("no-route");
  traffic.rejected("bad-request");
  const text = await renderMetrics(traffic.samples());
  expect(text).toContain('limpet_requests_total{listener="l",route="r",code_class="2xx"} 3');
  expect(text).toContain('limpet_requests_total{listener="l",route="r",code_class="4xx"} 1');
  expect(text).toContain('limpet_session_outcomes_total{route="r",outcome="kept"} 2');
  expect(text).toContain('limpet_hash_key_missing_total{route="r"} 1');
  expect(text).toContain('limpet_upstream_retries_total{backend="b",reason="status"} 5');
  expect(text).toContain('limpet_errors_total{code="no-route"} 1');
  expect(text).toContain('limpet_requests_rejected_total{code="bad-request"} 1');
  expect(text).toContain("limpet_requests_in_flight 0");
});
