// Seals and opens tokens with a ring of keys: AES-256-GCM, a subkey for every process, a counter in place of chance.
import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";
import { parseKeyFile } from "./key-file.ts";
import { Recent } from "./recent.ts";
import { KEY_ID_SIZE, SALT_SIZE, SealingKey } from "./sealing-key.ts";
import type { OpenedText, SessionKeys } from "./session-keys.ts";

const VERSION = 1;
const CIPHER = "aes-256-gcm";
const NONCE_SIZE = 12;
const COUNTER_SIZE = 8;
const TAG_SIZE = 16;

const SALT_AT = 1 + KEY_ID_SIZE;
const COUNTER_AT = SALT_AT + SALT_SIZE;
const CIPHERTEXT_AT = COUNTER_AT + COUNTER_SIZE;
const OVERHEAD = CIPHERTEXT_AT + TAG_SIZE;

/** Of the plain bytes: enough for any value that a browser keeps in a cookie, which is 4 KiB at most. */
export const MAX_PLAIN_SIZE = 5 * 1024;
const MIN_CHARACTERS = Math.ceil((OVERHEAD * 4) / 3);
const MAX_CHARACTERS = Math.ceil(((OVERHEAD + MAX_PLAIN_SIZE) * 4) / 3);

/** Tokens that a subkey seals before there is a new salt: far below what GCM allows where nonces are counted. */
const TOKENS_PER_SALT = 2 ** 32;

/**
 * Of each generation of opened tokens; the sizes are estimates in bytes. To open one takes about half of what the rest of a
 * request takes, so the sessions that a worker has at a time should find room here.
 */
const MAX_OPENED = 32_768;
const MAX_OPENED_SIZE = 16 * 1024 * 1024;
const OPENED_ENTRY_SIZE = 256;

/** So many random bytes, as `randomBytes` of node:crypto gives them. */
export type RandomBytes = (size: number) => Uint8Array;

interface Opened extends OpenedText {
  readonly scope: string;
}

/**
 * base64url of `version 1 | key id 4 | salt 16 | counter 8 | ciphertext | tag 16`. The subkey is HKDF-SHA256 of key and
 * salt, the nonce is the counter. Version, key id, salt and scope are authenticated along with the ciphertext.
 * The keys themselves are private to this object: it can be logged without showing them.
 */
export class KeyRing implements SessionKeys {
  readonly keyIds: readonly string[];
  readonly #keys: readonly SealingKey[];
  readonly #random: RandomBytes;
  readonly #tokensPerSalt: number;
  readonly #opened = new Recent<Opened>(
    MAX_OPENED,
    MAX_OPENED_SIZE,
    (text, { plain }) => OPENED_ENTRY_SIZE + text.length + plain.length,
  );

  /** Version, key id and salt. */
  readonly #head = Buffer.alloc(COUNTER_AT);
  /** Of the first key and this salt; undefined before the first token. */
  #subkey: KeyObject | undefined;
  #counter = 0;

  /** @param secrets at least one, of 32 bytes each: the first one seals, all of them open. */
  constructor(secrets: readonly Uint8Array[], random: RandomBytes, tokensPerSalt = TOKENS_PER_SALT) {
    if (secrets.length === 0) throw new RangeError("a ring has at least one key");
    this.#keys = secrets.map((secret) => new SealingKey(secret));
    this.keyIds = this.#keys.map(({ idText }) => idText);
    this.#random = random;
    this.#tokensPerSalt = tokensPerSalt;
  }

  /**
   * The ring of a key file's text.
   *
   * @throws KeyFileError
   */
  static parse(text: string, random: RandomBytes): KeyRing {
    return new KeyRing(parseKeyFile(text), random);
  }

  /** @throws RangeError for more than `MAX_PLAIN_SIZE` bytes. */
  seal(plain: Uint8Array, scope: string): string {
    if (plain.length > MAX_PLAIN_SIZE) throw new RangeError(`a token seals ${MAX_PLAIN_SIZE} bytes at most`);
    let subkey = this.#subkey;
    if (subkey === undefined || this.#counter >= this.#tokensPerSalt) subkey = this.#renewSalt();
    const sealed = Buffer.allocUnsafe(OVERHEAD + plain.length);
    sealed.set(this.#head);
    writeCounter(sealed, this.#counter++);
    const cipher = createCipheriv(CIPHER, subkey, nonceOf(sealed));
    cipher.setAAD(associatedData(sealed, scope));
    sealed.set(cipher.update(plain), CIPHERTEXT_AT);
    cipher.final();
    sealed.set(cipher.getAuthTag(), CIPHERTEXT_AT + plain.length);
    return sealed.toString("base64url");
  }

  open(text: string, scope: string): OpenedText | undefined {
    const known = this.#opened.get(text);
    // It opened under another scope, so it does not under this one.
    if (known !== undefined) return known.scope === scope ? known : undefined;
    if (text.length < MIN_CHARACTERS || text.length > MAX_CHARACTERS) return undefined;
    const sealed = Buffer.from(text, "base64url");
    if (sealed.length < OVERHEAD || sealed[0] !== VERSION) return undefined;
    const id = sealed.readUInt32BE(1);
    if (!this.#keys.some((key) => key.id === id) || sealed.toString("base64url") !== text) return undefined;
    for (const key of this.#keys) {
      // Ids can clash: whichever key opens it is the one.
      const plain = key.id === id ? openWith(key, sealed, scope) : undefined;
      if (plain === undefined) continue;
      const opened: Opened = { plain, keyId: key.idText, scope };
      // The text may be a part of a request's head, which must not live on with it.
      this.#opened.set(sealed.toString("base64url"), opened);
      return opened;
    }
    return undefined;
  }

  #renewSalt(): KeyObject {
    const key = this.#keys[0] as SealingKey;
    const salt = this.#random(SALT_SIZE);
    this.#head[0] = VERSION;
    this.#head.writeUInt32BE(key.id, 1);
    this.#head.set(salt, SALT_AT);
    this.#subkey = key.derive(salt);
    this.#counter = 0;
    return this.#subkey;
  }
}

/** The id of the key that a text says it was sealed with, whether it was or not; undefined: it is no sealed token. */
export function claimedKeyId(text: string): string | undefined {
  if (text.length < MIN_CHARACTERS || text.length > MAX_CHARACTERS) return undefined;
  const sealed = Buffer.from(text, "base64url");
  if (sealed[0] !== VERSION || sealed.toString("base64url") !== text) return undefined;
  return sealed.toString("hex", 1, SALT_AT);
}

/** Undefined: sealed with another key or for another scope, or changed since. */
function openWith(key: SealingKey, sealed: Buffer, scope: string): Uint8Array | undefined {
  const salt = sealed.toString("latin1", SALT_AT, COUNTER_AT);
  const known = key.knownSubkey(salt);
  const subkey = known ?? key.derive(sealed.subarray(SALT_AT, COUNTER_AT));
  const decipher = createDecipheriv(CIPHER, subkey, nonceOf(sealed));
  decipher.setAAD(associatedData(sealed, scope));
  decipher.setAuthTag(sealed.subarray(-TAG_SIZE));
  const plain = decipher.update(sealed.subarray(CIPHERTEXT_AT, -TAG_SIZE));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  if (known === undefined) key.rememberSubkey(salt, subkey);
  return plain;
}

function associatedData(sealed: Buffer, scope: string): Buffer {
  const data = Buffer.allocUnsafe(COUNTER_AT + Buffer.byteLength(scope));
  sealed.copy(data, 0, 0, COUNTER_AT);
  data.write(scope, COUNTER_AT);
  return data;
}

function nonceOf(sealed: Buffer): Buffer {
  const nonce = Buffer.alloc(NONCE_SIZE);
  sealed.copy(nonce, NONCE_SIZE - COUNTER_SIZE, COUNTER_AT, CIPHERTEXT_AT);
  return nonce;
}

function writeCounter(sealed: Buffer, counter: number): void {
  sealed.writeUInt32BE(Math.floor(counter / 2 ** 32), COUNTER_AT);
  sealed.writeUInt32BE(counter % 2 ** 32, COUNTER_AT + 4);
}
