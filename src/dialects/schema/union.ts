// Unions as CRDs write them: `type` names the one field that must stand beside it, and no other may.
import { type FieldProblem, rule } from "./fields.ts";

/** `fieldOf`: type -> its field. `what`: what the object is called, such as "a filter". */
export function fieldsFitType<Type extends string>(
  value: { readonly type: Type } & Readonly<Record<string, unknown>>,
  fieldOf: Readonly<Record<Type, string>>,
  what: string,
): FieldProblem[] {
  const wanted = fieldOf[value.type];
  const problems = Object.values<string>(fieldOf)
    .filter((field) => field !== wanted && value[field] !== undefined)
    .map((field) =>
      rule({
        path: [field],
        message: `${field} may not stand in ${what} of type ${value.type}`,
        expected: `only ${wanted} beside the type`,
        hint: `remove ${field}, or put it in ${what} of its own type`,
      }),
    );
  if (value[wanted] === undefined) {
    problems.push(
      rule({
        absent: [wanted],
        message: `${what} of type ${value.type} needs ${wanted}`,
        expected: wanted,
        hint: `add ${wanted}`,
      }),
    );
  }
  return problems;
}
