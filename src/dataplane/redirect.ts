// Where a redirect leads: the Location of the answer, by the rules of Gateway API's HTTPRequestRedirectFilter.
import type { Redirect, RequestHead } from "../model/index.ts";
import { hostEnd } from "../routing/host.ts";
import { editPath } from "./path-edit.ts";
import type { ConnectionInfo } from "./stream.ts";

const OWN_PORT = { http: 80, https: 443 } as const;

/**
 * @param path path and query of the request, dot segments resolved
 * @param listenerPort as the Gateway declares it; the port that the process bound may be another (`--port-offset`)
 */
export function redirectLocation(
  redirect: Redirect,
  head: RequestHead,
  path: string,
  connection: ConnectionInfo,
  listenerPort: number,
): string {
  const scheme = redirect.scheme ?? (connection.tls ? "https" : "http");
  const host = redirect.hostname ?? requestedHost(head, connection);
  const port =
    redirect.port ??
    (redirect.scheme === undefined
      ? portForClient(head, connection, listenerPort)
      : OWN_PORT[redirect.scheme]);
  const target = redirect.path === undefined ? path : editPath(path, redirect.path);
  const authority = port === OWN_PORT[scheme] ? host : `${host}:${port}`;
  // An absolute URI without a path is what `OPTIONS *` asks about (RFC 9112 section 3.2.4).
  return `${scheme}://${authority}${target === "*" ? "" : target}`;
}

/** A client of HTTP/1.0 may name no host: it gets the address that it came to. */
function requestedHost({ authority }: RequestHead, { localAddress }: ConnectionInfo): string {
  const known = authority === "" ? localAddress : authority;
  return known.slice(0, hostEnd(known));
}

/** The listener's port, unless the client itself names the one that it reached, which is another behind an offset. */
function portForClient(
  { authority }: RequestHead,
  { localPort }: ConnectionInfo,
  listenerPort: number,
): number {
  return authority.endsWith(`:${localPort}`) ? localPort : listenerPort;
}
