// What a token says, and what a token format can do: the border behind which envoy and other formats differ.

/** Tells an endpoint from a stranger that got its address later. */
export interface TokenIdentity {
  readonly kind: "uid" | "hostname";
  readonly value: string;
}

/** Where a session lives and how long. Times are whole unix seconds; 0: the token does not say. */
export interface Token {
  /** Canonical text of the endpoint's address. */
  readonly address: string;
  /** The second in which it ends; whether that second counts is the session's to say. */
  readonly expiresSec: number;
  readonly lastSeenSec: number;
  readonly begunSec: number;
  /** Undefined: the address is all that the endpoint is known by. */
  readonly identity?: TokenIdentity | undefined;
  /** `backendMark` of the backend that the endpoint was chosen in; undefined: the token does not say. */
  readonly backendMark?: number | undefined;
  /** The application's own session value, latin1; undefined: the token wraps none. */
  readonly original?: string | undefined;
  /** Which key it was sealed with; undefined: it is not sealed, so anybody may have written it. */
  readonly keyId?: string | undefined;
}

/** A way to write tokens as text and to read them back. */
export interface TokenFormat {
  encode(token: Token): string;
  /** Undefined: not a token of this format. Never throws, whatever the text. */
  decode(text: string): Token | undefined;
}

/** A longer text is no token: addresses are short, and what a client sends is bounded before it is looked at. */
export const MAX_TOKEN_CHARACTERS = 1024;

/** A token that says nothing but an address. */
export function addressToken(address: string): Token {
  return { address, expiresSec: 0, lastSeenSec: 0, begunSec: 0 };
}

/** `10.0.0.1:80`, `[::1]:80`, `shop.example:80` in printable characters. */
export function isAddressText(text: string): boolean {
  return ADDRESS_TEXT.test(text);
}

const ADDRESS_TEXT = /^[\x21-\x7e]{1,255}:[0-9]{1,5}$/;

/**
 * The address for people's eyes. Anybody may write any bytes into a token that is not sealed, and a terminal would obey
 * some of them: what is no printable ASCII character stands there by its number.
 */
export function shownAddress({ address }: Token): string {
  return address.replace(
    /[^\x21-\x7e]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
