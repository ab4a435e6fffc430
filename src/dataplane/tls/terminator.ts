// How one listener answers handshakes: the certificate by server name, and contexts that are made at first use.
import { createHash } from "node:crypto";
import type { Certificate, ListenerTls } from "../../model/index.ts";
import { CertificateNames, type NameMatch } from "./certificate-names.ts";
import { SecureServer } from "./secure-server.ts";
import type { TicketSeal } from "./ticket-seal.ts";

/** A certificate with its names. */
interface NamedCertificate {
  readonly certificate: Certificate;
  readonly names: CertificateNames;
}

/** What a server name gets to see. */
export class Shown {
  readonly server: SecureServer;
  readonly #certificates: readonly NamedCertificate[];

  constructor(server: SecureServer, certificates: readonly NamedCertificate[]) {
    this.server = server;
    this.#certificates = certificates;
  }

  /** The certificate is for this host. Of several, which differ in their key, the client has seen any one. */
  covers(host: string): boolean {
    return this.#certificates.every(({ names }) => names.match(host) !== undefined);
  }
}

export class Terminator {
  readonly #tls: ListenerTls;
  readonly #seal: TicketSeal;
  readonly #purpose: string;
  #certificates: readonly NamedCertificate[] | undefined;
  /** By the places of the certificates in the list. */
  #shown = new Map<string, Shown>();
  #generation = 0;

  constructor(tls: ListenerTls, seal: TicketSeal) {
    this.#tls = tls;
    this.#seal = seal;
    this.#purpose = purposeOf(tls);
  }

  /** Throws if a certificate or its key cannot be used. */
  forName(serverName: string | undefined): Shown {
    if (this.#generation !== this.#seal.generation) {
      this.#generation = this.#seal.generation;
      this.#shown = new Map();
    }
    this.#certificates ??= this.#tls.certificates.map((certificate) => ({
      certificate,
      names: new CertificateNames(certificate),
    }));
    const places = choose(this.#certificates, serverName);
    const key = places.join();
    let shown = this.#shown.get(key);
    if (shown === undefined) {
      shown = this.#show(
        places.map((place) => (this.#certificates as NamedCertificate[])[place] as NamedCertificate),
      );
      this.#shown.set(key, shown);
    }
    return shown;
  }

  #show(chosen: readonly NamedCertificate[]): Shown {
    const server = new SecureServer({
      tls: this.#tls,
      certificates: chosen.map(({ certificate }) => certificate),
      purpose: this.#purpose,
      ticketKeys: this.#seal.keysFor(this.#purpose),
    });
    return new Shown(server, chosen);
  }
}

const ONLY: readonly number[] = [0];

/**
 * Places in the list: the certificates that have the very name, else a wildcard for it, else all; of these the first
 * of each kind of key, since a handshake can choose among kinds and clients differ in what they know.
 */
function choose(
  certificates: readonly NamedCertificate[],
  serverName: string | undefined,
): readonly number[] {
  if (certificates.length === 1) return ONLY;
  const matches = certificates.map(({ names }) =>
    serverName === undefined ? undefined : names.match(serverName),
  );
  const best: NameMatch | undefined = matches.includes("exact")
    ? "exact"
    : matches.includes("wildcard")
      ? "wildcard"
      : undefined;
  const byKeyType = new Map<string, number>();
  for (const [place, { names }] of certificates.entries()) {
    if (matches[place] === best && !byKeyType.has(names.keyType)) byKeyType.set(names.keyType, place);
  }
  return [...byKeyType.values()];
}

/** What a listener asks of its clients, in 32 characters: the same after a restart and in every worker. */
function purposeOf(tls: ListenerTls): string {
  const asked = askedOf(tls);
  return digest(tls.anyProtocol === true ? ["any protocol", ...asked] : asked).slice(0, 32);
}

function askedOf({ clientValidation }: ListenerTls): readonly string[] {
  if (clientValidation === undefined) return ["open"];
  return [clientValidation.mode, ...clientValidation.trust.map(({ certificates }) => certificates)];
}

/** Equal for listeners that ask for the same certificates of clients; short, and "" where none is asked for. */
export function demandOf(tls: ListenerTls | undefined): string {
  return tls?.clientValidation === undefined ? "" : digest(askedOf(tls));
}

/** Equal for listeners that answer handshakes alike. */
export function terminatorKey(tls: ListenerTls): string {
  return digest([
    tls.minimumVersion ?? "",
    tls.maximumVersion ?? "",
    purposeOf(tls),
    ...tls.certificates.flatMap(({ chain, privateKey }) => [chain, privateKey]),
  ]);
}

function digest(texts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${text.length}:${text}`);
  return hash.digest("hex");
}
