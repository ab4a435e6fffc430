// All dialects that Limpet reads: a new one is added here, and nowhere else.
import { CORE } from "./core/index.ts";
import type { Dialect } from "./dialect.ts";
import { ENVOY_GATEWAY } from "./envoy-gateway/index.ts";
import { GATEWAY_API } from "./gateway-api/index.ts";
import { GLOO } from "./gloo/index.ts";
import { ISTIO } from "./istio/index.ts";
import { KGATEWAY } from "./kgateway/index.ts";
import { LIMPET } from "./limpet/index.ts";
import type { Kind } from "./schema/kind.ts";

export const DIALECTS: readonly Dialect[] = [CORE, GATEWAY_API, ENVOY_GATEWAY, KGATEWAY, GLOO, ISTIO, LIMPET];

/** All that they read. */
export const KINDS: readonly Kind[] = DIALECTS.flatMap(({ kinds }) => kinds);
