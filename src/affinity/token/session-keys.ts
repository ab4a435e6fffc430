// The keys that seal and open session tokens, as everything but the sealing itself sees them.

/** What was sealed, and what with. */
export interface OpenedText {
  readonly plain: Uint8Array;
  /** First 4 bytes of the SHA-256 of the key, in hex. */
  readonly keyId: string;
}

/** A ring of keys: the first one seals, all of them open. Immutable: a rotation is another ring. */
export interface SessionKeys {
  /** In the order of the file. */
  readonly keyIds: readonly string[];
  /** Canonical base64url. `scope` is authenticated along with it and has to be given again to open it. */
  seal(plain: Uint8Array, scope: string): string;
  /** Undefined: not ours, not for this scope, changed, or not canonical. Never throws, whatever the text. */
  open(text: string, scope: string): OpenedText | undefined;
}
