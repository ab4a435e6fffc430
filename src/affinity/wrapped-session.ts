// What a client holds of the application's own session: its value together with the endpoint that gave it.
import type { Decision } from "./decision.ts";
import { encodeEnvelope } from "./token/envelope.ts";
import type { SessionKeys } from "./token/session-keys.ts";

/**
 * The application's value as its client is to get it. Call it only for what `decision.endpoint` set in its response.
 * Undefined: this decision's session wraps nothing.
 * @param original as the application wrote it, latin1
 * @param keys what sealed sessions are sealed with
 * @param nowSec wall clock when the response head came, whole unix seconds
 */
export function wrapOriginal(
  { issue, endpoint }: Decision,
  original: string,
  _keys: SessionKeys | undefined,
  _nowSec: number,
): string | undefined {
  const kind = issue?.session?.carrier.kind;
  if (endpoint === undefined || (kind !== "wrappedHeader" && kind !== "wrappedCookie")) return undefined;
  return encodeEnvelope({ address: endpoint.endpoint.address, original });
}
