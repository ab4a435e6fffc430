// Runs handshakes with one certificate (or one of each kind of key), one minimum version and one demand on clients.
import { constants } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { ClientValidation, ListenerTls } from "../../model/index.ts";
import { type HandshakeFailure, handshakeFailure } from "./handshake-failure.ts";

/** Told once how the handshake went. */
export interface HandshakeOwner {
  onSecured(socket: TLSSocket): void;
  /** The socket is closed. */
  onHandshakeFailed(reason: HandshakeFailure, cause: Error): void;
}

export interface SecureServerOptions {
  /** Of its certificates only `certificates` are shown. */
  readonly tls: ListenerTls;
  readonly certificates: ListenerTls["certificates"];
  /** At most 32 characters: only sessions of the same purpose are resumed. */
  readonly purpose: string;
  /** 48 bytes; undefined: tickets are good for this context alone. */
  readonly ticketKeys: Buffer | undefined;
}

/** Mozilla's "intermediate" list 5.7, as far as Node.js serves it without parameters for DHE; TLS 1.3 has its own. */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/** How long a ticket is good for: that of Envoy. */
const SESSION_TIMEOUT_SEC = 7_200;

const OWNER = Symbol("handshake");

interface OwnedSocket extends Socket {
  [OWNER]?: HandshakeOwner | undefined;
}

/**
 * A `tls.Server` that never listens: sockets are handed to its `connection` event, which is documented for that. It is
 * Node's own judgement of client certificates that counts here, with what Node learns about it over time.
 */
export class SecureServer {
  readonly #server: Server;

  /** Throws if the certificates and keys cannot be used. */
  constructor({ tls, certificates, purpose, ticketKeys }: SecureServerOptions) {
    const { clientValidation } = tls;
    this.#server = createServer({
      cert: certificates.map(({ chain }) => chain),
      key: certificates.map(({ privateKey }) => privateKey),
      minVersion: `TLSv${tls.minimumVersion ?? "1.2"}`,
      maxVersion: `TLSv${tls.maximumVersion ?? "1.3"}`,
      ciphers: CIPHERS,
      // Whoever has no AES in hardware knows it best.
      honorCipherOrder: false,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      // Without a list of its own a server says nothing of what the client offers.
      ...(tls.anyProtocol === true ? {} : { ALPNProtocols: ["http/1.1"] }),
      sessionTimeout: SESSION_TIMEOUT_SEC,
      sessionIdContext: purpose,
      ...(ticketKeys === undefined ? {} : { ticketKeys }),
      requestCert: clientValidation !== undefined,
      rejectUnauthorized: clientValidation?.mode === "require",
      // Without a list, Node.js would take every public authority for one that vouches for clients.
      ...(clientValidation === undefined ? {} : { ca: authoritiesOf(clientValidation) }),
    });
    this.#server.on("secureConnection", onSecured);
    this.#server.on("tlsClientError", onFailed);
  }

  /**
   * @param socket nothing reads from it any more
   * @param hello what has been read from it
   */
  begin(socket: Socket, hello: Buffer, owner: HandshakeOwner): void {
    (socket as OwnedSocket)[OWNER] = owner;
    // Node.js takes this over for the handshake: a client that ends its side in the middle of one waits for nothing.
    socket.allowHalfOpen = false;
    socket.removeAllListeners("data");
    socket.unshift(hello);
    this.#server.emit("connection", socket);
  }
}

/**
 * None where anybody is served: nothing depends on the verdict then, and an RSA signature that does not verify would
 * leave an error behind in OpenSSL that Node.js takes for one of the connection, and breaks it off.
 */
function authoritiesOf({ mode, trust }: ClientValidation): string[] {
  return mode === "require" ? trust.map((bundle) => bundle.certificates) : [];
}

function onSecured(socket: TLSSocket): void {
  ownerOf(socket)?.onSecured(socket);
}

function onFailed(error: Error, socket: TLSSocket): void {
  // Node.js closes with an error of the handshake itself, and not where time has run out.
  socket.destroy();
  // A certificate that does not verify is no error to OpenSSL here: Node.js judges it and hangs up.
  const reason = socket.authorizationError ? "client-certificate" : handshakeFailure(error);
  ownerOf(socket)?.onHandshakeFailed(reason, error);
}

/** The owner of the socket underneath; told once. */
function ownerOf(socket: TLSSocket): HandshakeOwner | undefined {
  const transport = (socket as { readonly _parent?: OwnedSocket })._parent;
  const owner = transport?.[OWNER];
  if (transport !== undefined) transport[OWNER] = undefined;
  // Nobody to hand it to: better no connection than one that nobody watches.
  if (owner === undefined) socket.destroy();
  return owner;
}
