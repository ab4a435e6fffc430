// `healthCheck` and `outlierDetection` of a BackendConfigPolicy: active checks and ejections.
import { z } from "zod";
import type { CheckKind, HealthCheck, OutlierDetection } from "../../model/index.ts";
import { outlierDetection, SUCCESS_RATE } from "../envoy-defaults.ts";
import { checked, duration, durationMs, rule, text } from "../schema/fields.ts";
import { exactlyOneOf } from "../schema/one-of.ts";

const http = z.strictObject({
  host: z.string().optional(),
  path: z.string().min(1),
  method: z.enum(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"]).default("GET"),
});

const hexBytes = text(/^([0-9a-fA-F]{2})+$/, "bytes in hexadecimal", '"50494e47"');

const tcp = z.strictObject({
  send: hexBytes.optional(),
  receive: checked(z.array(hexBytes).default([]), (parts) => {
    if (parts.length < 2) return undefined;
    return {
      code: "field-approximated",
      severity: "warning",
      message: "the parts are looked for as one, without anything between them",
      expected: "one part",
      hint: "keep the part that tells a healthy endpoint",
    };
  }),
});

const threshold = z.int().min(0);

export const healthCheckSchema = checked(
  z.strictObject({
    timeout: duration,
    interval: duration,
    unhealthyThreshold: threshold,
    healthyThreshold: threshold,
    http: http.optional(),
    tcp: tcp.optional(),
    grpc: checked(
      z.strictObject({ serviceName: z.string().optional(), authority: z.string().optional() }),
      () => ({
        code: "field-ignored",
        severity: "warning",
        message: "checks over gRPC need HTTP/2, which is not spoken yet, so the endpoints are not checked",
        expected: "http or tcp",
        hint: "write tcp: {} in place of grpc",
      }),
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

/** 0 switches the ejection off; between that and 100 nothing is left to chance. */
const enforcing = checked(z.int().min(0).max(100).default(100), (percent) => {
  if (percent === 0 || percent === 100) return undefined;
  return {
    code: "field-approximated",
    severity: "warning",
    message: `endpoints are ejected each time, not in ${percent} of 100 cases`,
    expected: "0 or 100",
    hint: "write 100, or 0 to switch it off",
  };
});

const time = checked(duration, (value) => {
  if (durationMs(value) > 0) return undefined;
  return rule({ message: `${value} is no time`, expected: "at least 1ms", hint: "write for example 10s" });
});

const failures = z.int().min(0).default(5);

export const outlierDetectionSchema = z.strictObject({
  consecutive5xx: failures,
  enforcingConsecutive5xx: enforcing,
  splitExternalLocalOriginErrors: z.boolean().default(false),
  consecutiveLocalOriginFailure: failures,
  enforcingConsecutiveLocalOriginFailure: enforcing,
  interval: time.default("10s"),
  baseEjectionTime: time.default("30s"),
  maxEjectionPercent: z.int().min(0).max(100).default(10),
});

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
