// Tells requests that came over a TLS connection which was made for another host: they get 421 and may come again.
import { hostEnd } from "../routing/host.ts";
import type { Exchange } from "./exchange.ts";
import type { PortPlan } from "./serving-plan.ts";

/**
 * Gateway API `Listener.hostname`, RFC 9110 section 15.5.20: the host belongs to another listener than the one that the
 * handshake chose, or to a name that the certificate which was shown does not have. A host without a listener is no
 * business of anybody's: 404.
 */
export function isMisdirected({ stream, match }: Exchange, plan: PortPlan): boolean {
  const { handshake } = stream.connection;
  const listener = match?.listener;
  if (handshake === undefined || listener === undefined) return false;
  // Listeners of several Gateways with one hostname are one to the client, unless one asks for a certificate that the
  // handshake, which another had, did not ask for.
  if (plan.doorOf(handshake.listener) !== plan.doorOf(listener.id)) return true;
  const { authority } = stream.head;
  const host = authority.slice(0, hostEnd(authority));
  const { serverName } = handshake;
  return serverName !== undefined && host !== "" && host !== serverName && !handshake.covers(host);
}
