// The CustomResourceDefinition of the AffinityPolicy, made from the schema that reads it.
import { stringify } from "yaml";
import { AFFINITY_POLICY } from "../../src/dialects/limpet/affinity-policy.ts";
import { type JsonSchema, specSchema } from "./json-schema.ts";

const PLURAL = "affinitypolicies";

export function crdObject() {
  const { group, kind, versions } = AFFINITY_POLICY;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${PLURAL}.${group}`,
      // GEP-713: what it says counts for the object that it targets, and is found from there.
      labels: { "gateway.networking.k8s.io/policy": "Direct" },
    },
    spec: {
      group,
      scope: "Namespaced",
      names: {
        kind,
        listKind: `${kind}List`,
        plural: PLURAL,
        singular: kind.toLowerCase(),
        shortNames: ["afp"],
        categories: ["gateway-api"],
      },
      versions: versions.map((name) => ({
        name,
        served: true,
        storage: name === versions[0],
        additionalPrinterColumns: [
          { name: "Targets", type: "string", jsonPath: ".spec.targetRefs[*].name" },
          {
            name: "Accepted",
            type: "string",
            jsonPath: '.status.ancestors[*].conditions[?(@.type=="Accepted")].status',
          },
          { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
        ],
        subresources: { status: {} },
        schema: { openAPIV3Schema: rootSchema() },
      })),
    },
  };
}

function rootSchema() {
  return {
    type: "object",
    description: "AffinityPolicy says how clients are kept on their endpoints.",
    required: ["spec"],
    properties: {
      apiVersion: text("Version of the schema of this object."),
      kind: text("Kind of this object."),
      metadata: { type: "object" },
      spec: structural(specSchema()),
      status: STATUS,
    },
  };
}

/** Without what is for people alone. */
function structural({ form: _, properties, items, ...schema }: JsonSchema): object {
  return {
    ...schema,
    ...(items === undefined ? {} : { items: structural(items) }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, property]) => [name, structural(property)]),
          ),
        }),
  };
}

function text(description: string, more: object = {}) {
  return { type: "string", description, ...more };
}

/** `PolicyStatus` of Gateway API (GEP-713), and the conditions of Kubernetes. */
const STATUS = {
  type: "object",
  description: "What became of the policy at each of its targets.",
  required: ["ancestors"],
  properties: {
    ancestors: {
      type: "array",
      maxItems: 16,
      "x-kubernetes-list-type": "atomic",
      description: "One entry for each target.",
      items: {
        type: "object",
        required: ["ancestorRef", "conditions", "controllerName"],
        properties: {
          ancestorRef: {
            type: "object",
            description: "The target.",
            required: ["name"],
            properties: {
              group: text("Group of the target.", { default: "gateway.networking.k8s.io", maxLength: 253 }),
              kind: text("Kind of the target.", { default: "Gateway", minLength: 1, maxLength: 63 }),
              namespace: text("Namespace of the target.", { minLength: 1, maxLength: 63 }),
              name: text("Name of the target.", { minLength: 1, maxLength: 253 }),
              sectionName: text("The part of the target.", { minLength: 1, maxLength: 253 }),
              port: {
                type: "integer",
                format: "int32",
                minimum: 1,
                maximum: 65535,
                description: "The port of the target.",
              },
            },
          },
          controllerName: text("Who says so.", { minLength: 1, maxLength: 253 }),
          conditions: {
            type: "array",
            minItems: 1,
            maxItems: 8,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
            description: "Accepted, and why not.",
            items: {
              type: "object",
              required: ["lastTransitionTime", "message", "reason", "status", "type"],
              properties: {
                type: text("What is true or not.", { maxLength: 316 }),
                status: text("Whether it is.", { enum: ["True", "False", "Unknown"] }),
                reason: text("Why, in one word.", { minLength: 1, maxLength: 1024 }),
                message: text("Why, for people.", { maxLength: 32768 }),
                lastTransitionTime: text("Since when.", { format: "date-time" }),
                observedGeneration: {
                  type: "integer",
                  format: "int64",
                  minimum: 0,
                  description: "For which generation of the policy.",
                },
              },
            },
          },
        },
      },
    },
  },
};

export function crdYaml(): string {
  const head = "# Generated from src/dialects/limpet by npm run generate.\n";
  return head + stringify(crdObject(), { aliasDuplicateObjects: false, lineWidth: 0 });
}
