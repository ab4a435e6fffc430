// What is left to do on endpoints that drain: the only endpoints that metrics name, since there are few of them.
import type { LiveBackend } from "../affinity/backend-states.ts";
import type { MetricSample } from "../telemetry/metrics.ts";

/** `nowSec`: wall clock, whole unix seconds. */
export function drainingSamples(backends: Iterable<LiveBackend>, nowSec: number): MetricSample[] {
  const samples: MetricSample[] = [];
  for (const { backend, endpoints } of backends) {
    for (const { endpoint, active, sessions } of endpoints) {
      if (endpoint.health !== "draining") continue;
      const labels = { backend: backend.id, endpoint: endpoint.address };
      samples.push({ name: "limpet_draining_requests", labels, value: active });
      samples.push({ name: "limpet_draining_session_requests", labels, value: sessions.at(nowSec) });
    }
  }
  return samples;
}
