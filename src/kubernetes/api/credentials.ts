// What a client shows to the API server, and what it asks of the server's certificate; remembered for as long as it is good.

export interface TlsSettings {
  /** PEM; undefined: the authorities that Node.js comes with. */
  readonly ca?: string;
  /** PEM, as are client certificate and key. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server's certificate must have, where it is not that of the URL. */
  readonly servername?: string;
  /** False: any certificate will do. Undefined: only one that can be verified. */
  readonly rejectUnauthorized?: false;
}

export interface Credentials {
  /** The `Authorization` field. */
  readonly authorization?: string;
  readonly tls: TlsSettings;
}

export interface CredentialSource {
  /**
   * What to show now. `refused`: what the server took no longer; something else is made, unless it was already. Rejects
   * with a CredentialError.
   */
  get(refused?: Credentials): Promise<Credentials>;
  /** Nobody asks any more: whatever makes some is ended. Not there where nothing would be left. */
  close?(): void;
}

/** There are no credentials to show; the message says which file, field or program is at fault. */
export class CredentialError extends Error {
  override readonly name = "CredentialError";
}

/** An API server, and how to speak to it. */
export interface ApiConnection {
  readonly server: URL;
  /** The namespace of the context, or of the pod. */
  readonly namespace: string;
  readonly credentials: CredentialSource;
  /** For the log: the file and context, or the service account. */
  readonly origin: string;
}

export interface MadeCredentials {
  readonly credentials: Credentials;
  /** Wall clock; Infinity: until the server refuses them. */
  readonly untilMs: number;
}

/** All who ask at one time get what was made once: what makes it may be billed, or open a browser. */
export class RememberedCredentials implements CredentialSource {
  readonly #make: () => Promise<MadeCredentials>;
  readonly #nowMs: () => number;
  #last: MadeCredentials | undefined;
  #making: Promise<MadeCredentials> | undefined;

  constructor(make: () => Promise<MadeCredentials>, nowMs: () => number) {
    this.#make = make;
    this.#nowMs = nowMs;
  }

  async get(refused?: Credentials): Promise<Credentials> {
    const last = this.#last;
    if (last !== undefined && last.credentials !== refused && this.#nowMs() < last.untilMs) {
      return last.credentials;
    }
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    this.#last = await this.#making;
    return this.#last.credentials;
  }
}

/** The `Authorization` field of a token; a line break inside would begin a field of its own. */
export function bearer(token: string): string {
  const text = token.trim();
  if (!/^[\x21-\x7e]+$/.test(text)) throw new CredentialError("the token is empty, or no token at all");
  return `Bearer ${text}`;
}
