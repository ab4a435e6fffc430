// The Gateway API dialect: Gateways, routes and what is attached to them.
import type { Dialect } from "../dialect.ts";
import type { Kind } from "../schema/kind.ts";
import { GATEWAY } from "./gateway.ts";
import { GATEWAY_CLASS } from "./gateway-class.ts";
import { HTTP_ROUTE } from "./http-route.ts";
import { REFERENCE_GRANT } from "./reference-grant.ts";

export const GATEWAY_API: Dialect = {
  name: "gateway-api",
  kinds: [GATEWAY_CLASS, GATEWAY, HTTP_ROUTE, REFERENCE_GRANT] as readonly Kind[],
  policies: [],
  backends: [],
};
