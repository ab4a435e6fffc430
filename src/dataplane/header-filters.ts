// Applies the header modifiers of a rule and of its chosen backendRef to the heads that pass.
import type { Filter, HeadEdits, HeaderEdit } from "../model/index.ts";

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

export function applyRequestFilters(filters: readonly Filter[], edits: HeadEdits): void {
  for (const filter of filters) if (filter.kind === "requestHeaders") applyEdit(filter.edit, edits);
}

export function applyResponseFilters(filters: readonly Filter[], edits: HeadEdits): void {
  for (const filter of filters) if (filter.kind === "responseHeaders") applyEdit(filter.edit, edits);
}

function applyEdit(edit: HeaderEdit, edits: HeadEdits): void {
  for (const { name, value } of edit.set) if (mayChange(name)) edits.set(name, value);
  for (const { name, value } of edit.add) if (mayChange(name)) edits.add(name, value);
  for (const name of edit.remove) if (mayChange(name)) edits.remove(name);
}

function mayChange(name: string): boolean {
  return !FRAMING.has(name.toLowerCase());
}
