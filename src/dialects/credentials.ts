// Follows references to certificates and authorities, wherever a kind of any dialect has them.
import { type Certificate, type ObjectRef, objectText, type TrustBundle } from "../model/index.ts";
import { authoritiesOfConfigMap, CONFIG_MAP } from "./core/config-map.ts";
import { AUTHORITIES_KEY, authoritiesOfSecret, certificateOf, SECRET } from "./core/secret.ts";
import type { FindingText } from "./findings.ts";
import { grantHint, isReferencePermitted, REFERENCE_GRANT } from "./gateway-api/reference-grant.ts";
import type { ObjectSet } from "./object-set.ts";
import type { Kind } from "./schema/kind.ts";
import type { Reading } from "./schema/read-object.ts";

export interface CredentialProblem extends FindingText {
  /** `Unusable`: the object is there and holds nothing that can be used. */
  readonly reason: "InvalidKind" | "NotFound" | "RefNotPermitted" | "Unusable";
}

/** The object that holds the reference. */
type From = Pick<ObjectRef, "group" | "kind" | "namespace">;

const KINDS: readonly Kind[] = [CONFIG_MAP as Kind, SECRET as Kind];

/** The certificate in a Secret of type kubernetes.io/tls. */
export function findCertificate(
  objects: ObjectSet,
  from: From,
  to: ObjectRef,
): Certificate | CredentialProblem {
  const secret = follow(objects, from, to, [SECRET as Kind]);
  if ("reason" in secret) return secret;
  return (
    certificateOf(secret as Parameters<typeof certificateOf>[0]) ?? {
      reason: "Unusable",
      message: `${objectText(to)} holds no certificate that can be used`,
      expected: "a Secret of type kubernetes.io/tls with tls.crt and tls.key",
      hint: "see the findings about the Secret, or write type: kubernetes.io/tls there",
    }
  );
}

/** The authorities in a ConfigMap, or in a Secret, under ca.crt. */
export function findAuthorities(
  objects: ObjectSet,
  from: From,
  to: ObjectRef,
): TrustBundle | CredentialProblem {
  const holder = follow(objects, from, to, KINDS);
  if ("reason" in holder) return holder;
  const bundle =
    to.kind === CONFIG_MAP.kind
      ? authoritiesOfConfigMap(holder as Parameters<typeof authoritiesOfConfigMap>[0])
      : authoritiesOfSecret(holder as Parameters<typeof authoritiesOfSecret>[0]);
  return (
    bundle ?? {
      reason: "Unusable",
      message: `${objectText(to)} holds no authorities that can be used`,
      expected: `certificates as PEM under the key ${AUTHORITIES_KEY}`,
      hint: `put the authority's certificate under ${AUTHORITIES_KEY}`,
    }
  );
}

/**
 * What conditions say of a reference that leads to an object in error: its last good form is served, as its finding
 * tells, and yet what stands there now is not what is in force.
 */
export function outdatedCredential(objects: ObjectSet, to: ObjectRef): CredentialProblem | undefined {
  const kind = kindOf(to, KINDS);
  const holder = kind === undefined ? undefined : objects.get(kind, to.namespace, to.name);
  if (holder?.isOutdated !== true) return undefined;
  return {
    reason: "Unusable",
    message: `${objectText(to)} is in error, so its last good form goes on being served`,
    expected: "an object without errors",
    hint: "see the findings about it",
  };
}

/** What decides where a reference leads: while these are the same, so is the answer. */
export function credentialInputs(objects: ObjectSet, from: From, to: ObjectRef): readonly unknown[] {
  const kind = kindOf(to, KINDS);
  const holder = kind === undefined ? undefined : objects.get(kind, to.namespace, to.name);
  return from.namespace === to.namespace ? [holder] : [holder, objects.all(REFERENCE_GRANT)];
}

export function isCredentialProblem(
  found: Certificate | TrustBundle | CredentialProblem,
): found is CredentialProblem {
  return "reason" in found;
}

function follow(
  objects: ObjectSet,
  from: From,
  to: ObjectRef,
  kinds: readonly Kind[],
): Reading | CredentialProblem {
  const names = kinds.map((kind) => kind.kind).join(" or ");
  const kind = kindOf(to, kinds);
  if (kind === undefined) {
    return {
      reason: "InvalidKind",
      message: `${to.kind} of group ${JSON.stringify(to.group)} is no kind that is read here`,
      expected: `a ${names}`,
      hint: `write group: "" and kind: ${kinds[0]?.kind}`,
    };
  }
  if (!isReferencePermitted(objects.all(REFERENCE_GRANT), from, to)) {
    return {
      reason: "RefNotPermitted",
      message: `no ReferenceGrant in namespace ${to.namespace} permits the reference to ${objectText(to)}`,
      expected: `a ReferenceGrant in namespace ${to.namespace}`,
      hint: grantHint(from, to),
    };
  }
  return (
    objects.get(kind, to.namespace, to.name) ?? {
      reason: "NotFound",
      message: `${objectText(to)} is not there`,
      expected: `a ${kind.kind} that is part of the configuration`,
      hint: "correct name and namespace, or add the object",
    }
  );
}

function kindOf(to: ObjectRef, kinds: readonly Kind[]): Kind | undefined {
  return kinds.find(({ group, kind }) => group === to.group && kind === to.kind);
}
