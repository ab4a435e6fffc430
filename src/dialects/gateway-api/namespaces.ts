// From which namespaces something may come: routes to a listener, ListenerSets to a Gateway.
import { z } from "zod";
import { NAMESPACE } from "../core/namespace.ts";
import type { ObjectSet } from "../object-set.ts";
import { checked, type FieldProblem, rule } from "../schema/fields.ts";
import { type LabelSelector, labelSelector, selects } from "../schema/label-selector.ts";

export type From = "All" | "Selector" | "Same" | "None";

export interface ChosenNamespaces {
  readonly from: From;
  readonly selector?: LabelSelector | undefined;
}

/** For routes. */
export const routeNamespaces = checked(
  z.strictObject({
    from: z.enum(["All", "Selector", "Same"]).default("Same"),
    selector: labelSelector.optional(),
  }),
  selectorForSelector,
);

/** For ListenerSets. */
export const listenerNamespaces = checked(
  z.strictObject({
    from: z.enum(["All", "Selector", "Same", "None"]).default("None"),
    selector: labelSelector.optional(),
  }),
  selectorForSelector,
);

function selectorForSelector({ from, selector }: ChosenNamespaces): FieldProblem | undefined {
  if (from !== "Selector" || selector !== undefined) return undefined;
  return rule({
    absent: ["selector"],
    message: "from is Selector and there is no selector",
    expected: "selector",
    hint: "add selector: {matchLabels: {...}}, or write from: All",
  });
}

/** By name of the namespace. */
export type NamespaceLabels = ReadonlyMap<string, Readonly<Record<string, string>>>;

export function namespaceLabels(objects: ObjectSet): NamespaceLabels {
  return objects.index(NAMESPACE, "labels", (all) => {
    return new Map(all.map(({ object, value }) => [object.name, value.metadata.labels]));
  });
}

/** Whether objects of `namespace` may come to what stands in the namespace `own`. */
export function comesFrom(
  { from, selector }: ChosenNamespaces,
  own: string,
  namespace: string,
  labels: NamespaceLabels,
): boolean {
  switch (from) {
    case "All":
      return true;
    case "Same":
      return namespace === own;
    case "None":
      return false;
    case "Selector": {
      // The API server puts this label on every Namespace; files need not hold the object.
      const name = { "kubernetes.io/metadata.name": namespace };
      return selector !== undefined && selects(selector, { ...labels.get(namespace), ...name });
    }
  }
}
