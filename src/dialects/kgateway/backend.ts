// Backend of kgateway: of its types the static one, a list of hosts and ports.
import { z } from "zod";
import type { BackendKind } from "../dialect.ts";
import { checked, portNumber, rule } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import { exactlyOneOf } from "../schema/one-of.ts";
import { notServed, qualifiedId, speaking } from "../static-backend.ts";
import { hostOrAddress, staticPlaces } from "../static-places.ts";
import { KGATEWAY_GROUP } from "./names.ts";

const TYPES = {
  AWS: "aws",
  Static: "static",
  DynamicForwardProxy: "dynamicForwardProxy",
  GCP: "gcp",
} as const;

const spec = checked(
  z.strictObject({
    type: checked(z.enum(["AWS", "Static", "DynamicForwardProxy", "GCP"]), (type) => ({
      code: "deprecated-shape",
      severity: "info",
      message: "type is deprecated: the field that is there says it",
      expected: "no type",
      hint: `remove type: ${type}`,
    })).optional(),
    static: z
      .strictObject({
        hosts: z.array(z.strictObject({ host: hostOrAddress, port: portNumber })).min(1),
        appProtocol: z
          .enum(["http2", "grpc", "grpc-web", "kubernetes.io/h2c", "kubernetes.io/ws"])
          .optional(),
      })
      .optional(),
    aws: z.looseObject({}).optional(),
    dynamicForwardProxy: z.looseObject({}).optional(),
    gcp: z.looseObject({}).optional(),
  }),
  (value) => {
    const examples = {
      static: "{hosts: [{host: 10.0.0.1, port: 80}]}",
      aws: "{}",
      dynamicForwardProxy: "{}",
      gcp: "{}",
    };
    const problem = exactlyOneOf(value, examples);
    if (problem !== undefined || value.type === undefined) return problem;
    const wanted = TYPES[value.type];
    if (value[wanted] !== undefined) return undefined;
    const message = `the type ${value.type} needs ${wanted}`;
    return rule({ absent: [wanted], message, expected: wanted, hint: "remove type" });
  },
);

export const KGATEWAY_BACKEND = defineKind(
  { group: KGATEWAY_GROUP, kind: "Backend", versions: ["v1alpha1"] },
  { spec },
);

type Value = ValueOf<typeof KGATEWAY_BACKEND>;

export const KGATEWAY_BACKEND_KIND: BackendKind<Value> = {
  kind: KGATEWAY_BACKEND,
  resolve: ({ object, value: { spec } }) => {
    if (spec.static === undefined) {
      const type = Object.keys(TYPES).find((one) => spec[TYPES[one as keyof typeof TYPES]] !== undefined);
      return notServed(
        object,
        `is of type ${type ?? "none"}, which is not served`,
        "static, a list of hosts",
      );
    }
    return speaking({ id: qualifiedId(object), object }, spec.static.appProtocol);
  },
  dependsOn: () => [],
  endpoints: ({ value }) => ({ result: staticPlaces(value.spec.static?.hosts ?? []), findings: [] }),
};
