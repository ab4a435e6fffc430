// The text of a key file: keys of 32 random bytes in base64, one a line, and what is wrong with a line that has none.

/** Of a key, in bytes: AES-256. */
export const KEY_SIZE = 32;
/** A key costs something with every token that does not open. */
const MAX_KEYS = 64;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** A line that holds no key; the message names the line and never shows what it holds. */
export class KeyFileError extends Error {
  /** Counted from 1; undefined: the file as a whole. */
  readonly line: number | undefined;
  /** The message without the line, for whoever says the place in another way. */
  readonly reason: string;

  constructor(line: number | undefined, reason: string) {
    super(line === undefined ? reason : `line ${line}: ${reason}`);
    this.name = "KeyFileError";
    this.line = line;
    this.reason = reason;
  }
}

/**
 * The keys in the order of the file. Blank lines and lines that begin with `#` do not count, nor do spaces around a key.
 *
 * @throws KeyFileError for the first line that is neither, and for a file without a key.
 */
export function parseKeyFile(text: string): Buffer[] {
  const lineOf = new Map<string, number>();
  text.split("\n").forEach((raw, index) => {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) return;
    const number = index + 1;
    checkKey(line, number);
    const first = lineOf.get(line);
    if (first !== undefined) throw new KeyFileError(number, `is the key of line ${first} once more`);
    if (lineOf.size === MAX_KEYS) throw new KeyFileError(number, `there may be ${MAX_KEYS} keys at most`);
    lineOf.set(line, number);
  });
  if (lineOf.size === 0) throw new KeyFileError(undefined, `there is no key in it; ${HOW_TO_MAKE_ONE}`);
  return [...lineOf.keys()].map((line) => Buffer.from(line, "base64"));
}

const HOW_TO_MAKE_ONE = "make one with `limpet token keygen` or `openssl rand -base64 32`";
const EXPECTED = `expected a key of ${KEY_SIZE} bytes in base64, 44 characters`;

/** One key has one text: what other readers of the file might read as another key is none. */
function checkKey(line: string, number: number): void {
  if (!BASE64.test(line)) throw new KeyFileError(number, `${EXPECTED}, found ${strangeCharacter(line)}`);
  const key = Buffer.from(line, "base64");
  if (key.length !== KEY_SIZE) {
    throw new KeyFileError(number, `${EXPECTED}, found ${key.length} bytes; ${HOW_TO_MAKE_ONE}`);
  }
  if (key.toString("base64") !== line) {
    throw new KeyFileError(number, `${EXPECTED}, found a text that does not end as base64 does`);
  }
}

function strangeCharacter(line: string): string {
  if (/^[A-Za-z0-9_-]{43}=?$/.test(line)) return "the URL-safe alphabet: write + for - and / for _";
  return `a character that base64 does not have; ${HOW_TO_MAKE_ONE}`;
}

/** A line of a key file. */
export function keyLine(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("base64");
}
