// `tls` of a DestinationRule: whether and how endpoints are spoken to over TLS.
import { z } from "zod";
import type { BackendTls } from "../../model/index.ts";
import type { Told } from "../dialect.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import {
  missingSecret,
  type SecretParts,
  secretParts,
  subjectAltNames,
  TRUST_NOBODY,
} from "../policies/upstream-tls.ts";
import { checked, type FieldProblem, ignored, rule } from "../schema/fields.ts";
import type { Reading } from "../schema/read-object.ts";

/** What Istio makes of `caCertificates` where it is not there, and takes for the authorities of the system. */
const SYSTEM = "system";

const file = z.string().min(1).optional();

const fields = z.strictObject({
  mode: z.enum(["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"]).default("DISABLE"),
  clientCertificate: file,
  privateKey: file,
  caCertificates: file,
  credentialName: z.string().min(1).optional(),
  subjectAltNames: z.array(z.string().min(1)).default([]),
  sni: z.string().min(1).optional(),
  insecureSkipVerify: z.boolean().default(false),
  caCrl: ignored(file, "lists of revoked certificates are not read", "remove caCrl"),
});

type ClientTlsValue = z.output<typeof fields>;

export const clientTlsSchema = checked(fields, (value) => [...unusable(value), ...misfits(value)]);

/** Every one of them makes the backend trust nobody. */
function unusable(value: ClientTlsValue): FieldProblem[] {
  if (value.mode === "ISTIO_MUTUAL") {
    return [
      {
        path: ["mode"],
        code: "field-ignored",
        severity: "warning",
        message:
          "Limpet has no certificate of the mesh, so requests to the endpoints fail instead of going in the clear",
        expected: "DISABLE, SIMPLE or MUTUAL",
        hint: "remove tls where the endpoints take plain connections (PeerAuthentication PERMISSIVE)",
      },
    ];
  }
  if (value.mode === "DISABLE") return [];
  return filesOf(value).map((name) => ({
    path: [name],
    code: "field-ignored",
    severity: "warning",
    message:
      "files beside the proxy are not read, so requests to the endpoints fail instead of going unverified",
    expected: "credentialName",
    hint: "put the certificates into a Secret and name it in credentialName",
  }));
}

function filesOf(value: ClientTlsValue) {
  const names = ["clientCertificate", "privateKey", "caCertificates"] as const;
  return names.filter((name) => value[name] !== undefined && value[name] !== SYSTEM);
}

function misfits(value: ClientTlsValue): FieldProblem[] {
  const { mode, credentialName } = value;
  const files = filesOf(value);
  if (mode === "ISTIO_MUTUAL" && (files.length > 0 || credentialName !== undefined)) {
    const field = files[0] ?? "credentialName";
    const message = `${field} may not stand beside mode ISTIO_MUTUAL`;
    return [rule({ path: [field], message, expected: "mode: MUTUAL", hint: `remove ${field}` })];
  }
  if (files.length > 0 && credentialName !== undefined) {
    const message = "credentialName and files stand together";
    return [rule({ path: ["credentialName"], message, expected: "one of them", hint: `remove ${files[0]}` })];
  }
  if (mode !== "MUTUAL" || credentialName !== undefined || value.clientCertificate !== undefined) return [];
  return [
    rule({
      absent: ["credentialName", "clientCertificate"],
      message: "the mode MUTUAL needs a certificate to show",
      expected: "credentialName",
      hint: "add credentialName: my-client-certificate, or write mode: SIMPLE",
    }),
  ];
}

/** Undefined: plain connections. `host` is that of the Service, `path` where the settings stand in the rule's value. */
export function compileClientTls(
  value: ClientTlsValue,
  host: string,
  rule: Reading,
  path: FieldPath,
  objects: ObjectSet,
): Told<BackendTls | undefined> {
  const { mode, credentialName, insecureSkipVerify, sni } = value;
  if (mode === "DISABLE") return { result: undefined, findings: [] };
  if (unusable(value).length > 0) return { result: TRUST_NOBODY, findings: [] };
  const findings: FindingDraft[] = [];
  const parts = credentialName === undefined ? NO_PARTS : credential(objects, rule, credentialName);
  if (parts === undefined || (mode === "MUTUAL" && parts.certificate === undefined)) {
    if (credentialName !== undefined) {
      findings.push(missingSecret(rule, [...path, "credentialName"], credentialName));
    }
    return { result: TRUST_NOBODY, findings };
  }
  const { certificate, authorities } = parts;
  if (sni === undefined) {
    findings.push(
      draftFinding("field-approximated", rule.object, rule.writtenPath(path), {
        severity: "info",
        message:
          "the endpoints are asked for a certificate of their own host, not of the host of each request",
        expected: "sni",
        hint: `add sni: ${host}`,
      }),
    );
  }
  return {
    result: {
      serverName: sni ?? host,
      subjectAltNames: subjectAltNames(value.subjectAltNames),
      trust: insecureSkipVerify ? "none" : authorities === undefined ? "system" : [authorities],
      ...(mode === "MUTUAL" && certificate !== undefined ? { clientCertificate: certificate } : {}),
    },
    findings,
  };
}

const NO_PARTS: SecretParts = { certificate: undefined, authorities: undefined };

/** Authorities may stand in a Secret of their own, whose name ends with `-cacert`. */
function credential(objects: ObjectSet, { object }: Reading, name: string): SecretParts | undefined {
  const own = secretParts(objects, object.namespace, name);
  const beside = secretParts(objects, object.namespace, `${name}-cacert`);
  if (own === undefined && beside === undefined) return undefined;
  return { certificate: own?.certificate, authorities: own?.authorities ?? beside?.authorities };
}
