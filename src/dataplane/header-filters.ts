// Applies a header modifier to a head that passes.
import type { HeadEdits, HeaderEdit } from "../model/index.ts";

/** Fields that frame a message or name its target: they belong to the codec, and a filter cannot change them. */
const FRAMING = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export function applyEdit(edit: HeaderEdit, edits: HeadEdits): void {
  for (const { name, value } of edit.set) if (mayChange(name)) edits.set(name, value);
  for (const { name, value } of edit.add) if (mayChange(name)) edits.add(name, value);
  for (const name of edit.remove) if (mayChange(name)) edits.remove(name);
}

function mayChange(name: string): boolean {
  return !FRAMING.has(name.toLowerCase());
}
