// `session` of an AffinityPolicy: its fields, their bounds and how they go together.
import { z } from "zod";
import { sessionHeaderName } from "../policies/session-headers.ts";
import { checked, duration, durationMs, type FieldProblem, fieldName, rule } from "../schema/fields.ts";
import { exactlyOneOf } from "../schema/one-of.ts";
import { sessionCookie } from "./cookie-fields.ts";
import { validation } from "./validation.ts";

/** A time of RFC 3339 as the policy's reader understands it. */
const time = z.iso.datetime({ offset: true });

const header = z
  .strictObject({ name: sessionHeaderName.describe("Name of the header, in requests and responses.") })
  .describe(
    "A header in place of a cookie, for clients without a cookie jar, which send back what they were sent.",
  );

const wrap = checked(
  z.strictObject({
    header: sessionHeaderName
      .optional()
      .describe("Header in which the application hands out its session, such as `Mcp-Session-Id`."),
    cookie: fieldName
      .optional()
      .describe("Cookie in which the application hands out its session, such as `JSESSIONID`."),
  }),
  (value) => exactlyOneOf(value, { header: "Mcp-Session-Id", cookie: "JSESSIONID" }),
).meta({
  description:
    "The application's own session: what it sets reaches the client wrapped together with the endpoint, and comes back to the application as it was. A session begins when the application begins one.",
  ...validation(["has(self.header) != has(self.cookie)", "exactly one of header and cookie"]),
});

const token = checked(
  z.strictObject({
    format: z
      .enum(["sealed", "envoy"])
      .optional()
      .describe(
        "`sealed`: encrypted and authenticated; an error where the gateway has no keys. `envoy`: Envoy's bytes, readable and not signed. Left out: `sealed` where the gateway has keys, else `envoy`, with a finding.",
      ),
    identity: z
      .enum(["uid", "hostname", "address"])
      .default("uid")
      .describe(
        "What tells an endpoint from a stranger that got its address later: the Pod's UID, its host name (of a StatefulSet, so that a restarted Pod gets its sessions back), or nothing but the address. Of sealed tokens alone.",
      ),
    notBefore: time
      .optional()
      .describe(
        "Sessions that began before this time are over: they begin anew. RFC 3339. Of sealed tokens alone.",
      ),
    acceptEnvoyUntil: time
      .optional()
      .describe(
        "Tokens in Envoy's format are followed until this time, so that its sessions go on; anybody can write such a token. RFC 3339. Of sealed tokens alone.",
      ),
  }),
  (value) => {
    if (value.format !== "envoy") return undefined;
    return (["notBefore", "acceptEnvoyUntil"] as const)
      .filter((field) => value[field] !== undefined)
      .map((field) =>
        rule({
          path: [field],
          message: `${field} is a matter of sealed tokens`,
          expected: "format: sealed",
          hint: `remove ${field}, or remove format: envoy`,
        }),
      );
  },
).meta({
  description: "How the token is written.",
  ...validation([
    "!has(self.format) || self.format != 'envoy' || !(has(self.notBefore) || has(self.acceptEnvoyUntil))",
    "notBefore and acceptEnvoyUntil are a matter of sealed tokens",
  ]),
});

const onLost = checked(
  z.strictObject({
    action: z
      .enum(["reassign", "reject"])
      .describe(
        "`reassign`: another endpoint takes the session over. `reject`: the request is refused and never reaches another endpoint.",
      ),
    status: z
      .int()
      .min(400)
      .max(599)
      .optional()
      .describe(
        "Status of the refusal. Left out: 503, and 404 for `wrap.header`, by which clients of MCP know that they have to begin anew.",
      ),
  }),
  ({ action, status }) => {
    if (action === "reject" || status === undefined) return undefined;
    return {
      path: ["status"],
      code: "field-ignored",
      severity: "info",
      message: "a session that is reassigned is not refused, so the status is never sent",
      expected: "action: reject beside a status",
      hint: "remove status, or write action: reject",
    };
  },
).describe(
  "What happens when the endpoint is gone or does not serve. Left out: `reassign`, and `reject` for `wrap.header`.",
);

const EXAMPLES = {
  cookie: "{name: session}",
  header: "{name: x-session}",
  wrap: "{cookie: JSESSIONID}",
} as const;

export const sessionSchema = checked(
  z.strictObject({
    cookie: sessionCookie.optional(),
    header: header.optional(),
    wrap: wrap.optional(),
    lifetime: z
      .enum(["Session", "Permanent"])
      .optional()
      .describe(
        "Of the cookie. `Session` (the default): until the browser ends. `Permanent`: `Max-Age` is what is left of `absoluteTimeout`, which is required then.",
      ),
    absoluteTimeout: duration
      .optional()
      .describe(
        "The session ends so long after it began, however much it is used. `0s`, or left out: it does not.",
      ),
    idleTimeout: duration
      .optional()
      .describe(
        "The session ends when it was not used for so long, and up to a sixteenth of that later. `0s`, or left out: it does not. Not for `wrap`, whose value only the application can renew.",
      ),
    token: token.prefault({}),
    split: z
      .enum(["session", "weight"])
      .optional()
      .describe(
        "Which wins where a rule splits its requests by weight: `session` keeps the client with its backend whatever the weights, `weight` chooses the backend for every request and keeps the endpoint inside it, if each backend has a session of its own. Left out: `session`, and `weight` where the policy targets a backend.",
      ),
    onLost: onLost.optional(),
    drain: z
      .strictObject({
        timeout: duration.describe(
          "Sessions leave an endpoint that has been draining for so long; `0s`: at once.",
        ),
      })
      .optional()
      .describe(
        "What becomes of sessions on an endpoint that is terminating and still serves. Left out: they stay until it is gone.",
      ),
    noCache: z
      .boolean()
      .default(false)
      .describe(
        "Responses that carry a new token tell shared caches to keep away: a stored token would send everybody to one endpoint.",
      ),
  }),
  sessionRules,
).meta({
  description: "Session persistence: the client is brought back to its endpoint by a token that it carries.",
  ...validation(
    [
      "[has(self.cookie), has(self.header), has(self.wrap)].exists_one(x, x)",
      "exactly one of cookie, header and wrap",
    ],
    ["!has(self.lifetime) || has(self.cookie)", "lifetime is a matter of cookies"],
    [
      "!has(self.lifetime) || self.lifetime != 'Permanent' || has(self.absoluteTimeout)",
      "the lifetime Permanent needs absoluteTimeout",
    ],
    ["!has(self.idleTimeout) || !has(self.wrap)", "idleTimeout cannot stand beside wrap"],
  ),
});

export type SessionValue = z.output<typeof sessionSchema>;

interface SessionParts {
  readonly cookie?: unknown;
  readonly header?: unknown;
  readonly wrap?: unknown;
  readonly lifetime?: "Session" | "Permanent" | undefined;
  readonly absoluteTimeout?: string | undefined;
  readonly idleTimeout?: string | undefined;
}

function sessionRules(value: SessionParts): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const union = exactlyOneOf(value, EXAMPLES);
  if (union !== undefined) problems.push(union);
  if (value.lifetime !== undefined && value.cookie === undefined) {
    problems.push(
      rule({
        path: ["lifetime"],
        absent: ["cookie"],
        message: "lifetime is that of a cookie, and there is none",
        expected: "cookie",
        hint: "remove lifetime: absoluteTimeout holds for headers too",
      }),
    );
  }
  if (value.lifetime === "Permanent" && durationMs(value.absoluteTimeout ?? "0s") === 0) {
    problems.push(
      rule({
        absent: ["absoluteTimeout"],
        message: "lifetime is Permanent and there is no absoluteTimeout",
        expected: "absoluteTimeout, which becomes the cookie's Max-Age",
        hint: "add absoluteTimeout: 8h, or write lifetime: Session",
      }),
    );
  }
  if (value.idleTimeout !== undefined && value.wrap !== undefined) {
    problems.push(
      rule({
        path: ["idleTimeout"],
        message: "only the application can renew its own session, so a wrapped one has no idleTimeout",
        expected: "absoluteTimeout, or the application's own timeout",
        hint: "remove idleTimeout",
      }),
    );
  }
  return problems;
}
