// Unions as CRDs write them: `type` names the one field that must stand beside it, and no other may.
import { type FieldProblem, rule } from "./fields.ts";

/** `fieldOf`: type -> its field, if it has one. `what`: what the object is called, such as "a filter". */
export function fieldsFitType<Type extends string>(
  value: { readonly type: Type } & Readonly<Record<string, unknown>>,
  fieldOf: Readonly<Record<Type, string | undefined>>,
  what: string,
): FieldProblem[] {
  const wanted = fieldOf[value.type];
  const problems = Object.values<string | undefined>(fieldOf)
    .filter((field) => field !== undefined)
    .filter((field) => field !== wanted && value[field] !== undefined)
    .map((field) =>
      rule({
        path: [field],
        message: `${field} may not stand in ${what} of type ${value.type}`,
        expected: wanted === undefined ? "nothing beside the type" : `only ${wanted} beside the type`,
        hint: `remove ${field}, or put it in ${what} of its own type`,
      }),
    );
  if (wanted !== undefined && value[wanted] === undefined) {
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
