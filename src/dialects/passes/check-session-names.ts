// After the routes: sessions' cookies and headers that do not come back: overwritten by another, not sent, or refused.
import { type FindingCode, objectKey, objectText } from "../../model/index.ts";
import { draftFinding, type FindingDraft, type FindingText, pathText } from "../findings.ts";
import type { CompiledRoute, NameAtHosts } from "../gateway-api/compile-route.ts";
import type { Recall } from "../memory.ts";

export function checkSessionNames(routes: readonly CompiledRoute[], recall: Recall): readonly FindingDraft[] {
  return recall.result("session names", "", [routes], () => {
    const names = routes.flatMap((route) => route.names);
    const byName = Map.groupBy(
      names,
      // Cookies of another path or domain are others: a browser keeps them side by side, and all of them are tried.
      ({ kind, name, cookieDomain = "" }) => `${kind} ${name} ${cookieDomain}`,
    );
    const findings = new Map<string, FindingDraft>();
    for (const uses of byName.values()) {
      const seen = new HostUses();
      for (const use of uses) {
        const other = seen.collision(use);
        seen.add(use);
        if (other === undefined) continue;
        // One session at many rules is told once.
        const place = `${objectKey(use.route)} ${pathText(use.path)}`;
        const key = other.scope === use.scope ? use.scope : place;
        if (findings.has(key)) continue;
        findings.set(key, draftFinding("session-name-collision", use.route, use.path, text(use, other)));
      }
    }
    return [
      ...findings.values(),
      ...drafts("session-name-collision", names, torn),
      ...drafts("cookie-not-sent", names, notSent),
      ...drafts("cookie-refused", names, refused),
    ];
  });
}

/** Once for each place that brings such a name to a rule. */
function drafts(
  code: FindingCode,
  names: readonly NameAtHosts[],
  textOf: (use: NameAtHosts) => FindingText | undefined,
): FindingDraft[] {
  const findings = new Map<string, FindingDraft>();
  for (const use of names) {
    const text = textOf(use);
    if (text === undefined) continue;
    const place = `${objectKey(use.route)} ${pathText(use.path)} ${use.name}`;
    if (!findings.has(place)) findings.set(place, draftFinding(code, use.route, use.path, text));
  }
  return [...findings.values()];
}

/** One session at several backends of a rule, where a client has one token and comes to all of them in turn. */
function torn({ kind, name, isTorn }: NameAtHosts): FindingText | undefined {
  if (isTorn !== true) return undefined;
  return {
    message: `weights choose a backend for every request, and each overwrites the token that the ${kind} ${name} has for another`,
    expected: "a session for each backend, or clients that stay with one",
    hint: "declare the session at the backends, such as by an AffinityPolicy that targets them and names no cookie, or at the route with split: session",
  };
}

function notSent({ name, cookiePath, outside }: NameAtHosts): FindingText | undefined {
  if (outside === undefined) return undefined;
  return {
    message: `the rule takes ${outside} too, where browsers do not send the cookie ${name} of path ${cookiePath}: each request there begins a session that overwrites theirs`,
    expected: "a cookie for all paths of its rule",
    hint: "write path: /, or match no other paths; nothing, where a proxy in front puts them under that path",
  };
}

/** Cookies of a domain that a host of their route does not lie in (RFC 6265 section 5.3). */
function refused({ name, cookieDomain, hosts }: NameAtHosts): FindingText | undefined {
  if (cookieDomain === undefined) return undefined;
  // A dot in front means nothing any more.
  const domain = cookieDomain.toLowerCase().replace(/^\./, "");
  const host = hosts.find((one) => !mayLieIn(one, domain));
  if (host === undefined) return undefined;
  return {
    message: `browsers refuse the cookie ${name} of the domain ${cookieDomain} from ${host}, which is no part of it`,
    expected: "a domain that all hosts of the route lie in, or none",
    hint: "remove domain, or declare a session for each domain",
  };
}

/** Of a wildcard: whether any host of it does. */
function mayLieIn(host: string, domain: string): boolean {
  const isIn = (one: string, whole: string) => one === whole || one.endsWith(`.${whole}`);
  if (!host.startsWith("*")) return isIn(host, domain);
  const base = host.slice(2);
  return base === "" || isIn(base, domain) || isIn(domain, base);
}

/** Uses of one name, by host, so that thousands of routes with hosts of their own are quickly told apart. */
class HostUses {
  readonly #byHost = new Map<string, readonly NameAtHosts[]>();
  readonly #wild: [host: string, use: NameAtHosts][] = [];

  collision(use: NameAtHosts): NameAtHosts | undefined {
    for (const host of use.hosts) {
      const found = this.#near(host).find((other) => collides(use, other));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  add(use: NameAtHosts): void {
    for (const host of use.hosts) {
      const there = this.#byHost.get(host) ?? [];
      const alike = there.filter(({ cookiePath }) => cookiePath === use.cookiePath);
      // Whatever comes collides with one of two that differ, so no more of them are needed.
      if (alike.length > 1 || alike.some((other) => isSame(other, use))) continue;
      this.#byHost.set(host, [...there, use]);
      if (host.startsWith("*")) this.#wild.push([host, use]);
    }
  }

  /** Uses at hosts that this one overlaps with, the same first. */
  #near(host: string): NameAtHosts[] {
    const near = [...(this.#byHost.get(host) ?? [])];
    for (const [wild, use] of this.#wild) if (overlap(wild, host)) near.push(use);
    if (!host.startsWith("*")) return near;
    for (const [other, uses] of this.#byHost) if (overlap(host, other)) near.push(...uses);
    return near;
  }
}

function isSame(a: NameAtHosts, b: NameAtHosts): boolean {
  return a.scope === b.scope && sameBackends(a, b);
}

function overlap(wild: string, host: string): boolean {
  if (wild === "*" || host === "*") return true;
  return host.endsWith(wild.slice(1)) || (host.startsWith("*") && wild.endsWith(host.slice(1)));
}

function collides(a: NameAtHosts, b: NameAtHosts): boolean {
  const samePath = a.cookiePath === b.cookiePath || a.cookiePath === undefined || b.cookiePath === undefined;
  return samePath && !isSame(a, b);
}

function sameBackends(a: NameAtHosts, b: NameAtHosts): boolean {
  return a.backends.length === b.backends.length && a.backends.every((id, index) => id === b.backends[index]);
}

function text(use: NameAtHosts, other: NameAtHosts): FindingText {
  const { kind, name } = use;
  const where = other.route === use.route ? "this route" : objectText(other.route);
  if (use.scope === other.scope) {
    return {
      message: `the session in the ${kind} ${name} leads to other backends at another rule of ${where}, and each overwrites the other's token`,
      expected: "a session for each set of backends",
      hint: "declare a session for each rule or backend; a cookie of an AffinityPolicy that has no name does",
    };
  }
  return {
    message: `another session of ${where} uses the ${kind} ${name} too, and each overwrites the other's token`,
    expected: "a name of its own for each session",
    hint: `write another name, for example ${name}-2`,
  };
}
