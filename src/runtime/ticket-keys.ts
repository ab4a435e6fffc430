// What TLS session tickets are sealed with: one secret for all workers, made anew twice a day.
import { randomBytes } from "node:crypto";

/** What node:tls takes: a name, a key for HMAC and one for AES, 16 bytes each. */
const TICKET_KEYS_SIZE = 48;
/** Who learns the secret can read what was resumed with it, so it does not live long (RFC 9325, section 4.1). */
const LIFETIME_MS = 12 * 60 * 60 * 1000;

export class TicketKeys {
  readonly #timer: NodeJS.Timeout;
  #current: string;

  /** Begins with `first` where another process has used it already; both in base64. */
  constructor(onChange: (keys: string) => void, first = newTicketKeys(), lifetimeMs = LIFETIME_MS) {
    this.#current = first;
    this.#timer = setInterval(() => {
      this.#current = newTicketKeys();
      onChange(this.#current);
    }, lifetimeMs);
    this.#timer.unref();
  }

  get current(): string {
    return this.#current;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function newTicketKeys(): string {
  return randomBytes(TICKET_KEYS_SIZE).toString("base64");
}
