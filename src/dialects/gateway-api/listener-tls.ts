// TLS of a listener: its fields, and the certificates that it shows.
import { z } from "zod";
import type { Certificate, ListenerTls, ObjectRef } from "../../model/index.ts";
import { coversHostname } from "../core/pem.ts";
import { findCertificate, isCredentialProblem, outdatedCredential } from "../credentials.ts";
import type { ObjectSet } from "../object-set.ts";
import { checked, type FieldProblem } from "../schema/fields.ts";
import { objectOf, secretRef } from "./certificate-ref.ts";
import {
  authoritiesReason,
  clientValidation,
  type PlacedValidation,
  resolveValidation,
} from "./gateway-tls.ts";
import type { ListenerRefusal, ListenerRemark } from "./listener-remark.ts";
import { tlsOptions, versionsOf } from "./tls-options.ts";

export const listenerTlsSchema = checked(
  z.strictObject({
    mode: z.enum(["Terminate", "Passthrough"]).default("Terminate"),
    certificateRefs: z.array(secretRef).max(64).default([]),
    options: tlsOptions,
    /** Experimental until Gateway API 1.3; since then the Gateway has it. */
    frontendValidation: clientValidation.optional(),
  }),
  ({ frontendValidation }): FieldProblem | undefined => {
    if (frontendValidation === undefined) return undefined;
    return {
      code: "deprecated-shape",
      severity: "info",
      path: ["frontendValidation"],
      message: "validation of clients stands in the Gateway since Gateway API 1.4",
      expected: "spec.tls.frontend",
      hint: "move it to spec.tls.frontend.perPort of the Gateway, under the port of the listener",
    };
  },
);

export type ListenerTlsValue = z.output<typeof listenerTlsSchema>;

export interface CompiledTls {
  readonly tls: ListenerTls | undefined;
  readonly refusal: ListenerRefusal | undefined;
  /** First of the references that lead nowhere, as the condition ResolvedRefs says it. */
  readonly unresolved: { readonly reason: string; readonly message: string } | undefined;
  readonly remarks: readonly ListenerRemark[];
}

/** A listener, as far as it matters here. */
interface TlsSection {
  readonly protocol: string;
  readonly tls?: ListenerTlsValue | undefined;
  readonly hostname?: string | undefined;
}

/** Whose references are followed: the listener's are its owner's, a Gateway or a ListenerSet. */
interface Referrers {
  readonly owner: ObjectRef;
  readonly gateway: ObjectRef;
}

/**
 * A listener goes on with those of its certificates, and of the authorities of its clients, that can be used; without
 * any it is not opened. `validation`: what the Gateway says for its port.
 */
export function compileTls(
  { protocol, tls: value, hostname }: TlsSection,
  validation: PlacedValidation | undefined,
  { owner, gateway }: Referrers,
  objects: ObjectSet,
): CompiledTls {
  const remarks: ListenerRemark[] = [];
  const { certificates, unresolved } = findCertificates(value, owner, objects, remarks);
  const own = ownValidation(value);
  const clients =
    own === undefined
      ? findClients(validation, gateway, objects, [])
      : findClients(own, owner, objects, remarks);
  const told = unresolved ?? clients.unresolved;
  if (clients.refused) {
    const message = "none of the authorities that clients are verified with can be used";
    const refusal = { type: "Accepted", reason: "NoValidCACertificate", message } as const;
    return { tls: undefined, refusal, unresolved: told, remarks };
  }
  const [first, ...others] = certificates;
  if (first === undefined) {
    const message = "it has no certificate that can be used";
    const refusal = { type: "Programmed", reason: "Invalid", message } as const;
    return { tls: undefined, refusal, unresolved: told, remarks };
  }
  if (hostname !== undefined && !certificates.some(({ chain }) => coversHostname(chain, hostname))) {
    remarks.push({
      code: "certificate-of-another-host",
      path: ["tls", "certificateRefs"],
      message: `no certificate of the listener is for ${hostname}`,
      expected: `a certificate with the name ${hostname}`,
      hint: "name the Secret with that certificate, or correct the hostname of the listener",
    });
  }
  const tls: ListenerTls = {
    certificates: [first, ...others],
    ...(clients.validation === undefined ? {} : { clientValidation: clients.validation }),
    ...versionsOf(value?.options ?? {}),
    ...(protocol === "TLS" ? { anyProtocol: true } : {}),
  };
  return { tls, refusal: undefined, unresolved: told, remarks };
}

function findCertificates(
  value: ListenerTlsValue | undefined,
  owner: ObjectRef,
  objects: ObjectSet,
  remarks: ListenerRemark[],
) {
  const certificates: Certificate[] = [];
  let unresolved: CompiledTls["unresolved"];
  const refs = value?.certificateRefs ?? [];
  if (refs.length === 0) {
    unresolved = { reason: "InvalidCertificateRef", message: "There are no certificateRefs" };
    remarks.push({
      code: "invalid-certificate-reference",
      path: value === undefined ? [] : ["tls"],
      message: "a listener that ends TLS needs a certificate",
      expected: "tls.certificateRefs",
      hint: "add tls: {certificateRefs: [{name: my-certificate}]}",
    });
  }
  for (const [index, ref] of refs.entries()) {
    const to = objectOf(ref, owner.namespace);
    const found = findCertificate(objects, owner, to);
    if (isCredentialProblem(found)) {
      const { reason: why, ...text } = found;
      const reason = why === "RefNotPermitted" ? why : "InvalidCertificateRef";
      unresolved ??= { reason, message: text.message };
      remarks.push({
        code: "invalid-certificate-reference",
        path: ["tls", "certificateRefs", index],
        ...text,
      });
      continue;
    }
    const old = outdatedCredential(objects, to);
    if (old !== undefined) unresolved ??= { reason: "InvalidCertificateRef", message: old.message };
    if (!certificates.some(({ id }) => id === found.id)) certificates.push(found);
  }
  return { certificates, unresolved };
}

/** Where it stands in the listener, as Gateway API up to 1.3 had it, it goes before what the Gateway says. */
function ownValidation(tls: ListenerTlsValue | undefined): PlacedValidation | undefined {
  const value = tls?.frontendValidation;
  return value === undefined ? undefined : { value, path: ["tls", "frontendValidation"] };
}

/** What is wrong with the Gateway's references is told once, about the Gateway: then `remarks` are not looked at. */
function findClients(
  placed: PlacedValidation | undefined,
  from: ObjectRef,
  objects: ObjectSet,
  remarks: ListenerRemark[],
) {
  if (placed === undefined) return { validation: undefined, unresolved: undefined, refused: false };
  const { validation, problems, unresolved } = resolveValidation(placed, from, objects);
  for (const { problem, path } of problems) {
    const { reason: _, ...text } = problem;
    remarks.push({ code: "invalid-certificate-reference", path, ...text });
  }
  return {
    validation,
    unresolved:
      unresolved === undefined
        ? undefined
        : { reason: authoritiesReason(unresolved), message: unresolved.message },
    refused: validation === undefined,
  };
}
