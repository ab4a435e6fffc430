// `healthCheck` and `outlierDetection` of a BackendConfigPolicy: active checks and ejections.
import { z } from "zod";
import type { CheckKind, HealthCheck, OutlierDetection } from "../../model/index.ts";
import { outlierDetection, SUCCESS_RATE } from "../envoy-defaults.ts";
import { enforcing, grpcCheck, localFailures, positive, receivedParts } from "../envoy-fields.ts";
import { checked, duration, durationMs, rule, text } from "../schema/fields.ts";
import { exactlyOneOf } from "../schema/one-of.ts";

const http = z.strictObject({
  host: z.string().optional(),
  path: z.string().min(1),
  method: z.enum(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"]).default("GET"),
});

const hexBytes = text(/^([0-9a-fA-F]{2})+$/, "bytes in hexadecimal", '"50494e47"');

const tcp = checked(
  z.strictObject({ send: hexBytes.optional(), receive: receivedParts(hexBytes) }),
  ({ send, receive }) => {
    if (send !== undefined || receive.length === 0) return undefined;
    return rule({
      absent: ["send"],
      message: "receive needs send: nothing is waited for where nothing is asked",
      expected: "send",
      hint: "add send, or remove receive to see whether a connection opens",
    });
  },
);

const threshold = z.int().min(0);

const time = positive(duration, durationMs);

export const healthCheckSchema = checked(
  z.strictObject({
    timeout: time,
    interval: time,
    unhealthyThreshold: threshold,
    healthyThreshold: threshold,
    http: http.optional(),
    tcp: tcp.optional(),
    grpc: checked(
      z.strictObject({ serviceName: z.string().optional(), authority: z.string().optional() }),
      () => grpcCheck,
    ).optional(),
  }),
  (value) => exactlyOneOf(value, { http: "{path: /healthz}", tcp: "{}", grpc: "{}" }),
);

/** What is not 200 is a failure, as for Envoy where nothing else is said. Undefined: a check that cannot be made. */
export function healthCheck(value: z.output<typeof healthCheckSchema>): HealthCheck | undefined {
  const check = checkKind(value);
  if (check === undefined) return undefined;
  return {
    check,
    intervalMs: durationMs(value.interval),
    timeoutMs: durationMs(value.timeout),
    unhealthyThreshold: Math.max(1, value.unhealthyThreshold),
    healthyThreshold: Math.max(1, value.healthyThreshold),
  };
}

function checkKind({ http, tcp }: z.output<typeof healthCheckSchema>): CheckKind | undefined {
  if (http !== undefined) {
    const { method, path, host } = http;
    return {
      kind: "http",
      method,
      path,
      ...(host === undefined ? {} : { host }),
      headers: [],
      expected: [{ from: 200, to: 200 }],
      retriable: [],
    };
  }
  if (tcp === undefined) return undefined;
  const receive = tcp.receive.join("");
  return {
    kind: "tcp",
    ...(tcp.send === undefined ? {} : { send: base64Of(tcp.send) }),
    ...(receive === "" ? {} : { receive: base64Of(receive) }),
  };
}

function base64Of(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}

const failures = z.int().min(0).default(5);

export const outlierDetectionSchema = checked(
  z.strictObject({
    consecutive5xx: failures,
    enforcingConsecutive5xx: enforcing.default(100),
    splitExternalLocalOriginErrors: z.boolean().default(false),
    consecutiveLocalOriginFailure: failures,
    enforcingConsecutiveLocalOriginFailure: enforcing.default(100),
    interval: time.default("10s"),
    baseEjectionTime: time.default("30s"),
    maxEjectionPercent: z.int().min(0).max(100).default(10),
  }),
  (value) =>
    localFailures(value.splitExternalLocalOriginErrors, {
      consecutiveLocalOriginFailure: value.consecutiveLocalOriginFailure !== 5,
      enforcingConsecutiveLocalOriginFailure: value.enforcingConsecutiveLocalOriginFailure !== 100,
    }),
);

export function outlierSettings(value: z.output<typeof outlierDetectionSchema>): OutlierDetection {
  return outlierDetection({
    consecutive5xx: value.enforcingConsecutive5xx === 0 ? 0 : value.consecutive5xx,
    consecutiveLocalErrors:
      value.enforcingConsecutiveLocalOriginFailure === 0 ? 0 : value.consecutiveLocalOriginFailure,
    splitLocalErrors: value.splitExternalLocalOriginErrors,
    intervalMs: durationMs(value.interval),
    baseEjectionMs: durationMs(value.baseEjectionTime),
    maxEjectionPercent: value.maxEjectionPercent,
    successRate: SUCCESS_RATE,
  });
}
