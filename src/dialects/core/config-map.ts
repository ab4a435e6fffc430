// ConfigMap: of its data only the authorities under the key ca.crt mean something to a gateway.
import { z } from "zod";
import { objectText, type TrustBundle } from "../../model/index.ts";
import type { FieldProblem } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { authoritiesProblem, certificatesIn, joinedPem } from "./pem.ts";
import { AUTHORITIES_KEY } from "./secret.ts";
import { textMap, textsOf } from "./text-map.ts";

const data = textMap((key, text): FieldProblem | undefined => {
  const problem = key === AUTHORITIES_KEY ? authoritiesProblem(text) : undefined;
  return problem === undefined ? undefined : { code: "invalid-certificate", ...problem };
});

export const CONFIG_MAP = defineKind(
  { group: "", kind: "ConfigMap", versions: ["v1"] },
  { data, binaryData: z.unknown().optional(), immutable: z.boolean().optional() },
);

export type ConfigMapReading = Reading<ValueOf<typeof CONFIG_MAP>>;

/** Undefined where it holds none that can be used. */
export function authoritiesOfConfigMap({
  object,
  value,
  inError,
}: ConfigMapReading): TrustBundle | undefined {
  const text = textsOf(value.data)[AUTHORITIES_KEY];
  if (inError || text === undefined) return undefined;
  return { id: objectText(object), certificates: joinedPem(certificatesIn(text)) };
}
