// All dialects that Limpet reads: a new one is added here, and nowhere else.
import { CORE } from "./core/index.ts";
import type { Dialect } from "./dialect.ts";
import { GATEWAY_API } from "./gateway-api/index.ts";

export const DIALECTS: readonly Dialect[] = [CORE, GATEWAY_API];
