// `connectionConfig` and `circuitBreakers` of a Gloo Upstream: timeouts of connections, and limits.
import { z } from "zod";
import type { BackendLimits } from "../../model/index.ts";
import { CIRCUIT_BREAKER_LIMIT, CIRCUIT_BREAKER_RETRIES } from "../envoy-defaults.ts";
import { idleTimeout, positive } from "../envoy-fields.ts";
import type { BackendSettings } from "../policies/attachment.ts";
import { goDuration, goDurationMs } from "../schema/go-duration.ts";
import { count, unread } from "./fields.ts";

export const connectionConfigSchema = z.strictObject({
  connectTimeout: positive(goDuration, goDurationMs).optional(),
  maxRequestsPerConnection: count.default(0),
  commonHttpProtocolOptions: z
    .strictObject({
      idleTimeout: idleTimeout(goDuration, goDurationMs),
      maxHeadersCount: unread("the number of header fields is limited for all backends alike"),
      maxStreamDuration: unread("a request's timeout belongs to its rule"),
      headersWithUnderscoresAction: unread("names of header fields pass as they are"),
    })
    .optional(),
  tcpKeepalive: unread("TCP keep-alive towards endpoints cannot be set"),
  perConnectionBufferLimitBytes: unread("buffers of a single backend cannot be set"),
  http1ProtocolOptions: unread("how HTTP/1.1 is spoken cannot be set for a single backend"),
});

export const circuitBreakersSchema = z.strictObject({
  maxConnections: count.default(CIRCUIT_BREAKER_LIMIT),
  maxPendingRequests: count.default(CIRCUIT_BREAKER_LIMIT),
  maxRequests: count.default(CIRCUIT_BREAKER_LIMIT),
  maxRetries: count.default(CIRCUIT_BREAKER_RETRIES),
  trackRemaining: unread("what is left of the limits is not counted"),
});

type ConnectionValue = z.output<typeof connectionConfigSchema>;
type BreakersValue = z.output<typeof circuitBreakersSchema>;

export function connectionSettings(
  connection: ConnectionValue | undefined,
  breakers: BreakersValue | undefined,
): BackendSettings {
  const idleMs = goDurationMs(connection?.commonHttpProtocolOptions?.idleTimeout ?? "0s");
  const connectMs = goDurationMs(connection?.connectTimeout ?? "0s");
  const limits = limitsOf(breakers, connection?.maxRequestsPerConnection ?? 0);
  return {
    ...(connectMs === 0 ? {} : { connectTimeoutMs: connectMs }),
    ...(idleMs === 0 ? {} : { idleTimeoutMs: idleMs }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  };
}

function limitsOf(breakers: BreakersValue | undefined, uses: number): BackendLimits {
  const perConnection = uses === 0 ? {} : { maxRequestsPerConnection: uses };
  if (breakers === undefined) return perConnection;
  const { maxConnections, maxPendingRequests, maxRequests, maxRetries } = breakers;
  return { maxConnections, maxPendingRequests, maxRequests, maxRetries, ...perConnection };
}
