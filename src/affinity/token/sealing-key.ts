// One key of a ring: its id, and the subkeys that processes derive from it, each with a salt of its own.
import { createHash, createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { KEY_SIZE } from "./key-file.ts";
import { Recent } from "./recent.ts";

export const KEY_ID_SIZE = 4;
export const SALT_SIZE = 16;

/** What the subkeys are for (HKDF `info`, RFC 5869): a key that is used for something else too gives others there. */
const PURPOSE = "limpet session token 1";
/** Salts of a generation: every process that seals has one, and a new one after each start. */
const MAX_SUBKEYS = 4096;

export class SealingKey {
  /** First 4 bytes of the SHA-256 of the key: tells keys apart and nothing about them. */
  readonly id: number;
  readonly idText: string;
  readonly #secret: KeyObject;
  readonly #subkeys = new Recent<KeyObject>(MAX_SUBKEYS, MAX_SUBKEYS, () => 1);

  constructor(secret: Uint8Array) {
    const digest = createHash("sha256").update(secret).digest();
    this.id = digest.readUInt32BE(0);
    this.idText = digest.toString("hex", 0, KEY_ID_SIZE);
    this.#secret = createSecretKey(secret);
  }

  /** As a key object, which ciphers take five times as fast as its bytes. */
  derive(salt: Uint8Array): KeyObject {
    return createSecretKey(new Uint8Array(hkdfSync("sha256", this.#secret, salt, PURPOSE, KEY_SIZE)));
  }

  /** Undefined: nothing opened with this salt lately. `salt` is latin1. */
  knownSubkey(salt: string): KeyObject | undefined {
    return this.#subkeys.get(salt);
  }

  /** Only of a token that did open: salts that somebody made up would drive out the honest ones. */
  rememberSubkey(salt: string, subkey: KeyObject): void {
    this.#subkeys.set(salt, subkey);
  }
}
