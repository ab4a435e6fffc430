// Fields of the cookies that an AffinityPolicy sets, of sessions and for hashing, and the attributes that they become.
import { z } from "zod";
import type { CookieAttribute } from "../../model/index.ts";
import { cookieRefusals } from "../policies/cookie-rules.ts";
import { checked, fieldName, rule, text } from "../schema/fields.ts";
import { validation } from "./validation.ts";

const LABEL = "[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?";

export const cookiePath = text(
  /^\/[^\x00-\x1f\x7f;]*$/,
  "a path that begins with /, without ; and control characters",
  "/shop",
  1024,
);

export const cookieDomain = text(
  new RegExp(`^${LABEL}(\\.${LABEL})*\\.[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?$`),
  "a DNS name of two labels or more, without a dot in front; no IP address",
  "shop.example",
  253,
);

export const sameSite = z.enum(["Strict", "Lax", "None"]);

/** Of a session. */
export const sessionCookie = checked(
  z.strictObject({
    name: fieldName
      .optional()
      .describe(
        "Name of the cookie. Without one a name is made for each rule, or for each backend that the policy targets: such names never collide.",
      ),
    path: cookiePath.default("/").describe("`Path` of the cookie."),
    domain: cookieDomain
      .optional()
      .describe(
        "`Domain` of the cookie. Without one the cookie is for the host alone that the client asked.",
      ),
    sameSite: sameSite
      .default("Lax")
      .describe(
        "`SameSite` of the cookie. With `Strict` a link from another site begins a new session in place of the old; `None` needs `secure: true`.",
      ),
    secure: z
      .boolean()
      .optional()
      .describe(
        "Whether the cookie is `Secure`. Left out: it is on listeners that speak TLS. Write `true` where something in front of the gateway speaks TLS.",
      ),
    partitioned: z
      .boolean()
      .default(false)
      .describe(
        "`Partitioned` (CHIPS): a jar of its own under each site that embeds this one. Needs `secure: true`.",
      ),
  }),
  (value) => cookieRefusals({ ...value, secure: value.secure === true }).map(rule),
).meta({
  description: "A cookie of the gateway's own. It is always `HttpOnly`, and carries no more than the token.",
  ...validation(
    ["self.sameSite != 'None' || (has(self.secure) && self.secure)", "sameSite None needs secure: true"],
    ["!self.partitioned || (has(self.secure) && self.secure)", "partitioned needs secure: true"],
    [
      "!has(self.name) || !self.name.lowerAscii().startsWith('__host-') || (has(self.secure) && self.secure && self.path == '/' && !has(self.domain))",
      "a __Host- cookie needs secure: true, the path / and no domain",
    ],
    [
      "!has(self.name) || !self.name.lowerAscii().startsWith('__secure-') || (has(self.secure) && self.secure)",
      "a __Secure- cookie needs secure: true",
    ],
  ),
});

interface CookieValue {
  readonly domain?: string | undefined;
  readonly sameSite: string;
  readonly secure?: boolean | undefined;
  readonly partitioned: boolean;
}

/** In this order, behind Max-Age and Path. */
export function cookieAttributes({ domain, sameSite, secure, partitioned }: CookieValue): CookieAttribute[] {
  return [
    ...(domain === undefined ? [] : [{ name: "Domain", value: domain }]),
    { name: "SameSite", value: sameSite },
    ...(partitioned ? [{ name: "Partitioned" }] : []),
    ...(secure === true ? [{ name: "Secure" }] : []),
  ];
}
