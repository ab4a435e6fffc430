// Bytes as latin1 text: one character a byte, so that positions in the text are positions in the bytes.

interface Latin1Slicing {
  latin1Slice(from: number, end: number): string;
}

// What Buffer#toString("latin1") calls after sorting out its arguments, on any Uint8Array.
const { latin1Slice } = Buffer.prototype as unknown as Latin1Slicing;

export function latin1(bytes: Uint8Array, from: number, end: number): string {
  return latin1Slice.call(bytes as unknown as Latin1Slicing, from, end);
}
