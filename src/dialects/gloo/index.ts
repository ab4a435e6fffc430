// The Gloo dialect: stateful sessions on the listeners of a Gateway.
import type { Dialect, PolicyKind } from "../dialect.ts";
import type { Kind } from "../schema/kind.ts";
import { HTTP_LISTENER_OPTION, HTTP_LISTENER_OPTION_KIND } from "./http-listener-option.ts";

export const GLOO: Dialect = {
  name: "gloo",
  kinds: [HTTP_LISTENER_OPTION] as readonly Kind[],
  policies: [HTTP_LISTENER_OPTION_KIND as PolicyKind],
  backends: [],
};
