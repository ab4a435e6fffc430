// A TLS client that writes text as it is and reads what comes back, and says how the handshake ended.
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";

export interface TlsAnswer {
  /** Everything received, latin1. */
  readonly text: string;
  /** Error of the handshake or of the connection; undefined: it closed in good order. */
  readonly error: string | undefined;
  readonly version: string | null;
  readonly resumed: boolean;
  /** Common name of the certificate that was shown. */
  readonly shown: string | undefined;
  /** The latest session, for `session` of the next connection. */
  readonly session: Buffer | undefined;
}

/** What every client of these tests has: it verifies nothing, since servers use certificates made up by the test. */
const TRUSTING: ConnectionOptions = { host: "127.0.0.1", rejectUnauthorized: false };

export function tlsConnect(port: number, options: ConnectionOptions = {}): TLSSocket {
  const socket = connect({ ...TRUSTING, port, ...options });
  onTestFinished(() => {
    socket.destroy();
  });
  return socket;
}

export const GET = "GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n";

/** Connects, sends the text once the handshake is done, and reads until the other side closes. */
export function tlsExchange(port: number, options: ConnectionOptions = {}, text = GET): Promise<TlsAnswer> {
  return new Promise((resolve) => {
    const socket = tlsConnect(port, options);
    let received = "";
    let error: string | undefined;
    let session: Buffer | undefined;
    const seen: { version: string | null; resumed: boolean; shown: string | undefined } = {
      version: null,
      resumed: false,
      shown: undefined,
    };
    socket.setEncoding("latin1");
    socket.on("secureConnect", () => {
      seen.version = socket.getProtocol();
      seen.resumed = socket.isSessionReused();
      const name = socket.getPeerCertificate().subject?.CN;
      seen.shown = Array.isArray(name) ? name[0] : name;
      socket.write(text);
    });
    socket.on("session", (one) => {
      session = one;
    });
    socket.on("data", (chunk: string) => {
      received += chunk;
    });
    socket.on("error", (one: NodeJS.ErrnoException) => {
      error = one.code ?? one.message;
    });
    socket.on("close", () => resolve({ text: received, error, session, ...seen }));
  });
}
