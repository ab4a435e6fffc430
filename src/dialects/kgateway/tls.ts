// `tls` of a BackendConfigPolicy: how endpoints are spoken to over TLS.
import { z } from "zod";
import type { BackendTls } from "../../model/index.ts";
import type { Told } from "../dialect.ts";
import { ofNode } from "../envoy-fields.ts";
import { draftFinding, type FindingDraft } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import {
  crossedVersions,
  missingSecret,
  secretParts,
  subjectAltNames,
  TRUST_NOBODY,
  tlsVersion,
  versionBounds,
} from "../policies/upstream-tls.ts";
import { approximated, checked, ignored, objectName, rule } from "../schema/fields.ts";
import { atMostOneOf } from "../schema/one-of.ts";
import type { Reading } from "../schema/read-object.ts";

const texts = z.array(z.string());
const parameters = checked(
  z.strictObject({
    minVersion: tlsVersion("AUTO"),
    maxVersion: tlsVersion("AUTO"),
    cipherSuites: ofNode,
    ecdhCurves: ofNode,
    signatureAlgorithms: ofNode,
  }),
  ({ minVersion, maxVersion }) => crossedVersions(minVersion, maxVersion, "maxVersion"),
);

const path = z.string().min(1).optional();

export const tlsSchema = checked(
  z.strictObject({
    secretRef: z.strictObject({ name: objectName }).optional(),
    files: ignored(
      z.strictObject({ tlsCertificate: path, tlsKey: path, rootCA: path }),
      "files beside the proxy are not read, so requests to the endpoints fail instead of going unverified",
      "put the certificates into a Secret and name it in secretRef",
    ),
    wellKnownCACertificates: z.enum(["System"]).optional(),
    insecureSkipVerify: z.boolean().optional(),
    sni: z.string().min(1).optional(),
    verifySubjectAltNames: texts.default([]),
    parameters: parameters.optional(),
    alpnProtocols: approximated(texts, "endpoints are offered http/1.1 alone", "remove alpnProtocols"),
    allowRenegotiation: ignored(z.boolean(), "connections never renegotiate", "remove allowRenegotiation"),
    simpleTLS: z.boolean().default(false),
  }),
  (value) => {
    const problem = atMostOneOf(value, TRUST_SOURCES);
    if (problem !== undefined) return problem;
    const hasSource =
      value.insecureSkipVerify === true ||
      [value.secretRef, value.files, value.wellKnownCACertificates].some((source) => source !== undefined);
    if (hasSource || value.sni !== undefined) return undefined;
    return rule({
      absent: ["sni", "secretRef", "files", "wellKnownCACertificates"],
      message: "without a source of trust the certificate is verified for the name in sni, which is absent",
      expected: "sni",
      hint: "add sni: app.example.com",
    });
  },
);

const TRUST_SOURCES = ["secretRef", "files", "insecureSkipVerify", "wellKnownCACertificates"] as const;

const AT = ["spec", "tls"];

export function compileTls(
  value: z.output<typeof tlsSchema>,
  policy: Reading,
  objects: ObjectSet,
): Told<BackendTls> {
  if (value.files !== undefined) return { result: TRUST_NOBODY, findings: [] };
  const name = value.secretRef?.name;
  const parts = name === undefined ? undefined : secretParts(objects, policy.object.namespace, name);
  if (name !== undefined && parts === undefined) {
    const finding = missingSecret(policy, [...AT, "secretRef", "name"], name);
    return { result: TRUST_NOBODY, findings: [finding] };
  }
  const findings: FindingDraft[] = [];
  if (parts !== undefined && parts.authorities === undefined) findings.push(noAuthorities(policy));
  const certificate = value.simpleTLS ? undefined : parts?.certificate;
  return {
    result: {
      ...(value.sni === undefined ? {} : { serverName: value.sni }),
      subjectAltNames: subjectAltNames(value.verifySubjectAltNames),
      trust: value.insecureSkipVerify
        ? "none"
        : parts?.authorities === undefined
          ? "system"
          : [parts.authorities],
      ...(certificate === undefined ? {} : { clientCertificate: certificate }),
      ...versionBounds(value.parameters?.minVersion, value.parameters?.maxVersion),
    },
    findings,
  };
}

function noAuthorities(policy: Reading): FindingDraft {
  const path = policy.writtenPath([...AT, "secretRef"]);
  return draftFinding("field-approximated", policy.object, path, {
    message:
      "the Secret has no ca.crt, so the system's authorities are trusted; kgateway would not verify at all",
    expected: "a Secret with ca.crt",
    hint: "add ca.crt to the Secret",
  });
}
