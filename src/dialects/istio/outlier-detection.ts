// `outlierDetection` of a DestinationRule: when endpoints are ejected, and when nobody listens to that.
import { z } from "zod";
import { outlierDetection } from "../envoy-defaults.ts";
import { localFailures, positive } from "../envoy-fields.ts";
import type { BackendSettings } from "../policies/attachment.ts";
import { checked, ignored } from "../schema/fields.ts";
import { goDuration, goDurationMs } from "../schema/go-duration.ts";

const count = z.int().min(0).max(4_294_967_295);
const percent = z.int().min(0).max(100).default(0);

const time = positive(goDuration, goDurationMs).optional();

const fields = z.strictObject({
  splitExternalLocalOriginErrors: z.boolean().default(false),
  consecutiveLocalOriginFailures: count.default(0),
  consecutiveGatewayErrors: count.default(0),
  consecutive5xxErrors: count.optional(),
  consecutiveErrors: ignored(
    count,
    "Istio dropped consecutiveErrors and passes over it",
    "write consecutiveGatewayErrors, or consecutive5xxErrors",
  ),
  interval: time,
  baseEjectionTime: time,
  maxEjectionPercent: percent,
  minHealthPercent: percent,
  outlierDetectionHttpErrorCodes: ignored(
    z.array(z.int().min(100).max(599)),
    "statuses of 500 and above are what counts, and no others",
    "remove outlierDetectionHttpErrorCodes",
  ),
});

export const outlierDetectionSchema = checked(
  fields,
  ({ splitExternalLocalOriginErrors: isSplit, consecutiveLocalOriginFailures: failures }) =>
    localFailures(isSplit, { consecutiveLocalOriginFailures: failures > 0 }),
);

/**
 * As Istio fills Envoy's message: success rates are not compared, and health is never ignored unless
 * `minHealthPercent` says so.
 */
export function outlierSettings(value: z.output<typeof outlierDetectionSchema>): BackendSettings {
  const { consecutive5xxErrors, consecutiveLocalOriginFailures, interval, baseEjectionTime } = value;
  return {
    outlierDetection: outlierDetection({
      ...(consecutive5xxErrors === undefined ? {} : { consecutive5xx: consecutive5xxErrors }),
      consecutiveGatewayErrors: value.consecutiveGatewayErrors,
      ...(consecutiveLocalOriginFailures === 0
        ? {}
        : { consecutiveLocalErrors: consecutiveLocalOriginFailures }),
      splitLocalErrors: value.splitExternalLocalOriginErrors,
      ...(interval === undefined ? {} : { intervalMs: goDurationMs(interval) }),
      ...(baseEjectionTime === undefined ? {} : { baseEjectionMs: goDurationMs(baseEjectionTime) }),
      ...(value.maxEjectionPercent === 0 ? {} : { maxEjectionPercent: value.maxEjectionPercent }),
    }),
    panicThresholdPercent: value.minHealthPercent,
  };
}
