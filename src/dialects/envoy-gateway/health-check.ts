// `healthCheck` of a BackendTrafficPolicy: active checks, outlier detection and the panic threshold.
import { z } from "zod";
import type { CheckKind, HealthCheck, OutlierDetection, StatusRange } from "../../model/index.ts";
import { failurePercentage, outlierDetection, SUCCESS_RATE } from "../envoy-defaults.ts";
import { grpcCheck, localFailures, positive } from "../envoy-fields.ts";
import type { BackendSettings } from "../policies/attachment.ts";
import {
  checked,
  duration,
  durationMs,
  type FieldProblem,
  ignored,
  methodName,
  portNumber,
  rule,
  text,
} from "../schema/fields.ts";
import { fieldsFitType } from "../schema/union.ts";
import { count, preciseHostname } from "./fields.ts";

const payload = checked(
  z.strictObject({
    type: z.enum(["Text", "Binary"]),
    text: z.string().optional(),
    binary: text(/^[A-Za-z0-9+/]*={0,2}$/, "bytes in base64", "cGluZw==").optional(),
  }),
  (value) => fieldsFitType(value, { Text: "text", Binary: "binary" }, "a payload"),
);

const status = z.int().min(100).max(599);

const bodies = ignored(
  payload,
  "checks over HTTP look at the status alone, without bodies",
  "remove the field",
);

const http = checked(
  z.strictObject({
    hostname: preciseHostname.optional(),
    path: z.string().min(1).max(1024),
    method: methodName.default("GET"),
    expectedStatuses: z.array(status).default([]),
    retriableStatuses: z.array(status).default([]),
    expectedResponse: bodies,
    requestBody: bodies,
  }),
  ({ hostname, method, requestBody }) => {
    const problems: FieldProblem[] = [];
    if (hostname === undefined) problems.push(OWN_HOST);
    if (requestBody !== undefined && !["POST", "PUT"].includes(method.toUpperCase())) {
      problems.push(
        rule({
          path: ["requestBody"],
          message: `a check with method ${method} has no body`,
          expected: "method: POST or PUT",
          hint: "remove requestBody",
        }),
      );
    }
    return problems;
  },
);

/** A policy may reach routes of several hosts, and their backends are checked once. */
const OWN_HOST: FieldProblem = {
  code: "field-approximated",
  severity: "info",
  message: "without hostname the check names the endpoint as its host; Envoy Gateway would name the route's",
  expected: "hostname, where the endpoints tell hosts apart",
  hint: "add hostname: shop.example",
};

const time = positive(duration, durationMs);

const active = checked(
  z.strictObject({
    type: z.enum(["HTTP", "TCP", "GRPC"]),
    timeout: time.default("1s"),
    interval: time.default("3s"),
    initialJitter: duration.optional(),
    unhealthyThreshold: count.min(1).default(3),
    healthyThreshold: count.min(1).default(1),
    http: http.optional(),
    tcp: z.strictObject({ send: payload.optional(), receive: payload.optional() }).optional(),
    grpc: z.strictObject({ service: z.string().optional() }).optional(),
    overrides: z.strictObject({ port: portNumber.optional() }).optional(),
    healthCheckLog: ignored(z.looseObject({}), "checks are not logged one by one", "remove healthCheckLog"),
  }),
  (value) => {
    const problems = fieldsFitType(value, { HTTP: "http", TCP: "tcp", GRPC: undefined }, "a check");
    if (value.type === "GRPC") return [...problems, { ...grpcCheck, path: ["type"] }];
    if (value.grpc === undefined) return problems;
    const message = `grpc may not stand beside type ${value.type}`;
    return [...problems, rule({ path: ["grpc"], message, expected: "no grpc", hint: "remove grpc" })];
  },
);

const percent = z.int().min(0).max(100);

const passive = checked(
  z.strictObject({
    splitExternalLocalOriginErrors: z.boolean().default(false),
    interval: time.default("3s"),
    consecutiveLocalOriginFailures: count.default(5),
    consecutiveGatewayErrors: count.optional(),
    consecutive5XxErrors: count.default(5),
    baseEjectionTime: time.default("30s"),
    maxEjectionPercent: percent.default(10),
    failurePercentageThreshold: percent.optional(),
    alwaysEjectOneEndpoint: z.boolean().default(false),
  }),
  ({ splitExternalLocalOriginErrors: isSplit, consecutiveLocalOriginFailures: failures }) =>
    localFailures(isSplit, { consecutiveLocalOriginFailures: failures !== 5 }),
);

export const healthCheckSchema = z.strictObject({
  active: active.optional(),
  passive: passive.optional(),
  panicThreshold: percent.optional(),
});

type ActiveValue = z.output<typeof active>;

export function healthSettings(value: z.output<typeof healthCheckSchema>): BackendSettings {
  const check = value.active === undefined ? undefined : healthCheck(value.active);
  return {
    ...(check === undefined ? {} : { healthChecks: [check] }),
    ...(value.passive === undefined ? {} : { outlierDetection: passiveDetection(value.passive) }),
    ...(value.panicThreshold === undefined ? {} : { panicThresholdPercent: value.panicThreshold }),
  };
}

function healthCheck(value: ActiveValue): HealthCheck | undefined {
  const check = checkKind(value);
  if (check === undefined) return undefined;
  const port = value.overrides?.port;
  return {
    check,
    intervalMs: durationMs(value.interval),
    timeoutMs: durationMs(value.timeout),
    unhealthyThreshold: value.unhealthyThreshold,
    healthyThreshold: value.healthyThreshold,
    ...(port === undefined ? {} : { port }),
    ...(value.initialJitter === undefined ? {} : { initialJitterMs: durationMs(value.initialJitter) }),
  };
}

function checkKind({ http, tcp }: ActiveValue): CheckKind | undefined {
  if (http !== undefined) {
    return {
      kind: "http",
      method: http.method.toUpperCase(),
      path: http.path,
      ...(http.hostname === undefined ? {} : { host: http.hostname }),
      headers: [],
      expected: ranges(http.expectedStatuses.length === 0 ? [200] : http.expectedStatuses),
      retriable: ranges(http.retriableStatuses),
    };
  }
  if (tcp === undefined) return undefined;
  return {
    kind: "tcp",
    ...(tcp.send === undefined ? {} : { send: base64Of(tcp.send) }),
    ...(tcp.receive === undefined ? {} : { receive: base64Of(tcp.receive) }),
  };
}

function base64Of({ text, binary }: z.output<typeof payload>): string {
  return binary ?? Buffer.from(text ?? "", "utf8").toString("base64");
}

/** Statuses that follow on each other are one range. */
function ranges(statuses: readonly number[]): StatusRange[] {
  const found: { from: number; to: number }[] = [];
  for (const status of [...new Set(statuses)].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last?.to === status - 1) last.to = status;
    else found.push({ from: status, to: status });
  }
  return found;
}

/** As Envoy Gateway fills Envoy's message; of what it leaves out Envoy's own defaults hold. */
function passiveDetection(value: z.output<typeof passive>): OutlierDetection {
  const { failurePercentageThreshold, maxEjectionPercent } = value;
  return outlierDetection({
    consecutive5xx: value.consecutive5XxErrors,
    consecutiveGatewayErrors: value.consecutiveGatewayErrors ?? 0,
    consecutiveLocalErrors: value.consecutiveLocalOriginFailures,
    splitLocalErrors: value.splitExternalLocalOriginErrors,
    intervalMs: durationMs(value.interval),
    baseEjectionMs: durationMs(value.baseEjectionTime),
    // 0 counts as not said.
    ...(maxEjectionPercent === 0 ? {} : { maxEjectionPercent }),
    ...(value.alwaysEjectOneEndpoint ? { alwaysEjectOne: true } : {}),
    successRate: SUCCESS_RATE,
    ...(failurePercentageThreshold === undefined
      ? {}
      : { failurePercentage: failurePercentage(failurePercentageThreshold) }),
  });
}
