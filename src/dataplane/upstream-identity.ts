// Whether the certificate of an endpoint names whom we meant to reach (RFC 9525): subject alternative names, never the CN.
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { PeerCertificate } from "node:tls";
import type { BackendTls, SubjectAltName } from "../model/index.ts";

/** A wildcard is the whole leftmost label and stands for one label. */
const STRICT = {
  subject: "never",
  wildcards: true,
  partialWildcards: false,
  multiLabelWildcards: false,
} as const;

/**
 * One of `subjectAltNames` must be in the certificate; where there are none, `serverName` must; without either the
 * chain alone counts, as in Envoy.
 */
export function identityCheck(tls: BackendTls): (certificate: PeerCertificate) => Error | undefined {
  const { serverName } = tls;
  const wanted: readonly SubjectAltName[] =
    tls.subjectAltNames.length > 0 || serverName === undefined
      ? tls.subjectAltNames
      : [{ type: "hostname", value: serverName }];
  if (wanted.length === 0) return () => undefined;
  return ({ raw }) => {
    try {
      const certificate = new X509Certificate(raw);
      if (wanted.some((name) => isNamed(certificate, name))) return undefined;
      const names = wanted.map(({ value }) => value).join(", ");
      return new Error(`the certificate is for ${certificate.subjectAltName ?? "nobody"}, not for ${names}`);
    } catch (cause) {
      // Whoever asks is in the middle of a handshake, and would not catch it.
      return new Error("the certificate cannot be read", { cause });
    }
  };
}

function isNamed(certificate: X509Certificate, { type, value }: SubjectAltName): boolean {
  if (type === "uri") return alternativeNames(certificate).includes(`URI:${value}`);
  if (isIP(value) !== 0) return certificate.checkIP(value) !== undefined;
  // A name that begins with `*.` is wanted as it stands: a certificate for one host below it is not for all of them.
  if (value.startsWith("*.")) {
    const wanted = `dns:${value.toLowerCase()}`;
    return alternativeNames(certificate).some((name) => name.toLowerCase() === wanted);
  }
  return certificate.checkHost(value, STRICT) !== undefined;
}

/** `DNS:a.example`, `URI:spiffe://a`. What holds a comma or a quote comes as a string of JSON, so that none can pose as two. */
function alternativeNames(certificate: X509Certificate): readonly string[] {
  const text = certificate.subjectAltName ?? "";
  const names: string[] = [];
  for (const [, kind, quoted, bare] of text.matchAll(
    /([^:,\s][^:,]*):(?:("(?:[^"\\]|\\.)*")|([^,"]*))(?:, |$)/gy,
  )) {
    names.push(`${kind}:${quoted === undefined ? bare : (JSON.parse(quoted) as string)}`);
  }
  return names;
}
