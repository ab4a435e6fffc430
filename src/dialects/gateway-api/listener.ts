// A listener of a Gateway, or of a ListenerSet: its fields, and the place where clients come in that they become.
import { z } from "zod";
import type { Listener, ObjectRef } from "../../model/index.ts";
import type { ObjectSet } from "../object-set.ts";
import {
  checked,
  type FieldProblem,
  groupName,
  kindName,
  portNumber,
  repeatedNames,
  rule,
  sectionName,
} from "../schema/fields.ts";
import { objectOf } from "./certificate-ref.ts";
import type { PlacedValidation } from "./gateway-tls.ts";
import type { ListenerRefusal, ListenerRemark } from "./listener-remark.ts";
import { type CompiledTls, compileTls, type ListenerTlsValue, listenerTlsSchema } from "./listener-tls.ts";
import { GATEWAY_GROUP, hostname } from "./names.ts";
import { type ChosenNamespaces, routeNamespaces } from "./namespaces.ts";

const routeKind = z.strictObject({ group: groupName.default(GATEWAY_GROUP), kind: kindName });

const allowedRoutes = z.strictObject({
  namespaces: routeNamespaces.prefault({}),
  kinds: z.array(routeKind).max(8).default([]),
});

export const listenerSchema = checked(
  z.strictObject({
    name: sectionName,
    hostname: hostname.optional(),
    port: portNumber,
    protocol: z.string().min(1).max(255),
    tls: listenerTlsSchema.optional(),
    allowedRoutes: allowedRoutes.prefault({}),
    /** Experimental in Gateway API 1.7 (GEP-5224): authorisation before routing, so a listener is closed rather than without. */
    filters: z.looseObject({ requests: z.array(z.looseObject({})).max(16).default([]) }).optional(),
  }),
  ({ protocol, tls, hostname }) => {
    const problems: FieldProblem[] = [];
    if (tls !== undefined && ["HTTP", "TCP", "UDP"].includes(protocol)) {
      problems.push(
        rule({
          path: ["tls"],
          message: `a listener of protocol ${protocol} has no tls`,
          expected: "tls on HTTPS and TLS listeners only",
          hint: "remove tls, or write protocol: HTTPS",
        }),
      );
    }
    if (hostname !== undefined && ["TCP", "UDP"].includes(protocol)) {
      problems.push(
        rule({
          path: ["hostname"],
          message: `a listener of protocol ${protocol} has no hostname`,
          expected: "hostname on HTTP, HTTPS and TLS listeners only",
          hint: "remove hostname",
        }),
      );
    }
    problems.push(...modeProblems(protocol, tls));
    return problems;
  },
);

function modeProblems(protocol: string, tls: ListenerTlsValue | undefined): FieldProblem[] {
  if (protocol === "HTTPS" && tls?.mode === "Passthrough") {
    return [
      rule({
        path: ["tls", "mode"],
        message: "a listener of protocol HTTPS ends TLS itself",
        expected: "mode: Terminate",
        hint: "write mode: Terminate, or protocol: TLS and a TLSRoute",
      }),
    ];
  }
  if (protocol === "TLS" && tls === undefined) {
    return [
      rule({
        absent: ["tls"],
        message: "a listener of protocol TLS needs a mode, or a certificate",
        expected: "tls",
        hint: "add tls: {mode: Passthrough}, or tls: {certificateRefs: [{name: my-certificate}]}",
      }),
    ];
  }
  if (tls?.mode !== "Passthrough" || tls.certificateRefs.length === 0) return [];
  return [
    {
      code: "field-ignored",
      severity: "warning",
      path: ["tls", "certificateRefs"],
      message: "what is passed through is not decrypted, so no certificate is shown",
      expected: "no certificateRefs beside mode: Passthrough",
      hint: "remove certificateRefs",
    },
  ];
}

export type ListenerValue = z.output<typeof listenerSchema>;

/** The CRD's rules between the listeners of a Gateway. */
export function distinctListeners(listeners: readonly ListenerValue[]): FieldProblem[] {
  const problems = repeatedNames(listeners, "listeners");
  const places = new Set<string>();
  for (const [index, { name, port, protocol, hostname }] of listeners.entries()) {
    const place = `${port}/${protocol}/${hostname ?? ""}`;
    if (places.has(place)) {
      const message = `another listener has the same port, protocol and hostname as ${name}`;
      const expected = "a combination of port, protocol and hostname that is unique in its Gateway";
      problems.push(
        rule({ path: [index], message, expected, hint: "remove the listener, or change one of the three" }),
      );
    }
    places.add(place);
  }
  return problems;
}

/** The objects whose certificates and authorities they name. */
export function listenerCredentials(listeners: readonly ListenerValue[], namespace: string): ObjectRef[] {
  return listeners
    .flatMap(({ tls }) => [
      ...(tls?.certificateRefs ?? []),
      ...(tls?.frontendValidation?.caCertificateRefs ?? []),
    ])
    .map((ref) => objectOf(ref, namespace));
}

/** What routes must know of a listener to attach to it: nothing of its certificates, which change more often. */
export interface GatewayListener {
  /** Key in the snapshot, where it is open. */
  readonly id: string;
  readonly gateway: ObjectRef;
  /** The object that it is written in: the Gateway itself, or one of its ListenerSets. */
  readonly owner: ObjectRef;
  readonly name: string;
  readonly port: number;
  readonly hostname: string | undefined;
  readonly namespaces: ChosenNamespaces;
  /** Kinds of routes that it takes. */
  readonly routeKinds: readonly string[];
  readonly isOpen: boolean;
}

export interface CompiledListener {
  readonly attachable: GatewayListener;
  readonly badKinds: readonly string[];
  /** Undefined: not opened, `refusal` says why. */
  readonly listener: Listener | undefined;
  readonly refusal: ListenerRefusal | undefined;
  readonly unresolved: CompiledTls["unresolved"];
  /** Listeners whose hostnames overlap with its own. */
  readonly overlaps: readonly string[];
}

/** What stands around a listener. */
export interface Surroundings {
  /** Whose references its certificates are. */
  readonly owner: ObjectRef;
  readonly objects: ObjectSet;
  /** Why its Gateway, or another listener, keeps it from being opened. */
  readonly objection: ListenerRefusal | undefined;
  /** What the Gateway asks of clients on its port. */
  readonly validation: PlacedValidation | undefined;
  readonly overlaps: readonly string[];
}

/** `place` is what the listener would be in the snapshot, without its TLS. */
export function compileListener(
  value: ListenerValue,
  place: Listener,
  { owner, objects, objection, validation, overlaps }: Surroundings,
): { readonly listener: CompiledListener; readonly remarks: readonly ListenerRemark[] } {
  const { kinds, namespaces } = value.allowedRoutes;
  const own = ROUTE_KIND[value.protocol];
  const isOwn = ({ group, kind }: RouteKind) => group === GATEWAY_GROUP && kind === own;
  const badKinds = kinds.filter((kind) => !isOwn(kind)).map(({ kind }) => kind);
  // What has no place yet has its certificates looked at all the same.
  const needsTls = endsTls(value) && (objection === undefined || objection.type === "Programmed");
  const secured = needsTls
    ? compileTls(value, validation, { owner, gateway: place.gateway }, objects)
    : undefined;
  const refusal = objection ?? secured?.refusal;
  const remarks = [
    ...(badKinds.length === 0 || own === undefined ? [] : [wrongKinds(badKinds, own)]),
    ...(secured?.remarks ?? []),
    ...(refusal === undefined ? [] : refusalRemarks(refusal)),
  ];
  const tls = secured?.tls;
  return {
    listener: {
      attachable: {
        id: place.id,
        gateway: place.gateway,
        owner,
        name: value.name,
        port: value.port,
        hostname: value.hostname,
        namespaces,
        routeKinds: own !== undefined && (kinds.length === 0 || kinds.some(isOwn)) ? [own] : [],
        isOpen: refusal === undefined,
      },
      badKinds,
      listener: refusal === undefined ? { ...place, ...(tls === undefined ? {} : { tls }) } : undefined,
      refusal,
      unresolved: secured?.unresolved,
      overlaps,
    },
    remarks,
  };
}

type RouteKind = z.output<typeof routeKind>;

/** By protocol, those that are served: the kind of routes that a listener takes. */
export const ROUTE_KIND: Readonly<Record<string, string>> = {
  HTTP: "HTTPRoute",
  HTTPS: "HTTPRoute",
  TLS: "TLSRoute",
};

/** Else what comes is plain text, or is not decrypted here. */
export function endsTls({ protocol, tls }: ListenerValue): boolean {
  return protocol === "HTTPS" || (protocol === "TLS" && tls?.mode !== "Passthrough");
}

function wrongKinds(kinds: readonly string[], own: string): ListenerRemark {
  return {
    code: "listener-not-served",
    path: ["allowedRoutes", "kinds"],
    message: `routes of kind ${kinds.join(", ")} are not served`,
    expected: `kind: ${own}`,
    hint: `write kind: ${own}, or leave kinds out`,
  };
}

/** What keeps a listener closed whatever stands around it. */
export function unsupported({ protocol, filters }: ListenerValue): ListenerRefusal | undefined {
  if (ROUTE_KIND[protocol] === undefined) {
    return {
      type: "Accepted",
      reason: "UnsupportedProtocol",
      message: `the protocol ${protocol} is not served`,
      remedy: {
        path: ["protocol"],
        expected: `protocol: ${Object.keys(ROUTE_KIND).join(", ")}`,
        hint: "write protocol: HTTP, or remove the listener",
      },
    };
  }
  if (filters === undefined || filters.requests.length === 0) return undefined;
  return {
    type: "Accepted",
    reason: "UnsupportedValue",
    message: "filters of a listener are not served",
    remedy: { path: ["filters"], expected: "no filters", hint: "remove filters" },
  };
}

const REMEDY = {
  path: [],
  expected: "a valid listener with an address, port and hostname of its own",
  hint: "change or remove the listener",
} as const;

function refusalRemarks({ reason, message, remedy = REMEDY }: ListenerRefusal): ListenerRemark[] {
  // What is in error, or leads nowhere, has its findings already; what is not there yet is nobody's mistake.
  if (["Invalid", "NoValidCACertificate", "Pending"].includes(reason)) return [];
  return [{ code: "listener-not-served", message: `the listener is not opened: ${message}`, ...remedy }];
}
