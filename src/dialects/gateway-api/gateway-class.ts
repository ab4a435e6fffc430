// GatewayClass: says which controller serves the Gateways of a class.
import { z } from "zod";
import type { ObjectStatus } from "../../model/index.ts";
import { ignored } from "../schema/fields.ts";
import type { ValueOf } from "../schema/kind.ts";
import { defineKind } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { GATEWAY_GROUP } from "./names.ts";
import { SUPPORTED_FEATURES } from "./supported-features.ts";

export const GATEWAY_CLASS = defineKind(
  { group: GATEWAY_GROUP, kind: "GatewayClass", versions: ["v1", "v1beta1"], namespaced: false },
  {
    spec: z.strictObject({
      controllerName: z.string().min(1).max(253),
      description: z.string().optional(),
      parametersRef: ignored(
        z.looseObject({}),
        "parameters of a class are not read",
        "remove parametersRef; settings of the process are flags of limpet run",
      ),
    }),
  },
);

export function gatewayClassStatus(reading: Reading<ValueOf<typeof GATEWAY_CLASS>>): ObjectStatus {
  const message = "The class is served";
  return {
    object: reading.object,
    conditions: [{ type: "Accepted", status: "True", reason: "Accepted", message }],
    supportedFeatures: SUPPORTED_FEATURES,
  };
}
