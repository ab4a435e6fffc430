// TLS towards endpoints as vendors' policies ask for it: a Secret's certificate and authorities, names, and no downgrade.
import { z } from "zod";
import type { BackendTls, Certificate, SubjectAltName, TrustBundle } from "../../model/index.ts";
import { objectText } from "../../model/index.ts";
import { authoritiesOfSecret, certificateOf, SECRET } from "../core/secret.ts";
import type { Told } from "../dialect.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import { checked, type FieldProblem, rule } from "../schema/fields.ts";
import type { Reading } from "../schema/read-object.ts";

/**
 * No certificate can be verified with this, so no request is sent: what settings get that ask for TLS in a way that
 * cannot be honoured, because sending the same in the clear would be worse.
 */
export const TRUST_NOBODY: BackendTls = { subjectAltNames: [], trust: [] };

/** What settings get that cannot be read as they stand. */
export const UNREADABLE: Told<BackendTls> = { result: TRUST_NOBODY, findings: [] };

export interface SecretParts {
  readonly certificate: Certificate | undefined;
  readonly authorities: TrustBundle | undefined;
}

/** Undefined where the Secret is not there. */
export function secretParts(objects: ObjectSet, namespace: string, name: string): SecretParts | undefined {
  const secret = objects.get(SECRET, namespace, name);
  if (secret === undefined) return undefined;
  return { certificate: certificateOf(secret), authorities: authoritiesOfSecret(secret) };
}

/** `path` names the Secret in the policy's value. */
export function missingSecret(
  policy: Reading,
  path: FieldPath,
  name: string,
  namespace: string = policy.object.namespace,
): FindingDraft {
  const secret = objectText({ group: "", kind: "Secret", namespace, name });
  const isOwn = namespace === policy.object.namespace;
  return draftFinding("invalid-certificate-reference", policy.object, policy.writtenPath(path), {
    message: `${secret} ${isOwn ? "is not there" : "is not there or not granted"}, so no endpoint is trusted and requests to them fail`,
    expected: isOwn ? "a Secret in the same namespace" : "a Secret that a ReferenceGrant permits to use",
    hint: isOwn ? "correct the name, or add the Secret" : `add a ReferenceGrant in namespace ${namespace}`,
  });
}

/** `spiffe://...` is a URI, anything else a host name. */
export function subjectAltNames(names: readonly string[]): SubjectAltName[] {
  return names.map((value) => ({ type: value.includes("://") ? "uri" : "hostname", value }));
}

/** A version as vendors write it; `open` is what leaves it to the default. */
export function tlsVersion<const Open extends string>(open: Open) {
  return checked(z.enum([open, "1.0", "1.1", "1.2", "1.3"]), (version) => {
    if (version !== "1.0" && version !== "1.1") return undefined;
    return {
      code: "field-approximated",
      severity: "warning",
      message: `TLS ${version} is not spoken: the oldest version is 1.2`,
      expected: '"1.2" or "1.3"',
      hint: 'write "1.2"',
    };
  }).optional();
}

/** No version lies between them, so that every handshake would fail. `field` names the maximum. */
export function crossedVersions(
  minimum: string | undefined,
  maximum: string | undefined,
  field: string,
): FieldProblem[] {
  const [least, most] = [Number(minimum), Number(maximum)];
  // What leaves it to the default is no number.
  if (!(least > most)) return [];
  return [
    rule({
      path: [field],
      message: `no version of TLS is ${minimum} or newer and ${maximum} or older`,
      expected: `at least "${minimum}"`,
      hint: `remove ${field}`,
    }),
  ];
}

/** Versions as `tlsVersion` reads them. */
export function versionBounds(
  minimum: string | undefined,
  maximum: string | undefined,
): Pick<BackendTls, "minimumVersion" | "maximumVersion"> {
  return {
    ...(minimum === "1.3" ? { minimumVersion: "1.3" } : {}),
    ...(maximum === "1.0" || maximum === "1.1" || maximum === "1.2" ? { maximumVersion: "1.2" } : {}),
  };
}
