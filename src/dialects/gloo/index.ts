// The Gloo dialect: stateful sessions on the listeners of a Gateway, and Upstreams.
import type { BackendKind, Dialect, PolicyKind } from "../dialect.ts";
import type { Kind } from "../schema/kind.ts";
import { HTTP_LISTENER_OPTION, HTTP_LISTENER_OPTION_KIND } from "./http-listener-option.ts";
import { UPSTREAM, UPSTREAM_KIND } from "./upstream.ts";

export const GLOO: Dialect = {
  name: "gloo",
  kinds: [HTTP_LISTENER_OPTION, UPSTREAM] as readonly Kind[],
  policies: [HTTP_LISTENER_OPTION_KIND as PolicyKind],
  backends: [UPSTREAM_KIND as BackendKind],
};
