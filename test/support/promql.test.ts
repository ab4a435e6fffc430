// The reader of PromQL refuses what would never show anything.
import { expect, test } from "vitest";
import { readQuery } from "./promql.ts";

const SHARE = 'sum by (route) (rate(limpet_requests_total{code_class="5xx"}[5m]))';

test.each([
  ["up", ["instance", "job"], 0],
  ["time() - limpet_start_time_seconds", ["instance", "job"], 1],
  [`${SHARE} / sum by (route) (rate(limpet_requests_total[5m])) > 0.01`, ["route"], 1],
  [
    "histogram_quantile(0.9, sum by (le) (rate(limpet_request_duration_seconds_bucket[$__rate_interval])))",
    [],
    1,
  ],
  [
    "limpet_worker_snapshot_version != on (instance) group_left limpet_snapshot_version",
    ["worker", "instance", "job"],
    2,
  ],
  [
    'sum by (backend) (limpet_endpoints) unless sum by (backend) (limpet_endpoints{health="healthy"})',
    ["backend"],
    1,
  ],
  ["absent(limpet_workers) or limpet_workers == 0", [], 1],
])("%s", (query, labels, metrics) => {
  const reading = readQuery(query);
  expect([...(reading.labels ?? [])]).toEqual(labels);
  expect(reading.metrics.size).toBe(metrics);
});

test.each([
  ["limpet_request_total", "is no metric"],
  ["rate(limpet_request_duration_seconds[5m])", "is no series"],
  ["rate(limpet_errors_total_count[5m])", "is no series"],
  ['limpet_endpoints{route="a"}', "no label route"],
  ["sum by (route) (limpet_endpoints)", "no label route"],
  ["sum by (le) (rate(limpet_request_duration_seconds_count[5m]))", "no label le"],
  [
    "histogram_quantile(0.9, sum by (route) (rate(limpet_request_duration_seconds_bucket[5m])))",
    "no label le",
  ],
  [`${SHARE} / sum(rate(limpet_requests_total[5m]))`, "matches nothing"],
  ['limpet_client_connections / limpet_limit{limit="max-connections"}', "matches nothing"],
  ["rate(limpet_workers[5m])", "only counts up"],
  ["limpet_errors_total > 0", "by itself"],
  ["rate(limpet_errors_total)", "by itself"],
  ["sum(limpet_workers[5m])", "a vector was expected"],
  ["sum(limpet_workers", ") was expected"],
  ["limpet_workers limpet_workers", "an end was expected"],
  ["deriv(limpet_workers)", "unknown"],
  ["limpet_workers{", "a word was expected"],
  ["limpet_workers ?", "nothing to read"],
  ["", "was expected"],
])("%s is refused", (query, problem) => {
  expect(() => readQuery(query)).toThrow(problem);
});
