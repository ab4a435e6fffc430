// The name of a request in logs and towards endpoints: the client's own if it is harmless, else a random one.

const HARMLESS = /^[A-Za-z0-9._-]{1,128}$/;

/** Ids that are made at once: a slice of one text is cheaper than putting an id together. */
const BATCH = 256;
const FORM = "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx";
const DIGITS: Buffer = Buffer.from("0123456789abcdef", "latin1");

/** Ids of 122 random bits in the form of random UUIDs (RFC 9562, version 4), for telling requests apart; no secrets. */
export class RequestIds {
  readonly #random: () => number;
  readonly #bytes = Buffer.from(FORM.repeat(BATCH), "latin1");
  #text = "";
  #next = 0;

  /** @param random uniform in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Keeps 1 to 128 of `[A-Za-z0-9._-]`; anything else gets a new id. */
  idOf(received: string | undefined): string {
    return received !== undefined && HARMLESS.test(received) ? received : this.next();
  }

  next(): string {
    if (this.#next === this.#text.length) this.#fill();
    const from = this.#next;
    this.#next += FORM.length;
    return this.#text.slice(from, this.#next);
  }

  #fill(): void {
    for (let at = 0; at < this.#bytes.length; at += FORM.length) this.#fillOne(at);
    this.#text = this.#bytes.toString("latin1");
    this.#next = 0;
  }

  #fillOne(at: number): void {
    let bits = 0;
    for (let index = 0; index < FORM.length; index++) {
      // One number gives seven digits.
      if (index % 7 === 0) bits = (this.#random() * 0x1000_0000) | 0;
      const digit = bits & 15;
      bits >>>= 4;
      if (FORM[index] === "x") this.#bytes[at + index] = DIGITS[digit] as number;
      else if (FORM[index] === "v") this.#bytes[at + index] = DIGITS[8 | (digit & 3)] as number;
    }
  }
}
