// Label selectors: the fields, and whether labels meet them.
import { z } from "zod";
import { checked, rule } from "./fields.ts";

const expression = checked(
  z.strictObject({
    key: z.string().min(1),
    operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
    values: z.array(z.string()).default([]),
  }),
  ({ operator, values }) => {
    const takesValues = operator === "In" || operator === "NotIn";
    if (takesValues === values.length > 0) return undefined;
    return rule({
      ...(takesValues ? { absent: ["values"] } : { path: ["values"] }),
      message: `the operator ${operator} ${takesValues ? "needs values" : "takes no values"}`,
      expected: takesValues ? "at least one value" : "no values",
      hint: takesValues ? "add values: [...]" : "remove values",
    });
  },
);

export const labelSelector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z.array(expression).default([]),
});

export type LabelSelector = z.output<typeof labelSelector>;

type Expression = LabelSelector["matchExpressions"][number];

/** All conditions must hold; an empty selector matches everything. */
export function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels, matchExpressions } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((expression) => meets(expression, labels))
  );
}

function meets({ key, operator, values }: Expression, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}
