// `tls` of an Envoy Gateway Backend: how its endpoints are spoken to over TLS.
import { z } from "zod";
import type { BackendTls, Certificate, ObjectRef, TrustBundle } from "../../model/index.ts";
import {
  type CredentialProblem,
  findAuthorities,
  findCertificate,
  isCredentialProblem,
} from "../credentials.ts";
import type { Told } from "../dialect.ts";
import { ofNode } from "../envoy-fields.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import { crossedVersions, TRUST_NOBODY, tlsVersion, versionBounds } from "../policies/upstream-tls.ts";
import {
  approximated,
  checked,
  type FieldProblem,
  groupName,
  ignored,
  kindName,
  namespaceName,
  objectName,
  rule,
} from "../schema/fields.ts";
import { atMostOneOf } from "../schema/one-of.ts";
import type { Reading } from "../schema/read-object.ts";
import { preciseHostname } from "./fields.ts";

const texts = z.array(z.string());

const fields = z.strictObject({
  caCertificateRefs: z
    .array(z.strictObject({ group: groupName.default(""), kind: kindName, name: objectName }))
    .max(8)
    .default([]),
  wellKnownCACertificates: z.enum(["System"]).optional(),
  insecureSkipVerify: z.boolean().default(false),
  sni: preciseHostname.optional(),
  autoSNIFromEndpointHostname: z.boolean().default(false),
  clientCertificateRef: z
    .strictObject({
      group: groupName.default(""),
      kind: kindName.default("Secret"),
      name: objectName,
      namespace: namespaceName.optional(),
    })
    .optional(),
  minVersion: tlsVersion("Auto"),
  maxVersion: tlsVersion("Auto"),
  ciphers: ofNode,
  ecdhCurves: ofNode,
  signatureAlgorithms: ofNode,
  alpnProtocols: approximated(texts, "endpoints are offered http/1.1 alone", "remove alpnProtocols"),
  fingerprints: ignored(texts, "handshakes leave no fingerprint", "remove fingerprints"),
});

type Value = z.output<typeof fields>;

export const backendTlsSchema = checked(fields, (value) => {
  const { caCertificateRefs, wellKnownCACertificates, sni } = value;
  const sources = {
    caCertificateRefs: caCertificateRefs.length === 0 ? undefined : caCertificateRefs,
    wellKnownCACertificates,
    insecureSkipVerify: value.insecureSkipVerify ? true : undefined,
  };
  const problems: (FieldProblem | undefined)[] = [
    atMostOneOf(sources, ["caCertificateRefs", "wellKnownCACertificates", "insecureSkipVerify"]),
    ...crossedVersions(value.minVersion, value.maxVersion, "maxVersion"),
  ];
  if (sni !== undefined && value.autoSNIFromEndpointHostname) {
    const message = "sni and autoSNIFromEndpointHostname stand together";
    problems.push(rule({ path: ["sni"], message, expected: "one of them", hint: "remove sni" }));
  }
  return problems.filter((problem) => problem !== undefined);
});

const AT = ["spec", "tls"];

/** `hostnames`: those of the endpoints, in their order. */
export function compileBackendTls(
  value: Value,
  hostnames: readonly string[],
  backend: Reading,
  objects: ObjectSet,
): Told<BackendTls> {
  const findings: FindingDraft[] = [];
  const { object } = backend;
  const told = <Found extends Certificate | TrustBundle>(
    found: Found | CredentialProblem,
    path: FieldPath,
  ): Found | undefined => {
    if (!isCredentialProblem(found)) return found;
    findings.push(draftFinding("invalid-certificate-reference", object, backend.writtenPath(path), found));
    return undefined;
  };
  const bundles = value.caCertificateRefs.map((ref, index) => {
    const to: ObjectRef = { ...ref, namespace: object.namespace };
    return told(findAuthorities(objects, object, to), [...AT, "caCertificateRefs", index]);
  });
  const { clientCertificateRef: ref } = value;
  const certificate =
    ref === undefined
      ? undefined
      : told(findCertificate(objects, object, { ...ref, namespace: ref.namespace ?? object.namespace }), [
          ...AT,
          "clientCertificateRef",
        ]);
  // What cannot be shown or verified is not sent at all.
  if (findings.length > 0) return { result: TRUST_NOBODY, findings };
  const [hostname] = hostnames;
  const serverName = value.sni ?? hostname;
  if (value.sni === undefined && (!value.autoSNIFromEndpointHostname || new Set(hostnames).size > 1)) {
    findings.push(ownName(backend, serverName));
  }
  return {
    result: {
      ...(serverName === undefined ? {} : { serverName }),
      subjectAltNames: [],
      trust: trustOf(
        value,
        bundles.filter((bundle) => bundle !== undefined),
      ),
      ...(certificate === undefined ? {} : { clientCertificate: certificate }),
      ...versionBounds(value.minVersion, value.maxVersion),
    },
    findings,
  };
}

/** Without any source Envoy Gateway verifies nothing; here the system's authorities are asked. */
function trustOf({ insecureSkipVerify }: Value, bundles: readonly TrustBundle[]): BackendTls["trust"] {
  if (insecureSkipVerify) return "none";
  return bundles.length === 0 ? "system" : bundles;
}

function ownName(backend: Reading, serverName: string | undefined): FindingDraft {
  const name = serverName === undefined ? "for no name" : `for ${serverName}`;
  return draftFinding("field-approximated", backend.object, backend.writtenPath(AT), {
    severity: "info",
    message: `endpoints are asked for a certificate ${name}, not for the host of each request`,
    expected: "sni",
    hint: `add sni: ${serverName ?? "app.example.com"}`,
  });
}
