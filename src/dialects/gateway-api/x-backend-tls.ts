// TLS of an XBackend: its fields, and how its endpoints are spoken to.
import { z } from "zod";
import type { BackendTls } from "../../model/index.ts";
import { credentialInputs, findCertificate, isCredentialProblem } from "../credentials.ts";
import type { Told } from "../dialect.ts";
import { draftFinding, type FieldPath, type FindingDraft, type FindingText } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import { TRUST_NOBODY } from "../policies/upstream-tls.ts";
import { checked, rule } from "../schema/fields.ts";
import type { Reading } from "../schema/read-object.ts";
import { backendTlsInputs, backendValidation, resolveBackendTls, unresolvedText } from "./backend-tls.ts";
import { objectOf, secretRef } from "./certificate-ref.ts";

export const xBackendTls = checked(
  z.strictObject({
    mode: z.enum(["None", "ServerOnly", "ClientAndServer"]).default("None"),
    clientCertificateRef: secretRef.optional(),
    validation: backendValidation.optional(),
  }),
  ({ mode, clientCertificateRef }) => {
    const wanted = mode === "ClientAndServer";
    if (wanted === (clientCertificateRef !== undefined)) return undefined;
    return wanted
      ? rule({
          absent: ["clientCertificateRef"],
          message: "the mode ClientAndServer needs a certificate to show",
          expected: "clientCertificateRef",
          hint: "add clientCertificateRef: {name: my-certificate}, or write mode: ServerOnly",
        })
      : rule({
          path: ["clientCertificateRef"],
          message: `with the mode ${mode} no certificate is shown`,
          expected: "mode: ClientAndServer",
          hint: "write mode: ClientAndServer, or remove clientCertificateRef",
        });
  },
);

type TlsReading = Reading<{
  readonly spec: {
    readonly tls: z.output<typeof xBackendTls>;
    readonly externalHostname?: { readonly hostname: string } | undefined;
  };
}>;

const AT = ["spec", "tls"];

/** Undefined: plain connections, because nothing else was asked for. */
export function compileXBackendTls(reading: TlsReading, objects: ObjectSet): Told<BackendTls | undefined> {
  const { object, value } = reading;
  const { mode, clientCertificateRef, validation } = value.spec.tls;
  const findings: FindingDraft[] = [];
  const tell = (path: FieldPath, text: FindingText) => {
    const at = reading.writtenPath([...AT, ...path]);
    findings.push(draftFinding("invalid-certificate-reference", object, at, text));
  };
  if (reading.hasErrorAt(AT)) return { result: TRUST_NOBODY, findings };
  if (mode === "None") return { result: undefined, findings };
  const { tls, problems } =
    validation === undefined
      ? { tls: byName(value.spec), problems: [] }
      : resolveBackendTls(validation, object, objects);
  for (const { problem, path } of problems) tell(["validation", ...path], unresolvedText(problem));
  if (tls === undefined) {
    tell([], {
      message: "nothing says how the Pods are verified, so none is trusted and requests to them fail",
      expected: "tls.validation",
      hint: "add validation: {hostname: app.example.com, caCertificateRefs: [...]}",
    });
    return { result: TRUST_NOBODY, findings };
  }
  if (clientCertificateRef === undefined) return { result: tls, findings };
  const found = findCertificate(objects, object, objectOf(clientCertificateRef, object.namespace));
  if (!isCredentialProblem(found)) return { result: { ...tls, clientCertificate: found }, findings };
  tell(["clientCertificateRef"], unresolvedText(found));
  return { result: TRUST_NOBODY, findings };
}

/** A host on the internet is verified as browsers do, where nothing else is said. */
function byName({ externalHostname }: TlsReading["value"]["spec"]): BackendTls | undefined {
  if (externalHostname === undefined) return undefined;
  return { serverName: externalHostname.hostname, subjectAltNames: [], trust: "system" };
}

/** What decides how the endpoints are spoken to, beside the XBackend itself. */
export function xBackendTlsInputs({ object, value }: TlsReading, objects: ObjectSet): readonly unknown[] {
  const { clientCertificateRef: client, validation } = value.spec.tls;
  return [
    ...backendTlsInputs(validation, object, objects),
    ...(client === undefined ? [] : credentialInputs(objects, object, objectOf(client, object.namespace))),
  ];
}
