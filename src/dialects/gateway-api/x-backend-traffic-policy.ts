// XBackendTrafficPolicy (experimental, Gateway API 1.3 to 1.7): attaches session persistence to backends.
import { z } from "zod";
import { objectText } from "../../model/index.ts";
import { SERVICE } from "../core/service.ts";
import type { PolicyKind } from "../dialect.ts";
import { digest } from "../digest.ts";
import type { Attachment } from "../policies/attachment.ts";
import { checked, duration, ignored, localTarget, rule } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import { EXPERIMENTAL_GROUP } from "./names.ts";
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

const retryConstraint = z.strictObject({
  budget: z
    .strictObject({ percent: z.int().min(0).max(100).optional(), interval: duration.optional() })
    .optional(),
  minRetryRate: z
    .strictObject({ count: z.int().min(1).max(1_000_000).optional(), interval: duration.optional() })
    .optional(),
});

export const X_BACKEND_TRAFFIC_POLICY = defineKind(
  { group: EXPERIMENTAL_GROUP, kind: "XBackendTrafficPolicy", versions: ["v1alpha1"] },
  {
    spec: z.strictObject({
      targetRefs: z.array(target).min(1).max(16),
      retryConstraint: ignored(
        retryConstraint,
        "retry budgets are not honoured yet",
        "remove retryConstraint",
      ),
      sessionPersistence: sessionPersistence.optional(),
    }),
  },
);

export const X_BACKEND_TRAFFIC_POLICY_KIND: PolicyKind<ValueOf<typeof X_BACKEND_TRAFFIC_POLICY>> = {
  kind: X_BACKEND_TRAFFIC_POLICY,
  attach: (reading) => {
    const { object, value } = reading;
    if (value.spec.sessionPersistence === undefined) return { result: [], findings: [] };
    const scope = objectText(object);
    const { session, findings } = compileSession(value.spec.sessionPersistence, {
      reading,
      path: ["spec", "sessionPersistence"],
      scope,
      suffix: digest(scope).slice(0, 8),
      place: "policy",
    });
    const { creationTimestamp } = value.metadata;
    const result = value.spec.targetRefs.map(
      ({ group, kind, name }, index): Attachment => ({
        policy: object,
        ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
        target: { object: { group, kind, namespace: object.namespace, name } },
        targetPath: reading.writtenPath(["spec", "targetRefs", index]),
        effect: { kind: "session", session },
      }),
    );
    return { result, findings };
  },
};
