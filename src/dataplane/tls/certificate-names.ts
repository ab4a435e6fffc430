// Which hosts a certificate is for, made ready to be asked with every request and every handshake.
import { X509Certificate } from "node:crypto";
import type { Certificate } from "../../model/index.ts";

/** exact: the certificate has the name itself; wildcard: `*.` in place of its first label (RFC 9525 section 6.3). */
export type NameMatch = "exact" | "wildcard";

export class CertificateNames {
  /** `ec`, `rsa`, `ed25519`, ...: a handshake can choose among certificates of different kinds. */
  readonly keyType: string;
  readonly #exact = new Set<string>();
  /** `.example` for `*.example`. */
  readonly #suffixes = new Set<string>();

  /** Throws if the leaf cannot be read. */
  constructor({ chain }: Pick<Certificate, "chain">) {
    const leaf = new X509Certificate(chain);
    this.keyType = leaf.publicKey.asymmetricKeyType ?? "unknown";
    for (const name of namesOf(leaf)) {
      if (name.startsWith("*.")) this.#suffixes.add(name.slice(1));
      else this.#exact.add(name);
    }
  }

  /** `host`: lower case, without a port and without a dot at its end. */
  match(host: string): NameMatch | undefined {
    if (this.#exact.has(host)) return "exact";
    const dot = host.indexOf(".");
    return dot > 0 && this.#suffixes.has(host.slice(dot)) ? "wildcard" : undefined;
  }
}

/** The subject's common name counts only where there is no DNS name, as in `X509Certificate.checkHost`. */
function namesOf(leaf: X509Certificate): string[] {
  const alternatives = leaf.subjectAltName?.split(", ") ?? [];
  const names = valuesOf(alternatives, "DNS:");
  const addresses = valuesOf(alternatives, "IP Address:");
  if (names.length > 0) return [...names, ...addresses];
  return [...valuesOf(leaf.subject?.split("\n") ?? [], "CN="), ...addresses];
}

function valuesOf(entries: readonly string[], kind: string): string[] {
  return entries
    .filter((entry) => entry.startsWith(kind))
    .map((entry) => entry.slice(kind.length).toLowerCase());
}
