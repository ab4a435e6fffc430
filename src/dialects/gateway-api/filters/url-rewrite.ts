// URLRewrite: the endpoint gets the request under another host or path than the client wrote.
import { z } from "zod";
import type { Filter } from "../../../model/index.ts";
import { preciseHostname } from "../names.ts";
import { pathEdit, pathModifier } from "./path-modifier.ts";

export const urlRewrite = z.strictObject({
  hostname: preciseHostname.optional(),
  path: pathModifier.optional(),
});

export function rewrite(value: z.output<typeof urlRewrite>, prefix: string | undefined): Filter {
  const path = value.path === undefined ? undefined : pathEdit(value.path, prefix);
  return {
    kind: "rewrite",
    ...(value.hostname === undefined ? {} : { hostname: value.hostname }),
    ...(path === undefined ? {} : { path }),
  };
}
