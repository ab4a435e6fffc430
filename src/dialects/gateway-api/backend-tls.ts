// How the certificate of an endpoint is verified: what BackendTLSPolicy and XBackend both say (GEP-1897, GEP-3155).
import { z } from "zod";
import type { BackendTls, ObjectRef, SubjectAltName, TrustBundle } from "../../model/index.ts";
import {
  type CredentialProblem,
  credentialInputs,
  findAuthorities,
  isCredentialProblem,
  outdatedCredential,
} from "../credentials.ts";
import type { FieldPath, FindingText } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import { TRUST_NOBODY } from "../policies/upstream-tls.ts";
import { checked, type FieldProblem, rule, text } from "../schema/fields.ts";
import { exactlyOneOf } from "../schema/one-of.ts";
import { fieldsFitType } from "../schema/union.ts";
import { localRef, objectOf } from "./certificate-ref.ts";
import { hostname, preciseHostname } from "./names.ts";

const subjectAltName = checked(
  z.strictObject({
    type: z.enum(["Hostname", "URI"]),
    hostname: hostname.optional(),
    uri: text(
      /^[^:/?#]+:\/\/[^/?#]*.*$/,
      "a URI with its scheme",
      "spiffe://example.com/shop",
      253,
    ).optional(),
  }),
  (value) => fieldsFitType(value, { Hostname: "hostname", URI: "uri" }, "a name"),
);

const SYSTEM = "System";

/** Whatever cannot be read of it leaves it there, so that nothing is spoken to in the clear for want of it. */
export const backendValidation = checked(
  z.strictObject({
    caCertificateRefs: z.array(localRef).max(8).optional(),
    wellKnownCACertificates: text(
      /^(System|[a-z0-9.-]+\/[-A-Za-z0-9_.]+)$/,
      "System, or a name with a domain in front",
      SYSTEM,
      253,
    ).optional(),
    hostname: preciseHostname.optional(),
    subjectAltNames: z.array(subjectAltName).max(5).default([]),
  }),
  ({ caCertificateRefs, wellKnownCACertificates, hostname }) => {
    const problems: FieldProblem[] = [];
    const caRefs = caCertificateRefs?.length === 0 ? undefined : caCertificateRefs;
    const source = exactlyOneOf(
      { caCertificateRefs: caRefs, wellKnownCACertificates },
      {
        caCertificateRefs: '[{group: "", kind: ConfigMap, name: my-ca}]',
        wellKnownCACertificates: SYSTEM,
      },
    );
    if (source !== undefined) problems.push(source);
    if (wellKnownCACertificates !== undefined && wellKnownCACertificates !== SYSTEM) {
      problems.push({ ...unknownSet(wellKnownCACertificates), path: ["wellKnownCACertificates"] });
    }
    if (hostname === undefined) {
      problems.push(
        rule({
          absent: ["hostname"],
          message: "validation needs the hostname of the endpoints' certificate",
          expected: "hostname",
          hint: "add hostname: app.example.com",
        }),
      );
    }
    return problems;
  },
);

function unknownSet(name: string): FieldProblem {
  return {
    code: "field-ignored",
    severity: "warning",
    message: `the set of authorities ${name} is not known here, so no endpoint is trusted and requests to them fail`,
    expected: SYSTEM,
    hint: `write wellKnownCACertificates: ${SYSTEM}, or name the authorities in caCertificateRefs`,
  };
}

export type BackendValidationValue = z.output<typeof backendValidation>;

export interface ResolvedBackendTls {
  readonly tls: BackendTls;
  /** `path` is that of the reference in the validation. */
  readonly problems: readonly { readonly problem: CredentialProblem; readonly path: FieldPath }[];
  /** First of the references that lead nowhere, or to a last good form only. */
  readonly unresolved: CredentialProblem | undefined;
  /** In the words of the condition Accepted: what stands there now trusts no endpoint; undefined where it may. */
  readonly refusal: { readonly reason: string; readonly message: string } | undefined;
}

/**
 * Where no authority can be used, nobody is trusted and every request fails: in the clear, or unverified, nothing is
 * ever sent to endpoints for which TLS was asked.
 */
export function resolveBackendTls(
  value: BackendValidationValue,
  from: ObjectRef,
  objects: ObjectSet,
): ResolvedBackendTls {
  const trust: TrustBundle[] = [];
  const outdated: CredentialProblem[] = [];
  const problems = (value.caCertificateRefs ?? []).flatMap((ref, index) => {
    const to = objectOf(ref, from.namespace);
    const found = findAuthorities(objects, from, to);
    if (isCredentialProblem(found)) return [{ problem: found, path: ["caCertificateRefs", index] }];
    trust.push(found);
    const old = outdatedCredential(objects, to);
    if (old !== undefined) outdated.push(old);
    return [];
  });
  const unresolved = problems[0]?.problem ?? outdated[0];
  const named = {
    ...(value.hostname === undefined ? {} : { serverName: value.hostname }),
    subjectAltNames: value.subjectAltNames.map(nameOf).filter((name) => name !== undefined),
  };
  if (value.wellKnownCACertificates === SYSTEM) {
    return { tls: { ...named, trust: "system" }, problems, unresolved, refusal: undefined };
  }
  const tls = trust.length === 0 ? TRUST_NOBODY : { ...named, trust };
  const refusal = trust.length > outdated.length ? undefined : nobodyTrusted(value, unresolved);
  return { tls, problems, unresolved, refusal };
}

function nobodyTrusted(
  { wellKnownCACertificates }: BackendValidationValue,
  unresolved: CredentialProblem | undefined,
): ResolvedBackendTls["refusal"] {
  if (wellKnownCACertificates !== undefined) {
    return { reason: "Invalid", message: unknownSet(wellKnownCACertificates).message };
  }
  const message = unresolved?.message ?? "There is no authority to verify with";
  return { reason: "NoValidCACertificate", message };
}

/** What decides how the validation is resolved. */
export function backendTlsInputs(
  value: BackendValidationValue | undefined,
  from: ObjectRef,
  objects: ObjectSet,
): readonly unknown[] {
  return (value?.caCertificateRefs ?? []).flatMap((ref) => {
    return credentialInputs(objects, from, objectOf(ref, from.namespace));
  });
}

/** Undefined where the value that belongs to the type is missing. */
function nameOf({ type, hostname, uri }: z.output<typeof subjectAltName>): SubjectAltName | undefined {
  const value = type === "Hostname" ? hostname : uri;
  return value === undefined ? undefined : { type: type === "Hostname" ? "hostname" : "uri", value };
}

/** What a finding says of a reference that leads nowhere. */
export function unresolvedText({ reason: _, ...text }: CredentialProblem): FindingText {
  return text;
}
