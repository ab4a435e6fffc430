// XBackendTrafficPolicy (experimental, Gateway API 1.3 to 1.7): attaches session persistence and retry budgets to backends.
import { z } from "zod";
import { objectText } from "../../model/index.ts";
import { SERVICE } from "../core/service.ts";
import type { PolicyKind, Told } from "../dialect.ts";
import { digest } from "../digest.ts";
import { attach } from "../policies/attach.ts";
import type { Effect } from "../policies/attachment.ts";
import { checked, localTarget, rule } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import type { TranslateOptions } from "../translation.ts";
import { EXPERIMENTAL_GROUP } from "./names.ts";
import { retryBudget, retryConstraint } from "./retry-constraint.ts";
import { compileSession, sessionPersistence } from "./session-persistence.ts";
import { X_BACKEND } from "./x-backend.ts";

const TARGETS = [SERVICE, X_BACKEND].map(({ group, kind }) => `${group}/${kind}`);

const target = checked(localTarget, ({ group, kind }) => {
  if (TARGETS.includes(`${group}/${kind}`)) return undefined;
  return rule({
    path: ["kind"],
    message: `an XBackendTrafficPolicy cannot target ${kind} of group ${JSON.stringify(group)}`,
    expected: "a Service or an XBackend",
    hint: 'write group: "" and kind: Service',
  });
});

export const X_BACKEND_TRAFFIC_POLICY = defineKind(
  { group: EXPERIMENTAL_GROUP, kind: "XBackendTrafficPolicy", versions: ["v1alpha1"] },
  {
    spec: z.strictObject({
      targetRefs: z.array(target).min(1).max(16),
      retryConstraint: retryConstraint.optional(),
      sessionPersistence: sessionPersistence.optional(),
    }),
  },
);

type Value = ValueOf<typeof X_BACKEND_TRAFFIC_POLICY>;

export const X_BACKEND_TRAFFIC_POLICY_KIND: PolicyKind<Value> = {
  kind: X_BACKEND_TRAFFIC_POLICY,
  attach: (reading, _objects, options) => {
    const { result: effects, findings } = effectsOf(reading, options);
    const { namespace } = reading.object;
    const result = reading.value.spec.targetRefs.flatMap(({ group, kind, name }, index) => {
      const target = { object: { group, kind, namespace, name } };
      const placed = { target, path: ["spec", "targetRefs", index] };
      return effects.map((effect) => attach(reading, placed, effect));
    });
    return { result, findings };
  },
};

function effectsOf(reading: Reading<Value>, options: TranslateOptions): Told<readonly Effect[]> {
  const { sessionPersistence, retryConstraint } = reading.value.spec;
  const effects: Effect[] = [];
  if (retryConstraint !== undefined) {
    effects.push({ kind: "backendSettings", settings: { retryBudget: retryBudget(retryConstraint) } });
  }
  if (sessionPersistence === undefined) return { result: effects, findings: [] };
  const scope = objectText(reading.object);
  const { session, findings } = compileSession(sessionPersistence, {
    reading,
    path: ["spec", "sessionPersistence"],
    scope,
    suffix: digest(scope).slice(0, 8),
    place: "policy",
    options,
  });
  return { result: [...effects, { kind: "session", session }], findings };
}
