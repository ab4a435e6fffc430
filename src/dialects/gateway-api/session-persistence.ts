// sessionPersistence in every generation of Gateway API (GEP-1619): the fields and what they become.
import { z } from "zod";
import type { SessionPersistence } from "../../model/index.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import { sessionHeaderName } from "../policies/session-headers.ts";
import { declaredAt } from "../policies/session-origin.ts";
import { sessionRemarks } from "../policies/session-remarks.ts";
import { tokenRules } from "../policies/token-rules.ts";
import { checked, duration, durationMs, type FieldProblem, fieldName, rule, text } from "../schema/fields.ts";
import type { Reading } from "../schema/read-object.ts";
import type { TranslateOptions } from "../translation.ts";

const lifetimeType = z.enum(["Permanent", "Session"]).default("Session");

const cookie = z.strictObject({
  name: fieldName.optional(),
  path: text(/^[^\x00-\x1f\x7f;]*$/, "a cookie path without ; and control characters", "/shop", 1024).default(
    "/",
  ),
  lifetimeType,
});

const common = {
  absoluteTimeout: duration.optional(),
  type: z.enum(["Cookie", "Header"]).default("Cookie"),
  cookie: cookie.optional(),
  header: z.strictObject({ name: sessionHeaderName }).optional(),
};

const only17 = z.strictObject(common);

const either = z.strictObject({
  ...common,
  sessionName: fieldName.optional(),
  idleTimeout: duration.optional(),
  cookieConfig: z.strictObject({ lifetimeType }).optional(),
});

type Value17 = z.output<typeof only17>;
export type SessionPersistenceValue = z.output<typeof either>;

/** What XBackend takes: the form of 1.7 and no other. */
export const sessionPersistence17 = checked(only17, rulesOf17);

/** What rules and XBackendTrafficPolicy take: the form of 1.7, or that of 1.1 to 1.6, never both at once. */
export const sessionPersistence = checked(either, (value) => {
  if (value.cookie === undefined && value.header === undefined) return rulesOf16(value);
  const old = OLD_FIELDS.filter((field) => value[field] !== undefined);
  const mixed = old.map((field) =>
    rule({
      path: [field],
      message: `${field} belongs to Gateway API 1.1 to 1.6 and stands beside fields of 1.7`,
      expected: "the fields of one generation",
      hint: `remove ${field}${REPLACED_BY[field]}`,
    }),
  );
  return [...mixed, ...rulesOf17(value)];
});

const OLD_FIELDS = ["sessionName", "idleTimeout", "cookieConfig"] as const;
const REPLACED_BY = {
  sessionName: " and write cookie.name or header.name",
  idleTimeout: ": 1.6 took it out of the API",
  cookieConfig: " and write cookie.lifetimeType",
} as const;

function rulesOf16(value: SessionPersistenceValue): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (value.cookieConfig?.lifetimeType === "Permanent" && isZero(value.absoluteTimeout)) {
    problems.push(permanentNeedsTimeout("cookieConfig.lifetimeType"));
  }
  if (value.cookieConfig !== undefined && value.type !== "Cookie")
    problems.push(wrongUnion("cookieConfig", "Cookie"));
  return problems;
}

function rulesOf17(value: Value17): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (value.cookie?.lifetimeType === "Permanent" && isZero(value.absoluteTimeout)) {
    problems.push(permanentNeedsTimeout("cookie.lifetimeType"));
  }
  if (value.cookie !== undefined && value.type !== "Cookie") problems.push(wrongUnion("cookie", "Cookie"));
  if (value.header !== undefined && value.type !== "Header") problems.push(wrongUnion("header", "Header"));
  if (value.cookie === undefined && value.type === "Cookie")
    problems.push(missingUnion("cookie", "Cookie", "{}"));
  if (value.header === undefined && value.type === "Header") {
    problems.push(missingUnion("header", "Header", "{name: x-session}"));
  }
  return problems;
}

/** Absent, or the same as absent: no session ends before it begins. */
function isZero(timeout: string | undefined): boolean {
  return timeout === undefined || durationMs(timeout) === 0;
}

function permanentNeedsTimeout(field: string): FieldProblem {
  return rule({
    absent: ["absoluteTimeout"],
    message: `${field} is Permanent and there is no absoluteTimeout`,
    expected: "absoluteTimeout, which becomes the cookie's Max-Age",
    hint: "add absoluteTimeout: 1h, or use the lifetime Session",
  });
}

function wrongUnion(field: string, type: string): FieldProblem {
  return rule({
    path: [field],
    message: `${field} may only stand beside type ${type}`,
    expected: `type: ${type}`,
    hint: `write type: ${type}, or remove ${field}`,
  });
}

function missingUnion(field: string, type: string, example: string): FieldProblem {
  return rule({
    absent: [field],
    message: `a session of type ${type} needs ${field}`,
    expected: field,
    hint: `add ${field}: ${example}`,
  });
}

/** Where a session is declared: what its scope and a generated name are made of. */
export interface SessionDeclaration {
  readonly reading: Reading;
  /** Path in `reading.value`. */
  readonly path: FieldPath;
  /** `HTTPRoute/default/shop`, followed by the rule: never an index. */
  readonly scope: string;
  /** What a name is generated from; unique and stable. */
  readonly suffix: string;
  /** Rules and XBackendTrafficPolicy are deprecated since 1.7 in favour of XBackend. */
  readonly place: "rule" | "policy" | "XBackend";
  readonly options: TranslateOptions;
}

/**
 * What the fields mean. Product defaults: cookie path `/`, `SameSite=Lax`, `Secure` on TLS listeners.
 *
 * Weights: a rule of 1.6 keeps the session with its first backend; since 1.7 the weights choose for every request and
 * the session pins inside. A policy on a backend pins inside too, in its old form as well: GEP-1619 leaves it open what
 * becomes of a split of which only one backend is persistent, and keeping sessions there would drain all clients to it.
 */
export function compileSession(
  value: SessionPersistenceValue,
  declared: SessionDeclaration,
): { readonly session: SessionPersistence; readonly findings: readonly FindingDraft[] } {
  const is17 = value.cookie !== undefined || value.header !== undefined;
  const lifetime = value.cookie?.lifetimeType ?? value.cookieConfig?.lifetimeType ?? "Session";
  const given = value.sessionName ?? (value.type === "Cookie" ? value.cookie?.name : value.header?.name);
  const name = given ?? `${value.type === "Cookie" ? "" : "x-"}limpet-${declared.suffix}`;
  const session: SessionPersistence = {
    carrier:
      value.type === "Cookie"
        ? {
            kind: "cookie",
            name,
            path: value.cookie?.path ?? "/",
            lifetime,
            attributes: [{ name: "SameSite", value: "Lax" }],
            secureOnTls: true,
          }
        : { kind: "header", name: name.toLowerCase() },
    ...seconds("absoluteTimeoutSec", value.absoluteTimeout),
    ...seconds("idleTimeoutSec", value.idleTimeout),
    // The field says "once the duration has elapsed": Envoy's rule would add up to a second to it.
    endSecond: "excluded",
    split: is17 || declared.place !== "rule" ? "weight" : "session",
    onLost: { action: "reassign" },
    token: tokenRules(declared.options),
    origin: declaredAt(declared.reading.object, declared.reading.writtenPath(declared.path)),
    scope: `${declared.scope}/${name}`,
  };
  return { session, findings: remarks(value, declared, is17, name, session) };
}

/** Rounded up, because tokens count whole seconds; a timeout of zero is none. */
function seconds<K extends string>(key: K, text: string | undefined): { readonly [P in K]?: number } {
  const ms = text === undefined ? 0 : durationMs(text);
  return (ms === 0 ? {} : { [key]: Math.ceil(ms / 1000) }) as { readonly [P in K]?: number };
}

function remarks(
  value: SessionPersistenceValue,
  { reading, path, place }: SessionDeclaration,
  is17: boolean,
  name: string,
  session: SessionPersistence,
): FindingDraft[] {
  const at = reading.writtenPath(path);
  const findings: FindingDraft[] = [];
  if (!is17) {
    findings.push(
      draftFinding("deprecated-shape", reading.object, at, {
        message: "this is the form of Gateway API 1.1 to 1.6, which the CRDs of 1.7 reject",
        expected: "the form of Gateway API 1.7",
        hint: `write sessionPersistence: ${newForm(value, name)}${changes(value, place)}`,
      }),
    );
  } else if (place !== "XBackend") {
    findings.push(
      draftFinding("deprecated-shape", reading.object, at, {
        message: "sessionPersistence is deprecated at this place since Gateway API 1.7",
        expected: "sessionPersistence in the spec of an XBackend",
        hint: `let the backendRef name an XBackend with sessionPersistence: ${newForm(value, name)}`,
      }),
    );
  }
  findings.push(...sessionRemarks(reading, path, session));
  for (const field of ["absoluteTimeout", "idleTimeout"] as const) {
    if (value[field] === undefined) continue;
    const ms = durationMs(value[field]);
    if (ms === 0) findings.push(noTimeout(reading, [...path, field]));
    if (ms % 1000 === 0) continue;
    const text = {
      message: `${field} is rounded up to whole seconds: ${Math.ceil(ms / 1000)}s`,
      expected: "a whole number of seconds",
      hint: `write ${field}: ${Math.ceil(ms / 1000)}s`,
    };
    findings.push(
      draftFinding("field-approximated", reading.object, reading.writtenPath([...path, field]), text),
    );
  }
  return findings;
}

function noTimeout(reading: Reading, path: FieldPath): FindingDraft {
  const field = String(path.at(-1));
  return draftFinding("field-ignored", reading.object, reading.writtenPath(path), {
    message: `${field} of 0s is none: no session ends by it`,
    expected: "a time above 0",
    hint: `write a time after which sessions end, or remove ${field}`,
  });
}

/** What the new form cannot say, or says with another meaning. */
function changes(value: SessionPersistenceValue, place: SessionDeclaration["place"]): string {
  const idle = value.idleTimeout === undefined ? "" : "; it has no idleTimeout";
  return place === "rule"
    ? `${idle}; weights then choose the backend of every request, also within a session`
    : idle;
}

function newForm(value: SessionPersistenceValue, name: string): string {
  const timeout = value.absoluteTimeout === undefined ? "" : `absoluteTimeout: ${value.absoluteTimeout}, `;
  if (value.type === "Header") return `{${timeout}type: Header, header: {name: ${name}}}`;
  const lifetime = value.cookie?.lifetimeType ?? value.cookieConfig?.lifetimeType ?? "Session";
  const path = value.cookie === undefined || value.cookie.path === "/" ? "" : `, path: ${value.cookie.path}`;
  return `{${timeout}cookie: {name: ${name}${path}, lifetimeType: ${lifetime}}}`;
}
