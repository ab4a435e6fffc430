// `sslConfig` of a Gloo Upstream, and the `useTls` of a static one: how endpoints are spoken to over TLS.
import { z } from "zod";
import type { BackendTls } from "../../model/index.ts";
import type { Told } from "../dialect.ts";
import { ofNode } from "../envoy-fields.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import { isReferencePermitted, REFERENCE_GRANT } from "../gateway-api/reference-grant.ts";
import type { ObjectSet } from "../object-set.ts";
import {
  crossedVersions,
  missingSecret,
  secretParts,
  subjectAltNames,
  TRUST_NOBODY,
  versionBounds,
} from "../policies/upstream-tls.ts";
import { approximated, checked, ignored, namespaceName, objectName } from "../schema/fields.ts";
import { atMostOneOf } from "../schema/one-of.ts";
import type { Reading } from "../schema/read-object.ts";

const texts = z.array(z.string());
const elsewhere = ignored(
  z.looseObject({}),
  "certificates are read from Secrets alone, so requests to the endpoints fail instead of going unverified",
  "put the certificates into a Secret and name it in secretRef",
);

const VERSIONS = { TLS_AUTO: "", TLSv1_0: "1.0", TLSv1_1: "1.1", TLSv1_2: "1.2", TLSv1_3: "1.3" } as const;

type Version = keyof typeof VERSIONS;

const version = checked(z.enum(Object.keys(VERSIONS) as [Version, ...Version[]]), (value) => {
  if (value !== "TLSv1_0" && value !== "TLSv1_1") return undefined;
  return {
    code: "field-approximated",
    severity: "warning",
    message: `${value} is not spoken: the oldest version of TLS is 1.2`,
    expected: "TLSv1_2 or TLSv1_3",
    hint: "write TLSv1_2",
  };
}).default("TLS_AUTO");

const parameters = checked(
  z.strictObject({
    minimumProtocolVersion: version,
    maximumProtocolVersion: version,
    cipherSuites: ofNode,
    ecdhCurves: ofNode,
  }),
  ({ minimumProtocolVersion: least, maximumProtocolVersion: most }) =>
    // "" is no version, and no number either.
    crossedVersions(VERSIONS[least] || undefined, VERSIONS[most] || undefined, "maximumProtocolVersion"),
);

export const sslConfigSchema = checked(
  z.strictObject({
    secretRef: z.strictObject({ name: objectName, namespace: namespaceName.optional() }).optional(),
    sslFiles: elsewhere,
    sds: elsewhere,
    sni: z.string().default(""),
    verifySubjectAltName: texts.default([]),
    parameters: parameters.optional(),
    alpnProtocols: approximated(texts, "endpoints are offered http/1.1 alone", "remove alpnProtocols"),
    allowRenegotiation: ignored(z.boolean(), "connections never renegotiate", "remove allowRenegotiation"),
    oneWayTls: z.boolean().default(false),
  }),
  (value) => atMostOneOf(value, ["secretRef", "sslFiles", "sds"]),
);

type SslConfigValue = z.output<typeof sslConfigSchema>;

const AT = ["spec", "sslConfig"];

/** `serverName`: that of the hosts, where `sni` does not say another. */
export function compileSslConfig(
  value: SslConfigValue,
  serverName: string | undefined,
  upstream: Reading,
  objects: ObjectSet,
): Told<BackendTls> {
  if (value.sslFiles !== undefined || value.sds !== undefined) return { result: TRUST_NOBODY, findings: [] };
  const { object } = upstream;
  const ref = value.secretRef;
  const namespace = ref?.namespace ?? object.namespace;
  const secret = { group: "", kind: "Secret", namespace, name: ref?.name ?? "" };
  const permitted = isReferencePermitted(objects.all(REFERENCE_GRANT), object, secret);
  const parts = ref === undefined || !permitted ? undefined : secretParts(objects, namespace, ref.name);
  if (ref !== undefined && parts === undefined) {
    const finding = missingSecret(upstream, [...AT, "secretRef"], ref.name, namespace);
    return { result: TRUST_NOBODY, findings: [finding] };
  }
  const authorities = parts?.authorities;
  const certificate = value.oneWayTls ? undefined : parts?.certificate;
  const name = value.sni === "" ? serverName : value.sni;
  const { minimumProtocolVersion, maximumProtocolVersion } = value.parameters ?? {};
  return {
    result: {
      ...(name === undefined ? {} : { serverName: name }),
      subjectAltNames: subjectAltNames(value.verifySubjectAltName),
      trust: authorities === undefined ? "system" : [authorities],
      ...(certificate === undefined ? {} : { clientCertificate: certificate }),
      ...versionBounds(
        VERSIONS[minimumProtocolVersion ?? "TLS_AUTO"],
        VERSIONS[maximumProtocolVersion ?? "TLS_AUTO"],
      ),
    },
    findings: authorities === undefined ? [verified(upstream, AT)] : [],
  };
}

/** Gloo verifies nothing here. */
export function plainTls(
  serverName: string | undefined,
  upstream: Reading,
  path: FieldPath,
): Told<BackendTls> {
  return {
    result: {
      ...(serverName === undefined ? {} : { serverName }),
      subjectAltNames: [],
      trust: "system",
    },
    findings: [verified(upstream, path)],
  };
}

function verified(upstream: Reading, path: FieldPath): FindingDraft {
  return draftFinding("field-approximated", upstream.object, upstream.writtenPath(path), {
    message: "certificates of the endpoints are verified with the system's authorities; Gloo would take any",
    expected: "authorities in the Secret of sslConfig, under ca.crt",
    hint: "add sslConfig: {secretRef: {...}} where the endpoints have certificates of other authorities",
  });
}
