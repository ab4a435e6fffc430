// What the endpoint is told about the client: `X-Forwarded-*` and the request id, written anew unless the peer is trusted.
import type { Client } from "../affinity/decision.ts";
import type { RequestHead } from "../model/index.ts";
import type { ConnectionInfo } from "./stream.ts";

/**
 * From a trusted proxy the peer is appended to `X-Forwarded-For` and the other fields stay; from anybody else every
 * `X-Forwarded-*` and `Forwarded` (RFC 7239) goes before ours are set.
 */
export function writeForwardedFields(
  head: RequestHead,
  connection: ConnectionInfo,
  client: Client,
  requestId: string,
): void {
  const { edits } = head;
  const scheme = connection.tls ? "https" : "http";
  if (client.peerIsProxy) {
    const path = head.getAll("x-forwarded-for").join(", ");
    edits.set("x-forwarded-for", path === "" ? connection.peerIp : `${path}, ${connection.peerIp}`);
    if (!isScheme(head.get("x-forwarded-proto"))) edits.set("x-forwarded-proto", scheme);
    if (head.get("x-forwarded-host") === undefined) nameHost(head);
  } else {
    claimed.length = 0;
    requestIds = 0;
    head.forEach(noteClaim);
    for (const name of claimed) edits.remove(name);
    edits.set("x-forwarded-for", connection.peerIp);
    edits.set("x-forwarded-proto", scheme);
    nameHost(head);
  }
  // Of several the endpoint might read another, and one that Connection names would not go on.
  const isAlone = client.peerIsProxy || requestIds === 1;
  if (!isAlone || head.get("x-request-id") !== requestId) edits.set("x-request-id", requestId);
}

/** An HTTP/1.0 client may name none. */
function nameHost(head: RequestHead): void {
  if (head.authority !== "") head.edits.set("x-forwarded-host", head.authority);
}

function isScheme(value: string | undefined): boolean {
  return value === "http" || value === "https";
}

/** Names found by `noteClaim`: shared, because a visitor that is made for every request would be garbage. */
const claimed: string[] = [];
/** Lines of the request id that it found. */
let requestIds = 0;

function noteClaim(name: string): void {
  // Nearly every field is told apart by its first letter: `Forwarded`, `X-Forwarded-...` or `X-Request-Id`.
  const first = name.charCodeAt(0) | 0x20;
  if (first !== 0x78 && first !== 0x66) return;
  const key = name.toLowerCase();
  // To applications behind CGI, WSGI or PHP `X_Forwarded_For` is the same field.
  const read = key.replaceAll("_", "-");
  if (read === "forwarded" || read.startsWith("x-forwarded-")) claimed.push(key);
  else if (key === "x-request-id") requestIds += 1;
  else if (read === "x-request-id") claimed.push(key);
}
