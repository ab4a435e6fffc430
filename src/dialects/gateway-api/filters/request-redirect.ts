// RequestRedirect: the gateway answers with another place to go to.
import { z } from "zod";
import type { Redirect } from "../../../model/index.ts";
import { portNumber } from "../../schema/fields.ts";
import { preciseHostname } from "../names.ts";
import { pathEdit, pathModifier } from "./path-modifier.ts";

export const requestRedirect = z.strictObject({
  scheme: z.enum(["http", "https"]).optional(),
  hostname: preciseHostname.optional(),
  path: pathModifier.optional(),
  port: portNumber.optional(),
  statusCode: z.literal([301, 302, 303, 307, 308]).default(302),
});

export function redirect(value: z.output<typeof requestRedirect>, prefix: string | undefined): Redirect {
  const { scheme, hostname, port, statusCode } = value;
  const path = value.path === undefined ? undefined : pathEdit(value.path, prefix);
  return {
    ...(scheme === undefined ? {} : { scheme }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(port === undefined ? {} : { port }),
    ...(path === undefined ? {} : { path }),
    status: statusCode,
  };
}
