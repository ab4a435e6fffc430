// Gateway: its fields, and what they mean for its listeners.
import { z } from "zod";
import {
  type Certificate,
  formatIp,
  type Listener,
  type ObjectRef,
  objectText,
  parseIp,
} from "../../model/index.ts";
import { type CredentialProblem, findCertificate, isCredentialProblem } from "../credentials.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import { checked, ignored, localTarget, objectName, rule } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { objectOf } from "./certificate-ref.ts";
import { gatewayTlsSchema, resolveValidation, validationOf, validationsOf } from "./gateway-tls.ts";
import {
  type CompiledListener,
  compileListener,
  distinctListeners,
  type ListenerRefusal,
  type ListenerValue,
  listenerSchema,
} from "./listener.ts";
import { conflictWithin, overlapsOf, portFamily } from "./listener-conflicts.ts";
import { GATEWAY_GROUP } from "./names.ts";
import type { GatewayNeeds, GatewayPlacement } from "./placement.ts";

const address = z.strictObject({
  type: z.string().min(1).default("IPAddress"),
  value: z.string().max(253).default(""),
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

export const GATEWAY = defineKind(
  { group: GATEWAY_GROUP, kind: "Gateway", versions: ["v1", "v1beta1"] },
  {
    spec: z.strictObject({
      gatewayClassName: objectName,
      listeners: checked(z.array(listenerSchema).min(1).max(64), distinctListeners),
      addresses,
      infrastructure: infrastructure.optional(),
      allowedListeners: ignored(
        z.looseObject({}),
        "ListenerSets are not served",
        "write the listeners into the Gateway",
      ),
      tls: gatewayTlsSchema.optional(),
      defaultScope: ignored(
        z.string(),
        "default Gateways are not served",
        "name the Gateway in the parentRefs of its routes",
      ),
    }),
  },
);

export type GatewayReading = Reading<ValueOf<typeof GATEWAY>>;

export interface CompiledGateway {
  readonly reading: GatewayReading;
  readonly listeners: readonly CompiledListener[];
  /** Undefined: it is bound where it says. */
  readonly placement: GatewayPlacement | undefined;
  /** Some clients are served whose certificate nobody verified. */
  readonly admitsUnverified: boolean;
  /** Why the certificate for endpoints is not shown to them. */
  readonly unresolved: { readonly reason: string; readonly message: string } | undefined;
  readonly findings: readonly FindingDraft[];
}

/**
 * `takenBy`: why an earlier Gateway's listener keeps this one from its place, if one does. Without a placement it is
 * bound where it says.
 */
export function compileGateway(
  reading: GatewayReading,
  objects: ObjectSet,
  takenBy: (listener: Listener) => ListenerRefusal | undefined,
  placement: GatewayPlacement | undefined,
): CompiledGateway {
  const { object, value } = reading;
  const findings: FindingDraft[] = [];
  const addresses = placement === undefined ? bindable(reading, findings) : placement.bindAddresses;
  findings.push(...placementFindings(reading, placement));
  const backend = backendCertificate(reading, objects, findings);
  const sections = [...value.spec.listeners.entries()].map(([index, section]) => {
    const path = ["spec", "listeners", index];
    const early = reading.hasErrorAt(path) ? INVALID : unsupported(section);
    return { section, path, early };
  });
  const listeners = sections.map(({ section, path, early }) => {
    const place: Listener = {
      id: `${objectText(object)}/${section.name}`,
      gateway: object,
      name: section.name,
      addresses: addresses ?? [],
      port: section.port,
      ...bindPortOf(section, placement),
      protocol: section.protocol as Listener["protocol"],
      ...(backend.certificate === undefined ? {} : { backendCertificate: backend.certificate }),
      ...(section.hostname === undefined ? {} : { hostname: section.hostname }),
    };
    const others = sections
      .filter((one) => one.section !== section && one.early === undefined)
      .map((one) => one.section);
    const objection =
      early ??
      (addresses === undefined ? UNBINDABLE : undefined) ??
      conflictWithin(section, others) ??
      unplaced(section, placement) ??
      takenBy(place) ??
      unverifiable(reading, section);
    const { listener, remarks } = compileListener(section, place, {
      objects,
      objection,
      validation: validationOf(value.spec.tls, section.port),
      overlaps: early === undefined ? overlapsOf(section, others) : [],
    });
    for (const remark of remarks) {
      const at = reading.writtenPath([...path, ...remark.path]);
      findings.push(draftFinding(remark.code, object, at, remark));
    }
    return listener;
  });
  const validations = validationsOf(value.spec.tls);
  for (const { problem, path } of validations.flatMap((one) => {
    return resolveValidation(one, object, objects).problems;
  })) {
    findings.push(unresolvedReference(reading, problem, path));
  }
  const admitsUnverified = validations.some((one) => one.value.mode === "AllowInsecureFallback");
  return { reading, listeners, placement, admitsUnverified, unresolved: backend.unresolved, findings };
}

/** What it asks of the place that it is to be served at. */
export function gatewayNeeds({ object, value }: GatewayReading): GatewayNeeds {
  const ports = [...new Set(value.spec.listeners.map(({ port }) => port))].sort((a, b) => a - b);
  const { labels = {}, annotations = {}, parametersRef } = value.spec.infrastructure ?? {};
  return {
    gateway: object,
    ports,
    addresses: value.spec.addresses,
    infrastructure: { labels, annotations, ...(parametersRef === undefined ? {} : { parametersRef }) },
  };
}

function placementFindings(reading: GatewayReading, placement: GatewayPlacement | undefined): FindingDraft[] {
  const { object, value } = reading;
  if (placement === undefined) {
    if (value.spec.infrastructure === undefined) return [];
    const text = {
      message: "nothing is made for a Gateway that is served from files",
      expected: "a Gateway without infrastructure",
      hint: "remove infrastructure",
    };
    return [draftFinding("field-ignored", object, ["spec", "infrastructure"], text)];
  }
  const { problem } = placement;
  if (problem?.remedy === undefined) return [];
  const { path, expected, hint } = problem.remedy;
  const text = { message: problem.message, expected, hint };
  return [draftFinding("gateway-not-served", object, reading.writtenPath(path), text)];
}

function bindPortOf(
  { port }: ListenerValue,
  placement: GatewayPlacement | undefined,
): Pick<Listener, "bindPort"> {
  const bindPort = placement?.bindPorts?.get(port);
  return bindPort === undefined || bindPort === port ? {} : { bindPort };
}

/** Its Gateway has no place, or none yet for this port. */
function unplaced(
  { port }: ListenerValue,
  placement: GatewayPlacement | undefined,
): ListenerRefusal | undefined {
  if (placement === undefined) return undefined;
  const { problem, bindPorts } = placement;
  const isOpen = problem?.condition !== "Accepted" && (bindPorts === undefined || bindPorts.has(port));
  if (isOpen) return undefined;
  return { type: "Programmed", reason: "Pending", message: problem?.message ?? "its port is being opened" };
}

/** The objects whose certificates and authorities a Gateway names, each as often as it names them. */
export function credentialRefs({ object, value }: GatewayReading): readonly ObjectRef[] {
  const { listeners, tls } = value.spec;
  const client = tls?.backend?.clientCertificateRef;
  const validations = [
    ...validationsOf(tls).map((one) => one.value),
    ...listeners.flatMap((one) => one.tls?.frontendValidation ?? []),
  ];
  const refs = [
    ...listeners.flatMap((one) => one.tls?.certificateRefs ?? []),
    ...validations.flatMap(({ caCertificateRefs }) => caCertificateRefs),
    ...(client === undefined ? [] : [client]),
  ];
  return refs.map((ref) => objectOf(ref, object.namespace));
}

const INVALID = { type: "Accepted", reason: "Invalid", message: "it is in error" } as const;
const UNBINDABLE = {
  type: "Accepted",
  reason: "UnsupportedAddress",
  message: "no address of the Gateway can be bound",
} as const;

function unsupported(section: ListenerValue): ListenerRefusal | undefined {
  if (portFamily(section) !== undefined) return undefined;
  const message = `the protocol ${section.protocol} is not served`;
  return { type: "Accepted", reason: "UnsupportedProtocol", message };
}

/** Whatever it was that could not be read: a listener may not let clients in whom it was to keep out. */
function unverifiable(reading: GatewayReading, { protocol }: ListenerValue): ListenerRefusal | undefined {
  const at = ["spec", "tls", "frontend"];
  return protocol === "HTTPS" && reading.hasErrorAt(at) ? INVALID : undefined;
}

function backendCertificate(
  reading: GatewayReading,
  objects: ObjectSet,
  findings: FindingDraft[],
): {
  readonly certificate: Certificate | undefined;
  readonly unresolved: CompiledGateway["unresolved"];
} {
  const { object, value } = reading;
  const ref = value.spec.tls?.backend?.clientCertificateRef;
  if (ref === undefined) return { certificate: undefined, unresolved: undefined };
  const found = findCertificate(objects, object, objectOf(ref, object.namespace));
  if (!isCredentialProblem(found)) return { certificate: found, unresolved: undefined };
  findings.push(unresolvedReference(reading, found, ["spec", "tls", "backend", "clientCertificateRef"]));
  const reason = found.reason === "RefNotPermitted" ? found.reason : "InvalidClientCertificateRef";
  return { certificate: undefined, unresolved: { reason, message: found.message } };
}

function unresolvedReference(
  reading: GatewayReading,
  { reason: _, ...text }: CredentialProblem,
  path: FieldPath,
): FindingDraft {
  return draftFinding("invalid-certificate-reference", reading.object, reading.writtenPath(path), text);
}

/** Undefined where addresses were asked for and none can be had: no listener may open wider than it was told to. */
function bindable(reading: GatewayReading, findings: FindingDraft[]): readonly string[] | undefined {
  const at = ["spec", "addresses"];
  // An address without a value asks for any.
  const wanted = [...reading.value.spec.addresses.entries()].filter(([, { value }]) => value !== "");
  const addresses: string[] = [];
  for (const [index, { type, value }] of wanted) {
    const bytes = type === "IPAddress" ? parseIp(value) : undefined;
    if (bytes !== undefined) addresses.push(formatIp(bytes));
    else {
      findings.push(
        draftFinding("gateway-not-served", reading.object, reading.writtenPath([...at, index]), {
          message: `the address ${value} of type ${type} cannot be bound`,
          expected: "type IPAddress with an IPv4 or IPv6 address of this machine",
          hint: "write {type: IPAddress, value: 127.0.0.1}, or remove the address",
        }),
      );
    }
  }
  const allLost = addresses.length === 0 && wanted.length > 0;
  return allLost || reading.hasErrorAt(at) ? undefined : [...new Set(addresses)];
}
