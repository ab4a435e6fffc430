// The fields that HTTP/1.1 itself needs, told from all others by length and name.
import { matchesLower } from "./characters.ts";

/** 0 is every other field. The numbers are bit positions of the masks below. */
export const HOST = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const KEEP_ALIVE = 5;
export const PROXY_CONNECTION = 6;
export const TE = 7;
export const UPGRADE = 8;
export const EXPECT = 9;
export const DATE = 10;

/** About one connection only: never shown to the pipeline, never passed on. RFC 9110 7.6.1. */
export const HOP_BY_HOP: number =
  (1 << TRANSFER_ENCODING) |
  (1 << CONNECTION) |
  (1 << KEEP_ALIVE) |
  (1 << PROXY_CONNECTION) |
  (1 << TE) |
  (1 << UPGRADE);

/** Where a tolerated CR at the end of the line would be a second way to read the message. */
export const EXACT: number = (1 << HOST) | (1 << CONTENT_LENGTH) | (1 << TRANSFER_ENCODING);

/** What no edit of the pipeline may write: the codec alone decides about framing. */
export const FRAMING: number = HOP_BY_HOP | (1 << CONTENT_LENGTH) | (1 << EXPECT);

export function inMask(kind: number, mask: number): boolean {
  return ((1 << kind) & mask) !== 0 && kind !== 0;
}

export function fieldKind(text: string, at: number, length: number): number {
  switch (length) {
    case 2:
      return matchesLower(text, at, "te") ? TE : 0;
    case 4:
      if (matchesLower(text, at, "host")) return HOST;
      return matchesLower(text, at, "date") ? DATE : 0;
    case 6:
      return matchesLower(text, at, "expect") ? EXPECT : 0;
    case 7:
      return matchesLower(text, at, "upgrade") ? UPGRADE : 0;
    case 10:
      if (matchesLower(text, at, "connection")) return CONNECTION;
      return matchesLower(text, at, "keep-alive") ? KEEP_ALIVE : 0;
    case 14:
      return matchesLower(text, at, "content-length") ? CONTENT_LENGTH : 0;
    case 16:
      return matchesLower(text, at, "proxy-connection") ? PROXY_CONNECTION : 0;
    case 17:
      return matchesLower(text, at, "transfer-encoding") ? TRANSFER_ENCODING : 0;
    default:
      return 0;
  }
}
