// XBackend (experimental, Gateway API 1.6 and 1.7): a backend that picks its endpoints itself and may declare persistence.
import { z } from "zod";
import { type Condition, objectText, type SessionPersistence } from "../../model/index.ts";
import { POD, podEndpoint } from "../core/pod.ts";
import type { BackendKind } from "../dialect.ts";
import { digest } from "../digest.ts";
import type { FindingDraft } from "../findings.ts";
import type { PolicyVerdicts } from "../policies/effects.ts";
import { checked, type FieldProblem, portNumber, rule } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { hostOrAddress, staticPlaces } from "../static-places.ts";
import type { TranslateOptions } from "../translation.ts";
import { EXPERIMENTAL_GROUP } from "./names.ts";
import { compileSession, sessionPersistence17 } from "./session-persistence.ts";
import { compileXBackendTls, xBackendTls, xBackendTlsInputs } from "./x-backend-tls.ts";

const PROTOCOLS = ["TCP", "HTTP", "HTTP2", "HTTP11", "H2C", "MCP", "GRPC", "WSS"] as const;
const SPOKEN = ["HTTP", "HTTP11", "MCP", "WSS"];
/** References to such backends are judged where they stand. */
const NEED_HTTP2 = ["HTTP2", "H2C", "GRPC"];

const protocol = checked(z.enum(PROTOCOLS), (value): FieldProblem | undefined => {
  if (SPOKEN.includes(value) || NEED_HTTP2.includes(value)) return undefined;
  return {
    code: "field-approximated",
    message: `endpoints are spoken to with HTTP/1.1, not with ${value}`,
    expected: `one of ${SPOKEN.join(", ")}`,
    hint: "write protocol: HTTP11 if the endpoints speak it, else use another backend",
  };
}).optional();

/** `port` and `name` are of Gateway API 1.6. */
const port = checked(
  z.strictObject({ number: portNumber.optional(), port: portNumber.optional(), name: z.string().optional() }),
  ({ number, port }): FieldProblem | undefined => {
    if (number !== undefined) return undefined;
    if (port === undefined) {
      const absent = ["number", "port"];
      return rule({ absent, message: "there is no number", expected: "number", hint: "add number: 80" });
    }
    return {
      code: "deprecated-shape",
      severity: "info",
      path: ["port"],
      message: "Gateway API 1.7 calls it number",
      expected: "number",
      hint: `write number: ${port}`,
    };
  },
);

const spec = z.strictObject({
  type: z.enum(["ExternalHostname", "EndpointSelector"]),
  port,
  externalHostname: z.strictObject({ hostname: hostOrAddress }).optional(),
  endpointSelector: z
    .strictObject({
      matchLabels: checked(z.record(z.string(), z.string()), (labels) => {
        const count = Object.keys(labels).length;
        if (count >= 1 && count <= 64) return undefined;
        return {
          message: `matchLabels has ${count} labels`,
          expected: "1 to 64 labels",
          hint: "name the labels of the Pods, for example {app: carts}",
        };
      }),
    })
    .optional(),
  protocol,
  tls: xBackendTls.prefault({}),
  sessionPersistence: sessionPersistence17.optional(),
});

type Spec = z.output<typeof spec>;

export const X_BACKEND = defineKind(
  { group: EXPERIMENTAL_GROUP, kind: "XBackend", versions: ["v1alpha1"] },
  { spec: checked(spec, fieldsFitTogether) },
);

type Value = ValueOf<typeof X_BACKEND>;
export type XBackendReading = Reading<Value>;

const FIELD_OF_TYPE = { ExternalHostname: "externalHostname", EndpointSelector: "endpointSelector" } as const;

function fieldsFitTogether(value: Spec): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const [type, field] of Object.entries(FIELD_OF_TYPE)) {
    if (value[field] === undefined && value.type === type) {
      const message = `a backend of type ${type} needs ${field}`;
      problems.push(rule({ absent: [field], message, expected: field, hint: `add ${field}` }));
    }
    if (value[field] !== undefined && value.type !== type) {
      const message = `${field} may not stand in a backend of type ${value.type}`;
      problems.push(rule({ path: [field], message, expected: `type: ${type}`, hint: `remove ${field}` }));
    }
  }
  if (value.sessionPersistence !== undefined && value.type !== "EndpointSelector") {
    problems.push(
      rule({
        path: ["sessionPersistence"],
        message: "sessionPersistence needs a backend of type EndpointSelector",
        expected: "type: EndpointSelector",
        hint: "select the Pods, or remove sessionPersistence",
      }),
    );
  }
  const encrypted = value.tls.mode !== "None";
  if (value.protocol === "H2C" && encrypted) {
    const message = "H2C is HTTP/2 without TLS";
    problems.push(
      rule({ path: ["tls"], message, expected: "tls.mode: None", hint: "write protocol: HTTP2" }),
    );
  }
  if ((value.protocol === "HTTP2" || value.protocol === "WSS") && !encrypted) {
    const message = `${value.protocol} is spoken over TLS only`;
    const expected = "tls.mode: ServerOnly or ClientAndServer";
    const hint = `add tls: {mode: ServerOnly}, or write protocol: ${value.protocol === "WSS" ? "HTTP11" : "H2C"}`;
    problems.push(rule({ absent: ["tls"], message, expected, hint }));
  }
  return problems;
}

export const X_BACKEND_KIND: BackendKind<Value> = {
  kind: X_BACKEND,
  resolve: (reading, _reference, options) => {
    const { object, value } = reading;
    const { protocol = "HTTP" } = value.spec;
    const session = sessionOf(reading, options)?.session;
    const port = value.spec.port.number ?? value.spec.port.port;
    return {
      id: objectText(object),
      object,
      ...(port === undefined ? {} : { port }),
      ...(NEED_HTTP2.includes(protocol) ? { protocol: { name: protocol, kind: "http2" } } : {}),
      ...(session === undefined ? {} : { session }),
    };
  },
  dependsOn: (reading, objects) => [
    ...(reading.value.spec.type === "EndpointSelector" ? [objects.all(POD)] : []),
    ...xBackendTlsInputs(reading, objects),
  ],
  endpoints: (reading, port, objects, options) => {
    const session = sessionOf(reading, options);
    const tls = compileXBackendTls(reading, objects);
    const findings = [...(session?.findings ?? []), ...tls.findings];
    const settings = tls.result === undefined ? {} : { settings: { tls: tls.result } };
    if (port === undefined) return { result: { endpoints: [] }, findings };
    if (reading.value.spec.type === "ExternalHostname") {
      const host = reading.value.spec.externalHostname?.hostname;
      const places = staticPlaces(host === undefined ? [] : [{ host, port }]);
      return { result: { ...places, ...settings }, findings };
    }
    const wanted = Object.entries(reading.value.spec.endpointSelector?.matchLabels ?? {});
    const endpoints = objects
      .all(POD)
      .filter(({ object }) => object.namespace === reading.object.namespace)
      .filter(({ value: { metadata } }) => wanted.every(([key, value]) => metadata.labels[key] === value))
      .map((pod) => podEndpoint(pod, port))
      .filter((endpoint) => endpoint !== undefined);
    return { result: { endpoints: wanted.length === 0 ? [] : endpoints, ...settings }, findings };
  },
};

/** What its status says, for each Gateway that leads to it. */
export function xBackendVerdict({ object, inError, isOutdated }: XBackendReading): PolicyVerdicts {
  const isValid = !inError && isOutdated !== true;
  const condition: Condition = {
    type: "Accepted",
    status: isValid ? "True" : "False",
    reason: isValid ? "Accepted" : "Invalid",
    message: isValid ? "The backend is served" : "The backend is in error; see the findings",
  };
  return { object, targets: [{ target: { object }, conditions: [condition] }] };
}

/** The scope is the backend: every rule that leads here shares the session, as 1.7 has it. */
function sessionOf(
  reading: XBackendReading,
  options: TranslateOptions,
): { readonly session: SessionPersistence; readonly findings: readonly FindingDraft[] } | undefined {
  const { object, value } = reading;
  if (value.spec.sessionPersistence === undefined || reading.inError) return undefined;
  const scope = objectText(object);
  return compileSession(value.spec.sessionPersistence, {
    reading,
    path: ["spec", "sessionPersistence"],
    scope,
    suffix: digest(scope).slice(0, 8),
    place: "XBackend",
    options,
  });
}
