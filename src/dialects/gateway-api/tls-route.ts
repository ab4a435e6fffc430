// TLSRoute: connections that are passed through by their server name, undecrypted; its fields and what they become.
import { z } from "zod";
import { objectText, type TlsRoute, type WeightedBackend } from "../../model/index.ts";
import { checked, ignored, sectionName } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import type { CompiledRoute, RouteContext } from "./compile-route.ts";
import { References } from "./follow-references.ts";
import { GATEWAY_GROUP, hostname } from "./names.ts";
import { objectReferenceFields, portFitsKind } from "./object-reference.ts";
import { parentRefsSchema } from "./parent-ref.ts";
import { attachToParents } from "./route-parents.ts";

const backendRef = checked(
  z.strictObject({ ...objectReferenceFields, weight: z.int().min(0).max(1_000_000).default(1) }),
  portFitsKind,
);

const ruleSchema = z.strictObject({
  name: sectionName.optional(),
  backendRefs: z.array(backendRef).min(1).max(16),
});

/** One rule; the bound is that of v1alpha2, so that the hostnames of a route with several stay its own. */
const rules = checked(z.array(ruleSchema).min(1).max(16), (all) => {
  if (all.length === 1) return [];
  const message = `rules has ${all.length} entries, and nothing tells which connection is for which`;
  return [{ message, expected: "one rule", hint: "write all backendRefs into one rule, or several routes" }];
});

export const TLS_ROUTE = defineKind(
  { group: GATEWAY_GROUP, kind: "TLSRoute", versions: ["v1", "v1alpha3", "v1alpha2"] },
  {
    spec: z.strictObject({
      parentRefs: parentRefsSchema,
      hostnames: z.array(hostname).min(1).max(1024),
      rules,
      useDefaultGateways: ignored(
        z.string(),
        "default Gateways are not served",
        "name the Gateway in parentRefs",
      ),
    }),
  },
);

export type TlsRouteReading = Reading<ValueOf<typeof TLS_ROUTE>>;

export function compileTlsRoute(reading: TlsRouteReading, context: RouteContext): CompiledRoute {
  const { object, value } = reading;
  const references = new References(reading, context, context.effects);
  const backends = value.spec.rules.flatMap(({ backendRefs }, rule) =>
    backendRefs.map((ref, index): WeightedBackend => {
      const resolved = references.follow(ref, ["spec", "rules", rule, "backendRefs", index]);
      const shared = { weight: ref.weight, filters: [] };
      return resolved === undefined ? shared : { ...shared, backend: resolved.id };
    }),
  );
  const { attached, listeners, gateways, status, findings } = attachToParents(
    reading,
    { problems: references.problems, unserved: [], rules: value.spec.rules.length },
    context,
  );
  const route: TlsRoute = {
    id: objectText(object),
    object,
    attachments: [...new Map(attached.map((one) => [one.listener, one])).values()].map(
      ({ listener, hostnames }) => ({ listener, hostnames }),
    ),
    // In error without a good form before: its names stay its own, and lead nowhere.
    backends: reading.inError ? [] : backends,
  };
  return {
    object,
    creationTimestamp: value.metadata.creationTimestamp,
    routes: [],
    tlsRoutes: attached.length === 0 ? [] : [route],
    backends: reading.inError ? [] : references.backends,
    listeners,
    gateways,
    status,
    overrides: [],
    names: [],
    findings: [...references.findings, ...findings],
  };
}
