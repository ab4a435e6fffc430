// PEM texts of certificates, keys and authorities: whether the TLS library can use them, and what stands in them.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { FindingText } from "../findings.ts";

/** What is wrong, and with which of the two texts. Neither text is ever quoted. */
export interface PairProblem extends FindingText {
  readonly part: "chain" | "privateKey";
}

/** Wall clock, milliseconds; both ends belong to it. */
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const PRIVATE_KEY =
  /-----BEGIN (?:RSA |EC |ENCRYPTED )?PRIVATE KEY-----[^-]*(?:-[^-]+)*?-----END (?:RSA |EC |ENCRYPTED )?PRIVATE KEY-----/;

/** Shorter RSA keys are refused by OpenSSL at the security level that Node.js has by default. */
const MIN_RSA_BITS = 2048;

/** The certificates of a text and nothing else of it: people put comments there, and keys that must not travel along. */
export function certificatesIn(text: string): readonly string[] {
  return text.match(CERTIFICATE) ?? [];
}

/** Undefined where there is none. */
export function privateKeyIn(text: string): string | undefined {
  return text.match(PRIVATE_KEY)?.[0];
}

/** A PEM text of several certificates as this project writes it. */
export function joinedPem(parts: readonly string[]): string {
  return parts.map((part) => `${part}\n`).join("");
}

/** Whether a server, or a client, can show this chain with this key; the leaf comes first. */
export function pairProblem(chainText: string, keyText: string): PairProblem | undefined {
  const chain = certificatesIn(chainText);
  const leaves = parsedCertificates(chain);
  if ("message" in leaves) return { part: "chain", ...leaves };
  const key = parsedKey(keyText);
  if ("message" in key) return { part: "privateKey", ...key };
  const [leaf] = leaves;
  if (leaf?.checkPrivateKey(key) !== true) {
    const owner = leaves.findIndex((one) => one.checkPrivateKey(key));
    return owner < 0
      ? {
          part: "privateKey",
          message: "the key is not that of the certificate",
          expected: "the key that the certificate was issued for",
          hint: "take key and certificate from the same issue",
        }
      : {
          part: "chain",
          message: `the key is that of certificate ${owner + 1} of the chain, not of the first`,
          expected: "the certificate of the key first, then those that issued it",
          hint: `put certificate ${owner + 1} first`,
        };
  }
  return weakness(key) ?? refusal(chain, keyText);
}

/** Whether these are authorities that a certificate can be verified with. */
export function authoritiesProblem(text: string): FindingText | undefined {
  const parsed = parsedCertificates(certificatesIn(text));
  return "message" in parsed ? parsed : undefined;
}

/** That of the first certificate; undefined where it cannot be read. */
export function validityOf(text: string): Validity | undefined {
  const leaf = firstCertificate(text);
  if (leaf === undefined) return undefined;
  return { notBeforeMs: leaf.validFromDate.getTime(), notAfterMs: leaf.validToDate.getTime() };
}

/** Whether the first certificate is one for this host; a wildcard asks for any name under it. */
export function coversHostname(text: string, hostname: string): boolean {
  const name = hostname.startsWith("*.") ? `any${hostname.slice(1)}` : hostname;
  return firstCertificate(text)?.checkHost(name) !== undefined;
}

function firstCertificate(text: string): X509Certificate | undefined {
  const parsed = parsedCertificates(certificatesIn(text).slice(0, 1));
  return "message" in parsed ? undefined : parsed[0];
}

function parsedCertificates(parts: readonly string[]): readonly X509Certificate[] | FindingText {
  if (parts.length === 0) {
    return {
      message: "there is no certificate in the text",
      expected: "certificates as PEM: -----BEGIN CERTIFICATE----- and so on",
      hint: "put the certificate there as PEM, not as DER or PKCS#12",
    };
  }
  const parsed: X509Certificate[] = [];
  for (const part of parts) {
    try {
      parsed.push(new X509Certificate(part));
    } catch {
      return {
        message: `certificate ${parsed.length + 1} of ${parts.length} cannot be read`,
        expected: "X.509 certificates as PEM",
        hint: "copy the certificate again, all lines of it",
      };
    }
  }
  return parsed;
}

function parsedKey(text: string): KeyObject | FindingText {
  const expected = "a private key as PEM: -----BEGIN PRIVATE KEY----- and so on";
  const part = privateKeyIn(text);
  if (part === undefined) {
    return { message: "there is no private key in the text", expected, hint: "put the key there as PEM" };
  }
  try {
    return createPrivateKey(part);
  } catch {
    return /ENCRYPTED/.test(part)
      ? {
          message: "the private key is encrypted",
          expected: "a private key without passphrase",
          hint: "decrypt it, for example with openssl pkey -in tls.key",
        }
      : { message: "the private key cannot be read", expected, hint: "copy the key again, all lines of it" };
  }
}

function weakness(key: KeyObject): PairProblem | undefined {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits === undefined || bits >= MIN_RSA_BITS) return undefined;
  return {
    part: "privateKey",
    message: `the key has ${bits} bits, which is too weak`,
    expected: `an RSA key of at least ${MIN_RSA_BITS} bits, or one on the curve P-256`,
    hint: "issue the certificate anew for a stronger key",
  };
}

/** What the TLS library itself objects to: curves, signatures with SHA-1, and whatever its next version finds. */
function refusal(chain: readonly string[], keyText: string): PairProblem | undefined {
  try {
    // Without authorities of its own a context would read those of the system.
    createSecureContext({ cert: joinedPem(chain), key: privateKeyIn(keyText), ca: [] });
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    return {
      part: "chain",
      message: `the TLS library refuses the certificate (${code})`,
      expected: "keys and signatures of today's strength",
      hint: "issue the certificate anew, signed with SHA-256",
    };
  }
}
