// Cross-origin resource sharing: answers preflights and says on responses which origins may read them.
import type { Cors, HeadEdits, RequestHead } from "../model/index.ts";

/** What backends may have said by themselves: the gateway's word replaces it. */
const RESPONSE_FIELDS = [
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "access-control-allow-methods",
  "access-control-allow-headers",
  "access-control-expose-headers",
  "access-control-max-age",
] as const;

/** An asterisk in an origin stands for labels of a host: neither a scheme nor a port. */
const HOST_CHARACTERS = /^[^/:]+$/;

/** Port that an origin need not name; browsers never do. */
const OWN_PORT = /^(?:(http:.*):80|(https:.*):443)$/;

/** One CORS filter made ready: Gateway API `HTTPCORSFilter`, Fetch standard section 3.2. */
export class CorsPolicy {
  readonly #cors: Cors;
  readonly #anyOrigin: boolean;
  readonly #exact: ReadonlySet<string>;
  /** What stands before and after the asterisk. */
  readonly #patterns: readonly (readonly [string, string])[];

  constructor(cors: Cors) {
    this.#cors = cors;
    const origins = cors.allowOrigins.map((origin) => origin.toLowerCase());
    this.#anyOrigin = origins.includes("*");
    this.#exact = new Set(origins.filter((origin) => !origin.includes("*")));
    this.#patterns = origins.filter((origin) => origin !== "*" && origin.includes("*")).map(splitAtAsterisk);
  }

  /** The answer's fields, flat, where the request asks what a later one may do; undefined: it is no preflight. */
  preflight(head: RequestHead): readonly string[] | undefined {
    if (head.method !== "OPTIONS") return undefined;
    const origin = head.get("origin");
    const method = head.get("access-control-request-method");
    if (origin === undefined || method === undefined) return undefined;
    const fields = ["vary", "origin, access-control-request-method, access-control-request-headers"];
    if (!this.#allows(origin)) return fields;
    const { allowMethods, allowHeaders, maxAgeSec } = this.#cors;
    const requested = head.get("access-control-request-headers");
    fields.push(...this.#sharing(origin));
    pushList(fields, "access-control-allow-methods", allowMethods.includes("*") ? [method] : allowMethods);
    // To echo is more than `*` says: that would leave out Authorization, and count for nothing with credentials.
    const asked = requested === undefined ? [] : [requested];
    pushList(fields, "access-control-allow-headers", allowHeaders.includes("*") ? asked : allowHeaders);
    fields.push("access-control-max-age", String(maxAgeSec));
    return fields;
  }

  /** Says on the response to a request of this origin who may read it. */
  apply(origin: string | undefined, edits: HeadEdits): void {
    for (const name of RESPONSE_FIELDS) edits.remove(name);
    // Whether or not an origin was sent: a cache must not hand one client's answer to another.
    if (!this.#isPublic) edits.add("vary", "origin");
    if (origin === undefined || !this.#allows(origin)) return;
    const fields = this.#sharing(origin);
    for (let at = 0; at < fields.length; at += 2) edits.set(fields[at] as string, fields[at + 1] as string);
  }

  /** Every origin gets the same answer. */
  get #isPublic(): boolean {
    return this.#anyOrigin && !this.#cors.allowCredentials;
  }

  #allows(origin: string): boolean {
    if (this.#anyOrigin) return true;
    const lower = origin.toLowerCase();
    const own = OWN_PORT.exec(lower);
    const text = own === null ? lower : ((own[1] ?? own[2]) as string);
    if (this.#exact.has(text)) return true;
    return this.#patterns.some(
      ([before, after]) =>
        text.length > before.length + after.length &&
        text.startsWith(before) &&
        text.endsWith(after) &&
        HOST_CHARACTERS.test(text.slice(before.length, text.length - after.length)),
    );
  }

  /** Of preflights and of what follows alike, as Envoy does it. */
  #sharing(origin: string): string[] {
    const { allowCredentials, exposeHeaders } = this.#cors;
    const fields = ["access-control-allow-origin", this.#isPublic ? "*" : origin];
    if (allowCredentials) fields.push("access-control-allow-credentials", "true");
    // With credentials an asterisk would be the name of a field.
    const exposed = allowCredentials ? exposeHeaders.filter((name) => name !== "*") : exposeHeaders;
    pushList(fields, "access-control-expose-headers", exposed);
    return fields;
  }
}

function splitAtAsterisk(origin: string): readonly [string, string] {
  const at = origin.indexOf("*");
  return [origin.slice(0, at), origin.slice(at + 1)];
}

function pushList(fields: string[], name: string, values: readonly string[]): void {
  if (values.length > 0) fields.push(name, values.join(", "));
}
