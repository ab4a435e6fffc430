// Building blocks for schemas: field types that many kinds share, each with an error that says what to write.
import { z } from "zod";
import type { FindingCode, Severity } from "../../model/index.ts";

/** What a schema's own check tells about a value; read by `issues.ts`. */
export interface FieldProblem {
  readonly message: string;
  readonly expected: string;
  readonly hint: string;
  readonly code?: FindingCode;
  readonly severity?: Severity;
  /** Relative to the checked value; default: the value itself. */
  readonly path?: readonly (string | number)[];
  /**
   * Fields, relative to `path`, whose absence is the problem ("": the field itself). Where one was written and could
   * not be read, that is the finding, and this one is left out.
   */
  readonly absent?: readonly string[];
}

/** Adds a check that may object to the value; it runs on whatever could be read, whatever else is wrong. */
export function checked<S extends z.ZodType>(
  schema: S,
  check: (value: z.output<S>) => FieldProblem | readonly FieldProblem[] | undefined,
): S {
  return schema.superRefine((value, context) => {
    const problems = check(value);
    if (problems === undefined) return;
    for (const problem of Array.isArray(problems) ? problems : [problems]) {
      const { path, message, ...params } = problem as FieldProblem;
      context.addIssue({ code: "custom", message, path: [...(path ?? [])], params });
    }
  }) as S;
}

/** A cross-field rule: `checked` with the severity and code of the CRDs' own validation rules. */
export function rule(problem: Omit<FieldProblem, "code">): FieldProblem {
  return { code: "conflicting-fields", ...problem };
}

/** What to say where a text of a certain form was expected and something else than a text was found. */
export const TEXT_FORMS = z.registry<{
  readonly expected: string;
  readonly hint: string;
  readonly pattern: RegExp;
  readonly maxLength: number;
}>();

/** Entries whose name an earlier entry of the list has already, where the CRD has the list keyed by name. */
export function repeatedNames(
  entries: readonly { readonly name?: string | undefined }[],
  what: string,
): FieldProblem[] {
  const seen = new Set<string>();
  const problems: FieldProblem[] = [];
  for (const [index, { name }] of entries.entries()) {
    if (name === undefined) continue;
    if (seen.has(name)) {
      problems.push(
        rule({
          path: [index, "name"],
          message: `two ${what} are called ${name}`,
          expected: `${what} with names of their own`,
          hint: "remove one of them, or give it another name",
        }),
      );
    }
    seen.add(name);
  }
  return problems;
}

/** Headers whose name an earlier entry has in other letters: the CRD lets them through, and only the first counts. */
export function equivalentNames(entries: readonly { readonly name: string }[]): FieldProblem[] {
  const names = entries.map(({ name }) => name);
  const lower = names.map((name) => name.toLowerCase());
  return names.flatMap((name, index) => {
    const first = names[lower.indexOf(lower[index] as string)] as string;
    if (first === name) return [];
    return [
      {
        path: [index],
        code: "field-ignored",
        severity: "warning",
        message: `${name} is the same header as ${first}, of which only the first entry counts`,
        expected: "each header once",
        hint: "remove one of them",
      },
    ];
  });
}

/** Entries that the list has already, where the CRD has it as a set. */
export function repeatedValues(values: readonly (string | number)[]): FieldProblem[] {
  return values.flatMap((value, index) => {
    if (values.indexOf(value) === index) return [];
    const hint = "remove one of them";
    return [
      rule({ path: [index], message: `${value} stands here twice`, expected: "each entry once", hint }),
    ];
  });
}

/** A text of a certain form. `example` is printed as what to write instead. */
export function text(
  pattern: RegExp,
  expected: string,
  example: string,
  maxLength = Number.POSITIVE_INFINITY,
) {
  const hint = `write for example ${example}`;
  const schema = checked(z.string(), (value) => {
    if (value.length > maxLength) {
      return {
        message: `the text has ${value.length} characters`,
        expected: `at most ${maxLength} characters`,
        hint: `shorten it to ${maxLength} characters`,
      };
    }
    if (pattern.test(value)) return undefined;
    return { message: `${JSON.stringify(value)} has the wrong form`, expected, hint };
  });
  return schema.register(TEXT_FORMS, { expected, hint, pattern, maxLength });
}

/**
 * A field that is known and has no effect here: its value is checked against its schema, and a warning says so.
 * `hint` tells what to do instead.
 */
export function ignored<S extends z.ZodType>(schema: S, why: string, hint: string) {
  return withFate(schema, {
    code: "field-ignored",
    message: why,
    expected: "a field that Limpet honours",
    hint,
  });
}

/** A field that is honoured in a way that differs from what it says. */
export function approximated<S extends z.ZodType>(schema: S, how: string, hint: string) {
  return withFate(schema, {
    code: "field-approximated",
    message: how,
    expected: "what the field says, exactly",
    hint,
  });
}

function withFate<S extends z.ZodType>(schema: S, problem: FieldProblem) {
  return checked(schema, () => problem).optional();
}

/** Gateway API Duration (GEP-2257), such as `10s` or `1h30m`. */
export const duration = text(
  /^([0-9]{1,5}(h|m|s|ms)){1,4}$/,
  "one to four numbers with a unit h, m, s or ms; no fraction, no sign, no days",
  "90s, 1h30m or 500ms",
);

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Milliseconds of a valid Duration; 0 for a text that is none. */
export function durationMs(value: string): number {
  let sum = 0;
  for (const [, count, unit] of value.matchAll(/([0-9]+)(ms|h|m|s)/g)) {
    sum += Number(count) * (UNIT_MS[unit as string] as number);
  }
  return sum;
}

/** RFC 9110 token: what header and cookie names are made of. */
export const fieldName = text(
  /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/,
  "a name of letters, digits and !#$%&'*+-.^_`|~",
  "x-user",
  256,
);

/** Method of a request that is sent; what is no token would be a second line, or a second request, to who reads it. */
export const methodName = text(
  /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/,
  "a name of letters, digits and !#$%&'*+-.^_`|~",
  "GET",
  32,
);

/** Name of an object (RFC 1123 subdomain). */
export const objectName = text(
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  "lower-case letters, digits, - and . with a letter or digit at both ends",
  "my-app",
  253,
);

/** Namespace (RFC 1123 label). */
export const namespaceName = text(
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  "lower-case letters, digits and - with a letter or digit at both ends",
  "default",
  63,
);

/** API group; "" is the core API. */
export const groupName = text(
  /^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  "an API group without version",
  "gateway.networking.k8s.io",
  253,
);

export const kindName = text(/^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/, "the name of a kind", "Service", 63);

/** Name of a listener or a rule. */
export const sectionName = objectName;

export const portNumber = z.int().min(1).max(65535);

/** Reference to a policy's target in the same namespace (GEP-713). */
export const localTarget = z.strictObject({ group: groupName, kind: kindName, name: objectName });

/** As `localTarget`, to one listener, rule or port of the target. */
export const localTargetWithSection = localTarget.extend({ sectionName: sectionName.optional() });
