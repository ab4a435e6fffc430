// What browsers ask of a cookie before they take it (RFC 6265bis, CHIPS): checked where any dialect sets one.
import type { CookieAttribute } from "../../model/index.ts";
import type { FieldProblem } from "../schema/fields.ts";

export interface CookieShape {
  readonly name?: string | undefined;
  readonly path?: string | undefined;
  readonly domain?: string | undefined;
  readonly sameSite?: string | undefined;
  /** Whether it is `Secure` wherever it is set. */
  readonly secure: boolean;
  readonly partitioned?: boolean | undefined;
}

/** Empty: no browser refuses it for what it is. */
export function cookieRefusals(cookie: CookieShape): Omit<FieldProblem, "code">[] {
  const { path, domain, sameSite, secure, partitioned } = cookie;
  const name = cookie.name?.toLowerCase() ?? "";
  const refusals: Omit<FieldProblem, "code">[] = [];
  const refuse = (absent: string | undefined, what: string, expected: string, hint: string): void => {
    const message = `browsers refuse ${what}`;
    refusals.push({ message, expected, hint, ...(absent === undefined ? {} : { absent: [absent] }) });
  };
  if (!secure) {
    const needy =
      sameSite?.toLowerCase() === "none"
        ? "a cookie with SameSite=None that is not Secure"
        : partitioned === true
          ? "a partitioned cookie that is not Secure"
          : name.startsWith("__host-") || name.startsWith("__secure-")
            ? `the name ${cookie.name} for a cookie that is not Secure`
            : undefined;
    if (needy !== undefined) refuse("secure", needy, "secure: true", "add secure: true");
  }
  if (!name.startsWith("__host-")) return refusals;
  if (path !== "/") {
    refuse("path", `the name ${cookie.name} for a cookie whose path is not /`, "path: /", "write path: /");
  }
  if (domain !== undefined) {
    refuse(undefined, `the name ${cookie.name} for a cookie with a domain`, "no domain", "remove domain");
  }
  return refusals;
}

/** What is said of a cookie that is never made: without a ttl Envoy reads the application's own. */
export function ofUnmadeCookie(said: Readonly<Record<string, boolean>>): FieldProblem[] {
  return Object.keys(said)
    .filter((field) => said[field])
    .map((field) => ({
      path: [field],
      code: "field-ignored" as const,
      severity: "warning" as const,
      message: `no cookie is made without a ttl, so ${field} has no effect`,
      expected: "ttl beside it",
      hint: `add ttl: 0s if the gateway is to make the cookie, or remove ${field}`,
    }));
}

/** Envoy cuts what is left of a second: from a moment becomes a cookie for as long as the browser runs. */
export function cutSeconds(ttlMs: number): FieldProblem[] {
  if (ttlMs % 1000 === 0) return [];
  const seconds = Math.floor(ttlMs / 1000);
  const kept = seconds === 0 ? "a cookie for as long as the browser runs" : `${seconds}s`;
  return [
    {
      path: ["ttl"],
      code: "field-approximated",
      severity: "warning",
      message: `the ttl is cut to whole seconds, as by Envoy: ${kept}`,
      expected: "a whole number of seconds",
      hint: `write ttl: ${Math.ceil(ttlMs / 1000)}s`,
    },
  ];
}

/** Whether browsers send a cookie of this path with requests for that one (RFC 6265 section 5.1.4). */
export function isSentTo(requestPath: string, cookiePath: string): boolean {
  if (!requestPath.startsWith(cookiePath)) return false;
  return (
    requestPath.length === cookiePath.length ||
    cookiePath.endsWith("/") ||
    requestPath[cookiePath.length] === "/"
  );
}

/**
 * The same as findings, for dialects whose CRDs let such cookies through. `secureOnTls`: it becomes `Secure` where the
 * listener speaks TLS, so that what needs it is refused elsewhere only.
 */
export function refusedCookie(
  name: string,
  path: string | undefined,
  attributes: readonly CookieAttribute[],
  secureOnTls = false,
): FieldProblem[] {
  const attribute = (wanted: string) => attributes.find((one) => one.name.toLowerCase() === wanted);
  const shape = {
    name,
    path: path ?? attribute("path")?.value,
    domain: attribute("domain")?.value,
    sameSite: attribute("samesite")?.value,
    partitioned: attribute("partitioned") !== undefined,
  };
  const isSecure = attribute("secure") !== undefined;
  const findings = cookieRefusals({ ...shape, secure: isSecure || secureOnTls }).map(
    ({ absent: _, ...refusal }): FieldProblem => ({
      ...refusal,
      code: "cookie-refused",
      severity: "warning",
    }),
  );
  if (isSecure || !secureOnTls) return findings;
  const inPlainText = cookieRefusals({ ...shape, secure: false }).find(({ absent }) =>
    absent?.includes("secure"),
  );
  if (inPlainText === undefined) return findings;
  const message = `on listeners without TLS ${inPlainText.message}`;
  const hint = "use it on listeners of protocol HTTPS";
  return [...findings, { code: "cookie-refused", severity: "info", message, expected: "TLS", hint }];
}
