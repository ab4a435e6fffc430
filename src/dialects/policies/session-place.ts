// A cookie without a name gets one for each place where its session applies, so that no place overwrites another's token.
import type { SessionPersistence } from "../../model/index.ts";
import { digest } from "../digest.ts";

/** `place`: a backend, or a route with the rule's name or the digest of its matches; never an index. */
export function sessionAt(session: SessionPersistence, place: string): SessionPersistence {
  const { carrier, scope } = session;
  const owner = scope.slice(0, scope.lastIndexOf("/"));
  const at = `${owner}/${place}`;
  const name = `limpet-${digest(at).slice(0, 8)}`;
  return { ...session, carrier: { ...carrier, name }, scope: `${at}/${name}` };
}
