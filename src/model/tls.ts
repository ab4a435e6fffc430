// Certificates and whom to trust: TLS towards clients and towards endpoints, as plain data.

/** A certificate with its key. */
export interface Certificate {
  /** `Secret/default/shop-cert`: for logs and metrics. */
  readonly id: string;
  /** PEM, the leaf first. */
  readonly chain: string;
  /** PEM. Never shown: whatever prints a snapshot leaves out fields of this name. */
  readonly privateKey: string;
}

/** Authorities that are trusted. */
export interface TrustBundle {
  /** `ConfigMap/default/ca`. */
  readonly id: string;
  /** PEM, one certificate or more. */
  readonly certificates: string;
}

export type TlsVersion = "1.2" | "1.3";

/** Which certificates clients must show (Gateway API `tls.frontend.validation`). */
export interface ClientValidation {
  /** `allowInsecureFallback`: a client without a certificate, or with one that cannot be verified, is served too. */
  readonly mode: "require" | "allowInsecureFallback";
  /** Empty: the authorities could not be read, so that no certificate can be verified. */
  readonly trust: readonly TrustBundle[];
}

/** How a listener speaks TLS. */
export interface ListenerTls {
  /** In order of preference among those that have a name for the server name; never empty. */
  readonly certificates: readonly Certificate[];
  readonly clientValidation?: ClientValidation;
  /** Undefined: 1.2. */
  readonly minimumVersion?: TlsVersion;
  /** Undefined: 1.3. */
  readonly maximumVersion?: TlsVersion;
  /** What is spoken inside is not for the listener to say, so that it leaves ALPN alone; undefined: HTTP/1.1. */
  readonly anyProtocol?: true;
}

/** A name that the certificate of an endpoint may have. */
export interface SubjectAltName {
  readonly type: "hostname" | "uri";
  readonly value: string;
}

/** How endpoints of a backend are spoken to over TLS (Gateway API `BackendTLSPolicy`, Istio `ClientTLSSettings`). */
export interface BackendTls {
  /** Sent as SNI, and verified unless `subjectAltNames` has names; undefined: no SNI is sent. */
  readonly serverName?: string;
  /** One of them must be in the certificate; empty: `serverName` must. */
  readonly subjectAltNames: readonly SubjectAltName[];
  /** `system`: the authorities that Node.js ships; `none`: the certificate is not verified at all. */
  readonly trust: "system" | "none" | readonly TrustBundle[];
  /** Wins over the one that the listener brings (`Listener.backendCertificate`). */
  readonly clientCertificate?: Certificate;
  readonly minimumVersion?: TlsVersion;
  readonly maximumVersion?: TlsVersion;
}
