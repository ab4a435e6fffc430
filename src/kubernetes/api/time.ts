// Times as the API server takes them, which is stricter than RFC 3339.

/** `Time`, of whole seconds. */
export function secondTime(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z");
}

/** `MicroTime`, of six decimals and no other number of them. */
export function microTime(nowMs: number): string {
  return new Date(nowMs).toISOString().replace("Z", "000Z");
}
