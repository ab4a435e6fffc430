// The character classes of RFC 9110, 9112 and 3986 as one table, and comparison of names without case.

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;

/** tchar, RFC 9110 5.6.2. */
export const TOKEN = 1;
/** What a path may hold besides `%`: pchar and `/` of RFC 3986, and what browsers leave raw (see below). */
export const PATH = 2;
/** What a query may hold: the same and `?`, and `%` that begins no triplet. */
export const QUERY = 4;
/** reg-name of RFC 3986 without `%`: unreserved and sub-delims. */
export const REG_NAME = 8;
export const HEX = 16;
export const DIGIT = 32;

/** Class bits of each character code of latin1 text. */
export const CLASS: Uint8Array = classTable();

function classTable(): Uint8Array {
  const table = new Uint8Array(256);
  const digits = "0123456789";
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const unreserved = `${digits}${letters}-._~`;
  const subDelims = "!$&'()*+,;=";
  // The URL standard's serializer leaves these unescaped in some places, so browsers send them; each has one reading.
  const rawInBrowsers = "[]\\^`{|}";
  const pathCharacters = `${unreserved}${subDelims}:@/${rawInBrowsers}`;
  const give = (characters: string, bit: number) => {
    for (const character of characters) {
      const code = character.charCodeAt(0);
      table[code] = (table[code] as number) | bit;
    }
  };
  give(`${digits}${letters}!#$%&'*+-.^_\`|~`, TOKEN);
  give(pathCharacters, PATH);
  give(`${pathCharacters}?%`, QUERY);
  give(unreserved + subDelims, REG_NAME);
  give(`${digits}ABCDEFabcdef`, HEX);
  give(digits, DIGIT);
  return table;
}

/** True when the character at `at` is in one of the classes; false past the end. */
export function isA(text: string, at: number, classes: number): boolean {
  return ((CLASS[text.charCodeAt(at)] as number) & classes) !== 0;
}

/** `%` and two hexadecimal digits stand at `at`. */
export function isTriplet(text: string, at: number): boolean {
  return text.charCodeAt(at) === 0x25 && isA(text, at + 1, HEX) && isA(text, at + 2, HEX);
}

export function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (!isA(text, at, TOKEN)) return false;
  }
  return text.length > 0;
}

/** Compares `lower.length` characters of `text` with a lower-case name, ignoring the case of A to Z. */
export function matchesLower(text: string, at: number, lower: string): boolean {
  for (let index = 0; index < lower.length; index += 1) {
    let code = text.charCodeAt(at + index);
    if (code >= 0x41 && code <= 0x5a) code += 0x20;
    if (code !== lower.charCodeAt(index)) return false;
  }
  return true;
}
