// TLS towards endpoints: what a handshake needs, made once for all connections that are opened with the same settings.
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { createSecureContext, type PeerCertificate, type SecureContext } from "node:tls";
import type { BackendTls, Certificate, TlsVersion } from "../model/index.ts";
import { identityCheck } from "./upstream-identity.ts";

/** Settings that are ready for use. */
export interface TlsClient {
  /** An error where a certificate or a key is not what OpenSSL can read: nobody can be spoken to. */
  readonly context: SecureContext | Error;
  /** Sent as SNI; undefined: none is sent. */
  readonly serverName: string | undefined;
  /** False: any certificate will do. */
  readonly verifies: boolean;
  /** An error where the certificate, which chains to a trusted authority, belongs to somebody else. */
  checkIdentity(certificate: PeerCertificate): Error | undefined;
}

const VERSIONS = { "1.2": "TLSv1.2", "1.3": "TLSv1.3" } as const satisfies Record<TlsVersion, string>;

/**
 * Clients by the content of their settings. Making a context reads certificates and keys, which takes longer than a
 * resumed handshake; one that nobody holds any more is forgotten.
 */
export class TlsClients {
  readonly #clients = new Map<string, WeakRef<TlsClient>>();
  readonly #forgotten = new FinalizationRegistry<string>((key) => {
    if (this.#clients.get(key)?.deref() === undefined) this.#clients.delete(key);
  });

  /** @param certificate shown where the settings have none of their own */
  of(tls: BackendTls, certificate: Certificate | undefined): TlsClient {
    const shown = tls.clientCertificate ?? certificate;
    const key = `${digestOf(tls)} ${shown === undefined ? "" : digestOf(shown)}`;
    let client = this.#clients.get(key)?.deref();
    if (client === undefined) {
      client = makeClient(tls, shown);
      this.#clients.set(key, new WeakRef(client));
      this.#forgotten.register(client, key);
    }
    return client;
  }
}

function makeClient(tls: BackendTls, certificate: Certificate | undefined): TlsClient {
  const { serverName } = tls;
  return {
    context: makeContext(tls, certificate),
    // An address is no host name, and RFC 6066 section 3 forbids it as SNI.
    serverName: serverName === undefined || isIP(serverName) !== 0 ? undefined : serverName,
    verifies: tls.trust !== "none",
    checkIdentity: identityCheck(tls),
  };
}

function makeContext(tls: BackendTls, certificate: Certificate | undefined): SecureContext | Error {
  try {
    return createSecureContext({
      minVersion: VERSIONS[tls.minimumVersion ?? "1.2"],
      maxVersion: VERSIONS[tls.maximumVersion ?? "1.3"],
      // As in Envoy: an intermediate authority, or the endpoint's own certificate, may be what is trusted.
      allowPartialTrustChain: true,
      ...authoritiesOf(tls),
      ...(certificate === undefined ? {} : { cert: certificate.chain, key: certificate.privateKey }),
    });
  } catch (error) {
    return error as Error;
  }
}

/** An empty list trusts nobody, where none at all would mean the system's authorities. */
function authoritiesOf({ trust }: BackendTls): { readonly ca?: string[] } {
  if (trust === "system") return {};
  // What is not asked for its authority is not compared with any either.
  return { ca: trust === "none" ? [] : trust.map(({ certificates }) => certificates) };
}

/** Settings are immutable, so that each object is digested once. */
const digests = new WeakMap<object, string>();

/** Names settings by what they say: equal ones, of another snapshot perhaps, have the same. */
export function digestOf(settings: BackendTls | Certificate): string {
  let digest = digests.get(settings);
  if (digest === undefined) {
    digest = createHash("sha256").update(JSON.stringify(settings)).digest("base64url");
    digests.set(settings, digest);
  }
  return digest;
}
