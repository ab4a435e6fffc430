// `connectionPool` of a DestinationRule: limits of a backend and timeouts of connections to its endpoints.
import { z } from "zod";
import type { BackendLimits } from "../../model/index.ts";
import { idleTimeout, positive } from "../envoy-fields.ts";
import type { BackendSettings } from "../policies/attachment.ts";
import { approximated, checked, ignored } from "../schema/fields.ts";
import { goDuration, goDurationMs } from "../schema/go-duration.ts";

const UNLIMITED = 2_147_483_647;

/** In Istio's protobuf 0 means that nothing was said, which is no limit. */
const limit = z.int().min(0).max(UNLIMITED).default(0);

const idle = idleTimeout(goDuration, goDurationMs);

const overHttp2 = "endpoints are spoken to with HTTP/1.1";

export const connectionPoolSchema = z.strictObject({
  tcp: z
    .strictObject({
      maxConnections: limit,
      connectTimeout: positive(goDuration, goDurationMs).optional(),
      tcpKeepalive: ignored(
        z.strictObject({
          probes: limit,
          time: goDuration.optional(),
          interval: goDuration.optional(),
        }),
        "TCP keep-alive towards endpoints cannot be set",
        "remove tcpKeepalive",
      ),
      maxConnectionDuration: ignored(
        goDuration,
        "connections to endpoints are not closed because of their age",
        "remove maxConnectionDuration, or use http.maxRequestsPerConnection",
      ),
      idleTimeout: idle,
    })
    .optional(),
  http: z
    .strictObject({
      http1MaxPendingRequests: limit,
      http2MaxRequests: limit,
      maxRequestsPerConnection: limit,
      maxRetries: limit,
      idleTimeout: idle,
      h2UpgradePolicy: checked(z.enum(["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"]), (policy) => {
        if (policy !== "UPGRADE") return undefined;
        return {
          code: "field-ignored",
          severity: "warning",
          message: overHttp2,
          expected: "DEFAULT or DO_NOT_UPGRADE",
          hint: "remove h2UpgradePolicy",
        };
      }).optional(),
      useClientProtocol: approximated(z.boolean(), overHttp2, "remove useClientProtocol"),
      maxConcurrentStreams: ignored(limit, overHttp2, "remove maxConcurrentStreams"),
      http2KeepAlive: ignored(
        z.strictObject({ interval: goDuration.optional(), timeout: goDuration.optional() }),
        overHttp2,
        "remove http2KeepAlive",
      ),
    })
    .optional(),
});

/** Of the two idle timeouts the one for HTTP wins. */
export function connectionSettings({ tcp, http }: z.output<typeof connectionPoolSchema>): BackendSettings {
  const limits = limitsOf({
    maxConnections: tcp?.maxConnections,
    maxPendingRequests: http?.http1MaxPendingRequests,
    maxRequests: http?.http2MaxRequests,
    maxRetries: http?.maxRetries,
    maxRequestsPerConnection: http?.maxRequestsPerConnection,
  });
  const idleMs = goDurationMs(http?.idleTimeout ?? tcp?.idleTimeout ?? "0s");
  const connectMs = goDurationMs(tcp?.connectTimeout ?? "0s");
  return {
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(idleMs === 0 ? {} : { idleTimeoutMs: idleMs }),
    ...(connectMs === 0 ? {} : { connectTimeoutMs: connectMs }),
  };
}

function limitsOf(said: Readonly<Record<keyof BackendLimits, number | undefined>>): BackendLimits {
  const limited = Object.entries(said).filter(([, value]) => value !== undefined && value > 0);
  return Object.fromEntries(limited);
}
