// Gateway: its fields, and what it needs of others: a place, certificates and authorities.
import { z } from "zod";
import type { ObjectRef } from "../../model/index.ts";
import { checked, type FieldProblem, ignored, localTarget, objectName, rule } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { objectOf, secretRef } from "./certificate-ref.ts";
import { gatewayTlsSchema, validationsOf } from "./gateway-tls.ts";
import { distinctListeners, type ListenerValue, listenerCredentials, listenerSchema } from "./listener.ts";
import { portFamily } from "./listener-conflicts.ts";
import { GATEWAY_GROUP } from "./names.ts";
import { listenerNamespaces } from "./namespaces.ts";
import type { GatewayNeeds } from "./placement.ts";

const routability = checked(z.string().max(253), (value): FieldProblem | undefined => {
  if (value === "") return undefined;
  return {
    code: "field-ignored",
    severity: "warning",
    message: "an address is reachable from where the address itself is, whatever its routability",
    expected: "no routability",
    hint: "remove routability",
  };
});

const address = z.strictObject({
  type: z.string().min(1).default("IPAddress"),
  value: z.string().max(253).default(""),
  routability: routability.optional(),
});

const addresses = checked(z.array(address).max(16), (all) =>
  all
    .map(({ type, value }, index) => ({ type, value, index }))
    .filter(({ type, value, index }) => {
      return (
        value !== "" && all.slice(0, index).some((other) => other.type === type && other.value === value)
      );
    })
    .map(({ value, index }) =>
      rule({
        path: [index],
        message: `the address ${value} stands there twice`,
        expected: "addresses that differ",
        hint: "remove one of them",
      }),
    ),
).default([]);

/** Labels and annotations for what is made for the Gateway, and where more about it is said (GEP-1867). */
const infrastructure = z.strictObject({
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  parametersRef: localTarget.optional(),
});

/** The certificate for endpoints, where Gateway API 1.1 to 1.3 had it. */
const backendTls = checked(
  z.strictObject({ clientCertificateRef: secretRef.optional() }),
  (): FieldProblem => ({
    code: "deprecated-shape",
    severity: "info",
    message: "the certificate for endpoints stands under tls.backend since Gateway API 1.4",
    expected: "spec.tls.backend",
    hint: "move it to spec.tls.backend",
  }),
);

export const GATEWAY = defineKind(
  { group: GATEWAY_GROUP, kind: "Gateway", versions: ["v1", "v1beta1"] },
  {
    spec: z.strictObject({
      gatewayClassName: objectName,
      listeners: checked(z.array(listenerSchema).min(1).max(64), distinctListeners),
      addresses,
      infrastructure: infrastructure.optional(),
      allowedListeners: z.strictObject({ namespaces: listenerNamespaces.prefault({}) }).prefault({}),
      tls: gatewayTlsSchema.optional(),
      backendTLS: backendTls.optional(),
      defaultScope: ignored(
        z.string(),
        "default Gateways are not served",
        "name the Gateway in the parentRefs of its routes",
      ),
    }),
  },
);

export type GatewayReading = Reading<ValueOf<typeof GATEWAY>>;

/** The one that is shown to endpoints, and where it stands. */
export function clientCertificate({ tls, backendTLS }: GatewayReading["value"]["spec"]) {
  const ref = tls?.backend?.clientCertificateRef;
  const path = ["spec", "tls", "backend", "clientCertificateRef"];
  if (ref !== undefined) return { ref, path };
  const older = backendTLS?.clientCertificateRef;
  return older === undefined
    ? undefined
    : { ref: older, path: ["spec", "backendTLS", "clientCertificateRef"] };
}

/** A ListenerSet, as far as it matters here. */
interface OwnerOfListeners {
  readonly reading: { readonly value: { readonly spec: { readonly listeners: readonly ListenerValue[] } } };
  readonly isAllowed: boolean;
}

/** What it asks of the place that it is to be served at, with the listeners of the ListenerSets that it takes. */
export function gatewayNeeds(
  { object, value }: GatewayReading,
  sets: readonly OwnerOfListeners[],
): GatewayNeeds {
  const owners = [value, ...sets.filter(({ isAllowed }) => isAllowed).map((set) => set.reading.value)];
  const listeners = owners.flatMap(({ spec }) => spec.listeners);
  const served = listeners.filter((listener) => portFamily(listener) !== undefined);
  const ports = [...new Set(served.map(({ port }) => port))].sort((a, b) => a - b);
  const { labels = {}, annotations = {}, parametersRef } = value.spec.infrastructure ?? {};
  return {
    gateway: object,
    ports,
    addresses: value.spec.addresses,
    infrastructure: { labels, annotations, ...(parametersRef === undefined ? {} : { parametersRef }) },
  };
}

/** The objects whose certificates and authorities a Gateway names, each as often as it names them. */
export function credentialRefs({ object, value }: GatewayReading): readonly ObjectRef[] {
  const { listeners, tls } = value.spec;
  const client = clientCertificate(value.spec)?.ref;
  const authorities = validationsOf(tls).flatMap((one) => one.value.caCertificateRefs);
  const refs = [...authorities, ...(client === undefined ? [] : [client])];
  return [
    ...listenerCredentials(listeners, object.namespace),
    ...refs.map((ref) => objectOf(ref, object.namespace)),
  ];
}
