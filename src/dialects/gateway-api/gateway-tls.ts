// TLS of a whole Gateway: which certificates clients must show, and the one that is shown to endpoints (GEP-91, GEP-3155).
import { z } from "zod";
import type { ClientValidation, ObjectRef, TrustBundle } from "../../model/index.ts";
import {
  type CredentialProblem,
  findAuthorities,
  isCredentialProblem,
  outdatedCredential,
} from "../credentials.ts";
import type { FieldPath } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import { checked, type FieldProblem, portNumber, rule } from "../schema/fields.ts";
import { objectOf, objectRef, secretRef } from "./certificate-ref.ts";

export const clientValidation = z.strictObject({
  caCertificateRefs: z.array(objectRef).min(1).max(16),
  mode: z.enum(["AllowValidOnly", "AllowInsecureFallback"]).default("AllowValidOnly"),
});

const settings = z.strictObject({ validation: clientValidation.optional() });

const perPort = checked(
  z.array(z.strictObject({ port: portNumber, tls: settings })).max(64),
  (entries): FieldProblem[] => {
    const repeated = entries.filter(({ port }, index) =>
      entries.slice(0, index).some((earlier) => earlier.port === port),
    );
    return repeated.map((entry) =>
      rule({
        path: [entries.indexOf(entry), "port"],
        message: `the port ${entry.port} has settings already`,
        expected: "one entry for each port",
        hint: "remove one of the two",
      }),
    );
  },
).default([]);

export const gatewayTlsSchema = z.strictObject({
  frontend: z.strictObject({ default: settings, perPort }).optional(),
  backend: z.strictObject({ clientCertificateRef: secretRef.optional() }).optional(),
});

export type GatewayTlsValue = z.output<typeof gatewayTlsSchema>;
export type ClientValidationValue = z.output<typeof clientValidation>;

/** Validation settings, with their path in the Gateway. */
export interface PlacedValidation {
  readonly value: ClientValidationValue;
  readonly path: FieldPath;
}

/** All of them, whether a listener has the port or not. */
export function validationsOf(tls: GatewayTlsValue | undefined): readonly PlacedValidation[] {
  const { frontend } = tls ?? {};
  if (frontend === undefined) return [];
  const at = ["spec", "tls", "frontend"];
  const all = [
    { settings: frontend.default, path: [...at, "default"] },
    ...frontend.perPort.map((entry, index) => ({
      settings: entry.tls,
      path: [...at, "perPort", index, "tls"],
    })),
  ];
  return all.flatMap(({ settings: { validation }, path }) => {
    return validation === undefined ? [] : [{ value: validation, path: [...path, "validation"] }];
  });
}

/** An entry for the port stands in for the default, even where it asks for no certificate. */
export function validationOf(tls: GatewayTlsValue | undefined, port: number): PlacedValidation | undefined {
  const index = tls?.frontend?.perPort.findIndex((entry) => entry.port === port) ?? -1;
  const place = index < 0 ? ["default"] : ["perPort", index, "tls"];
  const path = ["spec", "tls", "frontend", ...place, "validation"];
  return validationsOf(tls).find((one) => one.path.join() === path.join());
}

export interface ResolvedValidation {
  /** Undefined where none of the authorities can be used: nobody may come in. */
  readonly validation: ClientValidation | undefined;
  readonly problems: readonly { readonly problem: CredentialProblem; readonly path: FieldPath }[];
  /** First of the references that lead nowhere, or to a last good form only. */
  readonly unresolved: CredentialProblem | undefined;
}

export function resolveValidation(
  { value, path }: PlacedValidation,
  gateway: ObjectRef,
  objects: ObjectSet,
): ResolvedValidation {
  const trust: TrustBundle[] = [];
  let outdated: CredentialProblem | undefined;
  const problems = value.caCertificateRefs.flatMap((ref, index) => {
    const to = objectOf(ref, gateway.namespace);
    const found = findAuthorities(objects, gateway, to);
    if (isCredentialProblem(found)) {
      return [{ problem: found, path: [...path, "caCertificateRefs", index] }];
    }
    trust.push(found);
    outdated ??= outdatedCredential(objects, to);
    return [];
  });
  const mode = value.mode === "AllowValidOnly" ? "require" : "allowInsecureFallback";
  const validation: ClientValidation | undefined = trust.length === 0 ? undefined : { mode, trust };
  return { validation, problems, unresolved: problems[0]?.problem ?? outdated };
}

/** The reason that the condition ResolvedRefs of a listener gives. */
export function authoritiesReason({ reason }: CredentialProblem): string {
  switch (reason) {
    case "RefNotPermitted":
      return "RefNotPermitted";
    case "InvalidKind":
      return "InvalidCACertificateKind";
    case "NotFound":
    case "Unusable":
      return "InvalidCACertificateRef";
  }
}
