// Names by which clients of a rule are kept: cookies and headers of its sessions, and cookies that are made for hashing.
import type { CookieAttribute, HashPolicy, RouteMatch, SessionPersistence } from "../../model/index.ts";
import type { FieldPath } from "../findings.ts";
import { isSentTo } from "../policies/cookie-rules.ts";
import { isAtBackend, type Voice } from "../policies/precedence.ts";
import type { CompiledReference } from "./compile-references.ts";
import type { HttpRouteReading } from "./http-route.ts";

/** A cookie or a header that keeps clients of the rule somewhere. */
export interface KeptName {
  readonly kind: "cookie" | "header";
  readonly name: string;
  /** Of a cookie; undefined: the browser's choice. */
  readonly cookiePath?: string | undefined;
  readonly cookieDomain?: string | undefined;
  /** A path that the rule takes and browsers do not send the cookie to; undefined: there is none. */
  readonly outside?: string | undefined;
  /** Weights choose among these backends for every request, so that each overwrites the token of another. */
  readonly isTorn?: boolean;
  /** Tokens of one scope are the same session's; hash cookies of one name share their value on purpose. */
  readonly scope: string;
  /** Ids of the backends that tokens may lead to. */
  readonly backends: readonly string[];
  /** In the route, as written: what brings it to the rule. */
  readonly path: FieldPath;
}

/** A reference, and who is asked about its session, in order. */
export interface GovernedReference {
  readonly reference: CompiledReference;
  readonly sessions: readonly Voice<SessionPersistence>[];
}

/** Each session that governs references of the rule at `path`, once, with the backends that it leads to. */
export function keptSessions(
  reading: HttpRouteReading,
  path: FieldPath,
  matches: readonly RouteMatch[],
  splitByHash: boolean,
  governed: readonly GovernedReference[],
): KeptName[] {
  const bySession = Map.groupBy(
    governed.filter(({ sessions }) => sessions.length > 0),
    ({ sessions }) => sessions[0]?.value as SessionPersistence,
  );
  return [...bySession].map(([session, all]) => {
    const { reference, sessions } = all[0] as GovernedReference;
    const winner = sessions[0] as Voice<SessionPersistence>;
    const at = isAtBackend(winner.standing) ? reference.path : path;
    const backends = all.map((one) => one.reference.weighted.backend).filter((id) => id !== undefined);
    const inUse = all.filter((one) => one.reference.weighted.weight > 0);
    const isShared = new Set(inUse.map((one) => one.reference.weighted.backend)).size > 1;
    return {
      ...nameOf(session),
      outside: outsideOf(session, matches),
      // Where the hash chooses, a client stays with its backend.
      isTorn: isShared && session.split === "weight" && !splitByHash,
      scope: session.scope,
      backends: [...new Set(backends)].sort(),
      path: winner.by === reading.object ? winner.path : reading.writtenPath(at),
    };
  });
}

function nameOf({
  carrier,
}: SessionPersistence): Pick<KeptName, "kind" | "name" | "cookiePath" | "cookieDomain"> {
  const { kind, name } = carrier;
  if (kind === "header" || kind === "wrappedHeader") return { kind: "header", name: name.toLowerCase() };
  if (kind === "wrappedCookie") return { kind: "cookie", name };
  return { kind: "cookie", name, cookiePath: carrier.path, cookieDomain: domainIn(carrier.attributes) };
}

/** Regular expressions are not looked into, and where the session itself ends with its path nothing is given outside. */
function outsideOf({ carrier }: SessionPersistence, matches: readonly RouteMatch[]): string | undefined {
  if (carrier.kind !== "cookie" || carrier.onlyUnderPath !== undefined) return undefined;
  const { path: cookiePath } = carrier;
  if (cookiePath === undefined || !cookiePath.startsWith("/")) return undefined;
  const outside = matches.find(({ path }) => path.type !== "regex" && !isSentTo(path.value, cookiePath));
  return outside?.path.value;
}

/** Of all that is hashed for a reference, the cookies that whoever has none is given. */
export function hashCookies(
  reading: HttpRouteReading,
  reference: CompiledReference,
  policies: readonly HashPolicy[],
): KeptName[] {
  return policies.flatMap((policy): KeptName[] => {
    if (policy.kind !== "cookie" || policy.ttlSec === undefined) return [];
    const { name, path: cookiePath, attributes } = policy;
    const path = reading.writtenPath(reference.path);
    const scope = `hash cookie ${name}`;
    return [
      { kind: "cookie", name, cookiePath, cookieDomain: domainIn(attributes), scope, backends: [], path },
    ];
  });
}

function domainIn(attributes: readonly CookieAttribute[]): string | undefined {
  return attributes.find(({ name }) => name.toLowerCase() === "domain")?.value;
}
