// Keys of TLS session tickets: one secret for all workers, from which every kind of listener gets keys of its own.
import { hkdfSync } from "node:crypto";

/** What OpenSSL takes: name, HMAC key and AES key of 16 bytes each. */
const TICKET_KEYS_SIZE = 48;

export class TicketSeal {
  #secret: Uint8Array = new Uint8Array();
  #generation = 0;

  /** Counts how often the secret was replaced: contexts of an earlier one are out of date. */
  get generation(): number {
    return this.#generation;
  }

  /** From now on keys come from this secret. Empty: every context makes up keys of its own. */
  set secret(secret: Uint8Array) {
    this.#secret = secret;
    this.#generation += 1;
  }

  /**
   * Tickets that were sealed for another purpose do not even open. `purpose` is the digest of what a listener asks of
   * its clients, so that no session of an open listener is resumed where a certificate must be shown.
   */
  keysFor(purpose: string): Buffer | undefined {
    if (this.#secret.length === 0) return undefined;
    return Buffer.from(hkdfSync("sha256", this.#secret, "", `limpet tickets ${purpose}`, TICKET_KEYS_SIZE));
  }
}
