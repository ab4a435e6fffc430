// Counts how handshakes end.
import type { MetricSample } from "../../telemetry/metrics.ts";
import type { TlsHandshake } from "../stream.ts";
import type { HandshakeFailure } from "./handshake-failure.ts";

export class TlsCounters {
  /** By listener, version and whether a session was resumed, in one text. */
  readonly #handshakes = new Map<string, number>();
  readonly #failures = new Map<HandshakeFailure, number>();

  secured({ listener, version, resumed }: TlsHandshake): void {
    const key = `${listener} ${version} ${resumed}`;
    this.#handshakes.set(key, (this.#handshakes.get(key) ?? 0) + 1);
  }

  failed(reason: HandshakeFailure): void {
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
  }

  samples(): MetricSample[] {
    const samples: MetricSample[] = [];
    for (const [key, value] of this.#handshakes) {
      const [listener = "", version = "", resumed = ""] = key.split(" ");
      samples.push({ name: "limpet_tls_handshakes_total", labels: { listener, version, resumed }, value });
    }
    for (const [reason, value] of this.#failures) {
      samples.push({ name: "limpet_tls_handshake_failures_total", labels: { reason }, value });
    }
    return samples;
  }
}
