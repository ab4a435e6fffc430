// Max-Forwards of OPTIONS and TRACE: counts down on the way, and the gateway where it reaches zero answers by itself.
import type { RequestHead } from "../model/index.ts";

/** pass: to the next hop; last: this is where it ends; malformed: nobody can tell. */
export type HopVerdict = "pass" | "last" | "malformed";

const DECIMAL = /^\d{1,10}$/;

/** Also edits the head of a request that passes. RFC 9110 section 7.6.2; other methods may carry the field for nothing. */
export function countHop(head: RequestHead): HopVerdict {
  const { method } = head;
  if (method !== "OPTIONS" && method !== "TRACE") return "pass";
  const values = head.getAll("max-forwards");
  const [value] = values;
  if (value === undefined) return "pass";
  if (values.length > 1 || !DECIMAL.test(value)) return "malformed";
  const hops = Number(value);
  if (hops === 0) return "last";
  head.edits.set("max-forwards", String(hops - 1));
  return "pass";
}
