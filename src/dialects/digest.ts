// A short stable digest of plain data, for names and token scopes that must survive a restart.

/** 16 hexadecimal digits of two FNV-1a hashes over the UTF-16 units. For names, not against an adversary. */
export function digest(text: string): string {
  return fnv1a(text, 0x811c9dc5) + fnv1a(text, 0x01000193);
}

function fnv1a(text: string, basis: number): string {
  let hash = basis;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}
