// Cross-field rules about alternatives: of these fields exactly one, or at most one.
import { type FieldProblem, rule } from "./fields.ts";

/** `examples`: what to write for each alternative; the first is the hint where none is there. */
export function exactlyOneOf<Examples extends Readonly<Record<string, string>>>(
  value: { readonly [Name in keyof Examples]?: unknown },
  examples: Examples,
): FieldProblem | undefined {
  const names = Object.keys(examples);
  if (names.some((name) => value[name] !== undefined)) return atMostOneOf(value, names);
  const expected = `exactly one of ${names.join(", ")}`;
  const first = names[0] as string;
  return rule({
    absent: names,
    message: `none of ${names.join(", ")} is there`,
    expected,
    hint: `add ${first}: ${examples[first]}`,
  });
}

export function atMostOneOf<Name extends string>(
  value: { readonly [N in Name]?: unknown },
  names: readonly Name[],
): FieldProblem | undefined {
  const found = names.filter((name) => value[name] !== undefined);
  if (found.length < 2) return undefined;
  return rule({
    path: [found[1] as Name],
    message: `${found.join(" and ")} stand together`,
    expected: `one of ${names.join(", ")}`,
    hint: `keep one of ${found.join(" and ")} and remove the rest`,
  });
}

/** Each field but that of the type must be absent, and that one must be there. */
export function fieldGoesWithType<Type extends string>(
  type: Type,
  value: Readonly<Record<string, unknown>>,
  fieldOf: Readonly<Record<Type, string | undefined>>,
): FieldProblem[] {
  const wanted = fieldOf[type];
  const fields = Object.values<string | undefined>(fieldOf).filter((field) => field !== undefined);
  const problems = fields
    .filter((field) => field !== wanted && value[field] !== undefined)
    .map((field) => notBesideType(field, type));
  if (wanted === undefined || value[wanted] !== undefined) return problems;
  return [
    ...problems,
    rule({
      absent: [wanted],
      message: `the type ${type} needs ${wanted}`,
      expected: wanted,
      hint: `add ${wanted}, or write another type`,
    }),
  ];
}

/** `field` belongs to another type. */
export function notBesideType(field: string, type: string): FieldProblem {
  return rule({
    path: [field],
    message: `${field} may not stand beside type ${type}`,
    expected: `no ${field}`,
    hint: `remove ${field}, or write another type`,
  });
}
