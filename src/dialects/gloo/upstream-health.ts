// `healthChecks` and `outlierDetection` of a Gloo Upstream: Envoy's own messages, field by field.
import { z } from "zod";
import type { CheckKind, HealthCheck, OutlierDetection, StatusRange } from "../../model/index.ts";
import { outlierDetection, SUCCESS_RATE } from "../envoy-defaults.ts";
import { enforcing, grpcCheck, localFailures, positive, receivedParts } from "../envoy-fields.ts";
import { checked, type FieldProblem, fieldName, ignored, methodName, rule, text } from "../schema/fields.ts";
import { goDuration, goDurationMs } from "../schema/go-duration.ts";
import { exactlyOneOf } from "../schema/one-of.ts";
import { count, unread, wholeNumber } from "./fields.ts";

const time = positive(goDuration, goDurationMs);

const payload = z.strictObject({
  text: text(/^([0-9a-fA-F]{2})+$/, "bytes in hexadecimal", '"50494e47"'),
});

/** As in Envoy: `end` is not part of it. */
const statuses = checked(z.strictObject({ start: wholeNumber, end: wholeNumber }), ({ start, end }) => {
  if (Number(start) >= 100 && Number(start) < Number(end) && Number(end) <= 600) return undefined;
  return {
    message: `there is no status from ${start} to ${end}, which leaves out ${end}`,
    expected: "a start of 100 or more, and an end behind it of 600 at most",
    hint: `write for example {start: 200, end: 300}`,
  };
});

/** The value may be a text, or lie in a Secret. */
const headerToAdd = checked(
  z.strictObject({
    header: z.strictObject({ key: fieldName, value: z.string().default("") }).optional(),
    headerSecretRef: ignored(
      z.looseObject({}),
      "checks carry nothing out of Secrets, so this field is left out of them",
      "write the field as header: {key: x-check, value: text}",
    ),
    append: z.boolean().optional(),
  }),
  (value) => exactlyOneOf(value, { header: "{key: x-check, value: text}", headerSecretRef: "{}" }),
);

const http = z.strictObject({
  host: z.string().default(""),
  path: z.string().min(1),
  method: methodName.default("GET"),
  requestHeadersToAdd: z.array(headerToAdd).default([]),
  expectedStatuses: z.array(statuses).default([]),
  serviceName: unread("the endpoints are not asked who they are"),
  requestHeadersToRemove: unread("a check has no header fields but those that are listed"),
  useHttp2: unread("checks speak HTTP/1.1"),
  responseAssertions: unread("checks look at the status alone"),
});

const tcp = z.strictObject({
  send: payload.optional(),
  receive: receivedParts(payload),
});

const pace = ignored(goDuration, "endpoints are checked at the same pace in every state", "use interval");

export const healthCheckSchema = checked(
  z.strictObject({
    timeout: time,
    interval: time,
    initialJitter: goDuration.optional(),
    intervalJitter: ignored(goDuration, "only the first interval is drawn", "use initialJitter"),
    intervalJitterPercent: ignored(count, "only the first interval is drawn", "use initialJitter"),
    unhealthyThreshold: count.default(1),
    healthyThreshold: count.default(1),
    reuseConnection: unread("whether a check opens a connection is not for it to say"),
    httpHealthCheck: http.optional(),
    tcpHealthCheck: tcp.optional(),
    grpcHealthCheck: checked(z.looseObject({}), () => grpcCheck).optional(),
    customHealthCheck: unread("other programs are not asked, so the endpoints are not checked this way"),
    unhealthyInterval: time.optional(),
    noTrafficInterval: pace,
    unhealthyEdgeInterval: pace,
    healthyEdgeInterval: pace,
    eventLogPath: unread("checks are not logged one by one"),
    alwaysLogHealthCheckFailures: unread("checks are not logged one by one"),
  }),
  (value) =>
    exactlyOneOf(value, {
      httpHealthCheck: "{path: /healthz}",
      tcpHealthCheck: "{}",
      grpcHealthCheck: "{}",
      customHealthCheck: "{}",
    }),
);

type CheckValue = z.output<typeof healthCheckSchema>;

/** Undefined: a check that cannot be made. */
export function healthCheck(value: CheckValue): HealthCheck | undefined {
  const check = checkKind(value);
  if (check === undefined) return undefined;
  const { initialJitter, unhealthyInterval } = value;
  return {
    check,
    intervalMs: goDurationMs(value.interval),
    timeoutMs: goDurationMs(value.timeout),
    unhealthyThreshold: Math.max(1, value.unhealthyThreshold),
    healthyThreshold: Math.max(1, value.healthyThreshold),
    ...(initialJitter === undefined ? {} : { initialJitterMs: goDurationMs(initialJitter) }),
    ...(unhealthyInterval === undefined ? {} : { unhealthyIntervalMs: goDurationMs(unhealthyInterval) }),
  };
}

function checkKind({ httpHealthCheck: http, tcpHealthCheck: tcp }: CheckValue): CheckKind | undefined {
  if (http !== undefined) {
    return {
      kind: "http",
      method: http.method === "METHOD_UNSPECIFIED" ? "GET" : http.method,
      path: http.path,
      ...(http.host === "" ? {} : { host: http.host }),
      headers: http.requestHeadersToAdd.flatMap(({ header }) =>
        header === undefined ? [] : [{ name: header.key, value: header.value }],
      ),
      expected: http.expectedStatuses.length === 0 ? [OK] : http.expectedStatuses.map(rangeOf),
      retriable: [],
    };
  }
  if (tcp === undefined) return undefined;
  const receive = tcp.receive.map((part) => part.text).join("");
  return {
    kind: "tcp",
    ...(tcp.send === undefined ? {} : { send: base64Of(tcp.send.text) }),
    ...(receive === "" ? {} : { receive: base64Of(receive) }),
  };
}

const OK: StatusRange = { from: 200, to: 200 };

/** Envoy's ranges leave out their end. */
function rangeOf({ start, end }: { start: number | string; end: number | string }): StatusRange {
  return { from: Number(start), to: Number(end) - 1 };
}

function base64Of(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}

export const outlierDetectionSchema = checked(
  z.strictObject({
    consecutive5xx: count.optional(),
    enforcingConsecutive5xx: enforcing.optional(),
    consecutiveGatewayFailure: count.default(5),
    enforcingConsecutiveGatewayFailure: enforcing.optional(),
    splitExternalLocalOriginErrors: z.boolean().default(false),
    consecutiveLocalOriginFailure: count.default(5),
    enforcingConsecutiveLocalOriginFailure: enforcing.optional(),
    enforcingLocalOriginSuccessRate: ignored(
      z.int().min(0).max(100),
      "success rates are those of all requests, not of connections alone",
      "use enforcingSuccessRate",
    ),
    interval: time.optional(),
    baseEjectionTime: time.optional(),
    maxEjectionPercent: z.int().min(0).max(100).optional(),
    enforcingSuccessRate: enforcing.optional(),
    successRateMinimumHosts: count.default(SUCCESS_RATE.minimumHosts),
    successRateRequestVolume: count.default(SUCCESS_RATE.requestVolume),
    successRateStdevFactor: count.default(SUCCESS_RATE.stdevFactor),
  }),
  (value) => [
    ...localFailures(value.splitExternalLocalOriginErrors, {
      consecutiveLocalOriginFailure: value.consecutiveLocalOriginFailure !== 5,
      enforcingConsecutiveLocalOriginFailure: (value.enforcingConsecutiveLocalOriginFailure ?? 100) !== 100,
    }),
    ...gatewayFailuresUnenforced(value),
  ],
);

/** Envoy counts them and ejects nobody until it is told to. */
function gatewayFailuresUnenforced(value: {
  consecutiveGatewayFailure: number;
  enforcingConsecutiveGatewayFailure?: number | undefined;
}): FieldProblem[] {
  if (value.consecutiveGatewayFailure === 5) return [];
  if (value.enforcingConsecutiveGatewayFailure !== undefined) return [];
  return [
    rule({
      severity: "warning",
      path: ["consecutiveGatewayFailure"],
      message: "no endpoint is ejected for gateway errors until that is enforced",
      expected: "enforcingConsecutiveGatewayFailure beside it",
      hint: "add enforcingConsecutiveGatewayFailure: 100",
    }),
  ];
}

/** Of gateway errors Envoy takes no notice until they are enforced. */
export function outlierSettings(value: z.output<typeof outlierDetectionSchema>): OutlierDetection {
  const { consecutive5xx, interval, baseEjectionTime, maxEjectionPercent } = value;
  const isOff = (percent: number | undefined, otherwise: number) => (percent ?? otherwise) === 0;
  return outlierDetection({
    ...(isOff(value.enforcingConsecutive5xx, 100)
      ? { consecutive5xx: 0 }
      : consecutive5xx === undefined
        ? {}
        : { consecutive5xx }),
    consecutiveGatewayErrors: isOff(value.enforcingConsecutiveGatewayFailure, 0)
      ? 0
      : value.consecutiveGatewayFailure,
    consecutiveLocalErrors: isOff(value.enforcingConsecutiveLocalOriginFailure, 100)
      ? 0
      : value.consecutiveLocalOriginFailure,
    splitLocalErrors: value.splitExternalLocalOriginErrors,
    ...(interval === undefined ? {} : { intervalMs: goDurationMs(interval) }),
    ...(baseEjectionTime === undefined ? {} : { baseEjectionMs: goDurationMs(baseEjectionTime) }),
    ...(maxEjectionPercent === undefined ? {} : { maxEjectionPercent }),
    ...(isOff(value.enforcingSuccessRate, 100)
      ? {}
      : {
          successRate: {
            minimumHosts: value.successRateMinimumHosts,
            requestVolume: value.successRateRequestVolume,
            stdevFactor: value.successRateStdevFactor,
          },
        }),
  });
}
