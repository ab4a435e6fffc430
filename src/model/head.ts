// The neutral head of a message: all that routing, affinity, header edits and the log may know of a request or response.

/** Header fields in order; names compare without case, values are latin1 text (one character a byte), trimmed. */
export interface HeaderFields {
  /** The first field's value, or undefined. `name` is lower case. */
  get(name: string): string | undefined;
  /** Every field's value, one entry a line, in order. `name` is lower case. */
  getAll(name: string): readonly string[];
  /** End-to-end fields only: what one connection's framing needs is not shown. */
  forEach(visit: (name: string, value: string) => void): void;
}

/** Changes that are applied when the head is written; the received fields themselves never change. */
export interface HeadEdits {
  /** Replaces all fields of that name, or adds one. */
  set(name: string, value: string): void;
  add(name: string, value: string): void;
  remove(name: string): void;
  /** Takes all changes back. */
  reset(): void;
}

export interface RequestHead extends HeaderFields {
  readonly method: string;
  /** Lower-case host with its port if one was sent; the authority of an absolute-form target replaces Host. */
  readonly authority: string;
  /** Path and query as received, always starting with `/`, or `*` for `OPTIONS *`. */
  readonly path: string;
  readonly edits: HeadEdits;
}

export interface ResponseHead extends HeaderFields {
  readonly status: number;
  readonly reason: string;
  readonly edits: HeadEdits;
}
