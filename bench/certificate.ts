// Makes the certificate of a measurement with openssl, as an operator would.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsFiles } from "./peer.ts";

/** `ecdsa`: P-256, what one would take today; `rsa`: 8,192 bits, where the server does nearly all the work. */
export type CertificateKind = "ecdsa" | "rsa";

const KEY: Record<CertificateKind, readonly string[]> = {
  ecdsa: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
  rsa: ["-newkey", "rsa:8192"],
};

/** For 127.0.0.1, signed by itself. */
export function makeCertificate(kind: CertificateKind, folder: string): TlsFiles {
  const [certificate, privateKey, both] = ["tls.crt", "tls.key", "tls.pem"].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const subject = ["-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  const files = ["-keyout", privateKey, "-out", certificate, "-days", "30"];
  execFileSync("openssl", ["req", "-x509", "-nodes", ...KEY[kind], ...subject, ...files], {
    stdio: "ignore",
  });
  writeFileSync(both, readFileSync(certificate, "latin1") + readFileSync(privateKey, "latin1"));
  return { certificate, privateKey, both };
}
