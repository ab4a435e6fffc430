// The alert that refuses a client before any handshake has begun: RFC 8446 section 6.

/** No listener has the server name (RFC 6066 section 3). */
export const UNRECOGNIZED_NAME = 112;
export const INTERNAL_ERROR = 80;

/** One record, in clear text: so clients take it as the answer to their ClientHello, whatever version they speak. */
export function fatalAlert(description: number): Buffer {
  return Buffer.of(21, 3, 3, 0, 2, 2, description);
}
