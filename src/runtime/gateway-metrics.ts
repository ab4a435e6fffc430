// What the primary counts by itself.
import type { DataplaneOptions } from "../dataplane/options.ts";
import type { Finding, Severity, Snapshot } from "../model/index.ts";
import type { MetricSample } from "../telemetry/index.ts";
import type { LoadedConfiguration } from "./configuration-store.ts";
import type { ReloadResult } from "./reload-result.ts";

export class GatewayMetrics {
  readonly #version: string;
  readonly #startedMs: number;
  readonly #limits: MetricSample[];
  readonly #reloads: Record<ReloadResult, number> = { published: 0, unchanged: 0, kept: 0 };
  #findings: Record<Severity, number> = { error: 0, warning: 0, info: 0 };

  /** @param options what is allowed to all workers together */
  constructor(version: string, startedMs: number, options: DataplaneOptions) {
    this.#version = version;
    this.#startedMs = startedMs;
    this.#limits = labelled("limpet_limit", "limit", {
      "max-connections": options.maxConnections,
      "max-requests": options.maxRequests,
      "max-requests-per-endpoint": options.maxRequestsPerEndpoint,
      "max-buffered-size": options.maxBufferedSize,
    });
  }

  countReload(result: ReloadResult): void {
    this.#reloads[result]++;
  }

  countFindings(findings: readonly Finding[]): void {
    this.#findings = { error: 0, warning: 0, info: 0 };
    for (const finding of findings) this.#findings[finding.severity]++;
  }

  /** @param live what is served: the configuration with what was found out since */
  samples(current: LoadedConfiguration | undefined, live: Snapshot, nowMs: number): MetricSample[] {
    const build = { version: this.#version, node: process.versions.node };
    const samples: MetricSample[] = [
      { name: "limpet_build_info", labels: build, value: 1 },
      { name: "limpet_start_time_seconds", labels: {}, value: this.#startedMs / 1000 },
      ...this.#limits,
      ...labelled("limpet_reloads_total", "result", this.#reloads),
      ...labelled("limpet_findings", "severity", this.#findings),
    ];
    if (current === undefined) return samples;
    const { version, listeners, routes, backends } = live;
    const endpoints = backends.reduce((sum, backend) => sum + backend.endpoints.length, 0);
    const objects = {
      listeners: listeners.length,
      routes: routes.length,
      backends: backends.length,
      endpoints,
    };
    return [
      ...samples,
      { name: "limpet_snapshot_version", labels: {}, value: version },
      { name: "limpet_snapshot_loaded_time_seconds", labels: {}, value: current.loadedAtMs / 1000 },
      { name: "limpet_snapshot_age_seconds", labels: {}, value: (nowMs - current.loadedAtMs) / 1000 },
      ...labelled("limpet_snapshot_objects", "kind", objects),
    ];
  }
}

function labelled(name: string, label: string, values: Record<string, number>): MetricSample[] {
  return Object.entries(values).map(([key, value]) => ({ name, labels: { [label]: key }, value }));
}
