// Secret: certificates with their keys (type kubernetes.io/tls), and authorities under the key ca.crt.
import { z } from "zod";
import { type Certificate, objectText, type TrustBundle } from "../../model/index.ts";
import { checked, type FieldProblem } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { authoritiesProblem, certificatesIn, joinedPem, pairProblem, privateKeyIn } from "./pem.ts";
import { decodedBase64, type TextMap, textMap, textsOf } from "./text-map.ts";

const TLS_TYPE = "kubernetes.io/tls";
/** Where a bundle of authorities stands, in Secrets and ConfigMaps. */
export const AUTHORITIES_KEY = "ca.crt";

const data = textMap((key, value) => {
  if (decodedBase64(value) !== undefined) return undefined;
  return {
    message: `the value of ${key} is no base64`,
    expected: "base64 with its padding",
    hint: "encode it with base64 -w0, or put it under stringData as it is",
  };
});

/** Whatever is wrong with these texts is an error of the Secret itself, so that its last good form goes on. */
function usable(value: SecretFields): FieldProblem[] {
  const texts = textsIn(value);
  const place = (key: string) => [textsOf(value.stringData)[key] === undefined ? "data" : "stringData", key];
  const problems: FieldProblem[] = [];
  if (value.type === TLS_TYPE) {
    const missing = ["tls.crt", "tls.key"].filter((key) => texts[key] === undefined);
    problems.push(...missing.filter((key) => !isWritten(value, key)).map(missingKey));
    const problem =
      missing.length > 0 ? undefined : pairProblem(texts["tls.crt"] ?? "", texts["tls.key"] ?? "");
    if (problem !== undefined) {
      const { part, ...text } = problem;
      const key = part === "chain" ? "tls.crt" : "tls.key";
      problems.push({ code: "invalid-certificate", path: place(key), ...text });
    }
  }
  const authorities = texts[AUTHORITIES_KEY];
  // Tools that make Secrets leave the key empty where they know no authority.
  const problem =
    authorities === undefined || authorities === "" ? undefined : authoritiesProblem(authorities);
  if (problem !== undefined) {
    problems.push({ code: "invalid-certificate", path: place(AUTHORITIES_KEY), ...problem });
  }
  return problems;
}

function missingKey(key: string): FieldProblem {
  return {
    code: "invalid-certificate",
    message: `a Secret of type ${TLS_TYPE} needs ${key}`,
    expected: "tls.crt and tls.key",
    hint: `add ${key} to data, in base64, or to stringData`,
  };
}

/** Defined apart from the kind: the check needs the whole object. */
const fields = {
  type: z.string().default("Opaque"),
  data,
  stringData: textMap(),
  immutable: z.boolean().optional(),
};

type SecretFields = { readonly type: string; readonly data?: unknown; readonly stringData?: unknown };

const KIND = defineKind({ group: "", kind: "Secret", versions: ["v1"] }, fields);

export const SECRET: typeof KIND = { ...KIND, schema: checked(KIND.schema, usable) };

export type SecretReading = Reading<ValueOf<typeof SECRET>>;

/** Undefined where it holds none that can be used. */
export function certificateOf({ object, value, inError }: SecretReading): Certificate | undefined {
  const { "tls.crt": chain, "tls.key": key } = textsIn(value);
  if (inError || value.type !== TLS_TYPE || chain === undefined || key === undefined) return undefined;
  return {
    id: objectText(object),
    chain: joinedPem(certificatesIn(chain)),
    privateKey: `${privateKeyIn(key)}\n`,
  };
}

/** Undefined where it holds none that can be used. */
export function authoritiesOfSecret({ object, value, inError }: SecretReading): TrustBundle | undefined {
  const text = textsIn(value)[AUTHORITIES_KEY] ?? "";
  if (inError || text === "") return undefined;
  return { id: objectText(object), certificates: joinedPem(certificatesIn(text)) };
}

/** `stringData` wins, as in the API server. */
function textsIn({ data, stringData }: SecretFields): TextMap {
  const decoded = Object.entries(textsOf(data)).flatMap(([key, text]): [string, string][] => {
    const plain = decodedBase64(text);
    return plain === undefined ? [] : [[key, plain]];
  });
  return { ...Object.fromEntries(decoded), ...textsOf(stringData) };
}

function isWritten({ data, stringData }: SecretFields, key: string): boolean {
  return [data, stringData].some((map) => typeof map === "object" && map !== null && Object.hasOwn(map, key));
}
