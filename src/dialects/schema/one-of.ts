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
