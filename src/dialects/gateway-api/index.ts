// The Gateway API dialect: Gateways, routes and what is attached to them.
import type { BackendKind, Dialect, PolicyKind } from "../dialect.ts";
import type { Kind } from "../schema/kind.ts";
import { BACKEND_TLS_POLICY, BACKEND_TLS_POLICY_KIND } from "./backend-tls-policy.ts";
import { GATEWAY } from "./gateway.ts";
import { GATEWAY_CLASS } from "./gateway-class.ts";
import { HTTP_ROUTE } from "./http-route.ts";
import { LISTENER_SET, X_LISTENER_SET } from "./listener-set.ts";
import { REFERENCE_GRANT } from "./reference-grant.ts";
import { TLS_ROUTE } from "./tls-route.ts";
import { X_BACKEND, X_BACKEND_KIND } from "./x-backend.ts";
import { X_BACKEND_TRAFFIC_POLICY, X_BACKEND_TRAFFIC_POLICY_KIND } from "./x-backend-traffic-policy.ts";

export const GATEWAY_API: Dialect = {
  name: "gateway-api",
  kinds: [
    GATEWAY_CLASS,
    GATEWAY,
    LISTENER_SET,
    X_LISTENER_SET,
    HTTP_ROUTE,
    TLS_ROUTE,
    REFERENCE_GRANT,
    BACKEND_TLS_POLICY,
    X_BACKEND,
    X_BACKEND_TRAFFIC_POLICY,
  ] as readonly Kind[],
  policies: [X_BACKEND_TRAFFIC_POLICY_KIND as PolicyKind, BACKEND_TLS_POLICY_KIND as PolicyKind],
  backends: [X_BACKEND_KIND as BackendKind],
};
