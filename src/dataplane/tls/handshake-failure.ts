// Why handshakes fail, in few words that metrics can count.

export const HANDSHAKE_FAILURES = [
  /** No ClientHello, or one that breaks its grammar. */
  "not-tls",
  /** The PROXY header that this peer must send is missing or breaks its grammar. */
  "proxy-header",
  /** No listener of the port has the server name. */
  "unknown-name",
  "timeout",
  "client-closed",
  /** The client speaks neither version that the listener does. */
  "version",
  /** No cipher or group in common. */
  "cipher",
  /** The client offers protocols (ALPN) of which the gateway speaks none. */
  "protocol",
  /** The client's certificate is missing, or cannot be verified. */
  "client-certificate",
  /** The listener's own certificate cannot be used. */
  "configuration",
  "other",
] as const;

export type HandshakeFailure = (typeof HANDSHAKE_FAILURES)[number];

/** What OpenSSL and Node.js call it. */
const BY_CODE: Readonly<Record<string, HandshakeFailure>> = {
  ECONNRESET: "client-closed",
  EPIPE: "client-closed",
  ERR_TLS_HANDSHAKE_TIMEOUT: "timeout",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "version",
  ERR_SSL_VERSION_TOO_LOW: "version",
  ERR_SSL_WRONG_VERSION_NUMBER: "version",
  ERR_SSL_INAPPROPRIATE_FALLBACK: "version",
  ERR_SSL_NO_SHARED_CIPHER: "cipher",
  ERR_SSL_NO_SUITABLE_KEY_SHARE: "cipher",
  ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS: "cipher",
  ERR_SSL_NO_APPLICATION_PROTOCOL: "protocol",
  // Clients have no other RSA signatures to be verified than those of certificates.
  ERR_SSL_INVALID_PADDING: "client-certificate",
  ERR_SSL_BAD_SIGNATURE: "client-certificate",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "client-certificate",
};

export function handshakeFailure(error: NodeJS.ErrnoException): HandshakeFailure {
  return BY_CODE[error.code ?? ""] ?? "other";
}
