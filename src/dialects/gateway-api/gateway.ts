// Gateway: its fields, and the listeners that they become.
import { z } from "zod";
import { type Listener, type ObjectRef, objectText } from "../../model/index.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import { parseIp } from "../ip-address.ts";
import {
  checked,
  type FieldProblem,
  groupName,
  ignored,
  kindName,
  objectName,
  portNumber,
  rule,
  sectionName,
} from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import { labelSelector } from "../schema/label-selector.ts";
import type { Reading } from "../schema/read-object.ts";
import { GATEWAY_GROUP, hostname } from "./names.ts";

const routeKind = z.strictObject({ group: groupName.default(GATEWAY_GROUP), kind: kindName });

const allowedRoutes = z.strictObject({
  namespaces: checked(
    z.strictObject({
      from: z.enum(["All", "Selector", "Same", "None"]).default("Same"),
      selector: labelSelector.optional(),
    }),
    ({ from, selector }) => {
      if (from !== "Selector" || selector !== undefined) return undefined;
      return rule({
        absent: ["selector"],
        message: "from is Selector and there is no selector",
        expected: "selector",
        hint: "add selector: {matchLabels: {...}}, or write from: All",
      });
    },
  ).prefault({}),
  kinds: z.array(routeKind).max(8).default([]),
});

const listener = checked(
  z.strictObject({
    name: sectionName,
    hostname: hostname.optional(),
    port: portNumber,
    protocol: z.string().min(1).max(255),
    tls: z.looseObject({}).optional(),
    allowedRoutes: allowedRoutes.prefault({}),
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
    return problems;
  },
);

type ListenerValue = z.output<typeof listener>;

function distinctListeners(listeners: readonly ListenerValue[]): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const names = new Set<string>();
  const places = new Set<string>();
  for (const [index, { name, port, protocol, hostname }] of listeners.entries()) {
    const place = `${port}/${protocol}/${hostname ?? ""}`;
    if (names.has(name)) {
      const message = `two listeners are called ${name}`;
      const expected = "listener names that are unique in their Gateway";
      problems.push(
        rule({ path: [index, "name"], message, expected, hint: "give the listener another name" }),
      );
    }
    if (places.has(place)) {
      const message = `another listener has the same port, protocol and hostname as ${name}`;
      const expected = "a combination of port, protocol and hostname that is unique in its Gateway";
      problems.push(
        rule({ path: [index], message, expected, hint: "remove the listener, or change one of the three" }),
      );
    }
    names.add(name);
    places.add(place);
  }
  return problems;
}

const address = z.strictObject({
  type: z.string().min(1).default("IPAddress"),
  value: z.string().max(253).default(""),
});

export const GATEWAY = defineKind(
  { group: GATEWAY_GROUP, kind: "Gateway", versions: ["v1", "v1beta1"] },
  {
    spec: z.strictObject({
      gatewayClassName: objectName,
      listeners: checked(z.array(listener).min(1).max(64), distinctListeners),
      addresses: z.array(address).max(16).default([]),
      infrastructure: ignored(
        z.looseObject({}),
        "Limpet creates no infrastructure for a Gateway",
        "remove infrastructure",
      ),
      allowedListeners: ignored(
        z.looseObject({}),
        "ListenerSets are not served",
        "write the listeners into the Gateway",
      ),
      tls: ignored(z.looseObject({}), "TLS settings of the Gateway are not honoured yet", "remove tls"),
      defaultScope: ignored(
        z.string(),
        "default Gateways are not served",
        "name the Gateway in the parentRefs of its routes",
      ),
    }),
  },
);

export type GatewayReading = Reading<ValueOf<typeof GATEWAY>>;

/** A listener of a Gateway, served or not, with what routes must know to attach to it. */
export interface GatewayListener {
  readonly gateway: ObjectRef;
  readonly name: string;
  readonly port: number;
  readonly hostname: string | undefined;
  readonly namespaces: ListenerValue["allowedRoutes"]["namespaces"];
  /** The listener takes HTTPRoutes. */
  readonly takesHttpRoutes: boolean;
  readonly badKinds: readonly string[];
  /** Undefined: not opened, `refusal` says why. */
  readonly listener: Listener | undefined;
  readonly refusal:
    | { readonly type: "Accepted" | "Conflicted"; readonly reason: string; readonly message: string }
    | undefined;
}

export interface CompiledGateway {
  readonly reading: GatewayReading;
  readonly listeners: readonly GatewayListener[];
  readonly findings: readonly FindingDraft[];
}

/** `conflictWith`: the earlier listener that already has the same address, port and hostname, if there is one. */
export function compileGateway(
  reading: GatewayReading,
  conflictWith: (listener: Listener) => string | undefined,
): CompiledGateway {
  const { object, value } = reading;
  const findings: FindingDraft[] = [];
  const tell = (
    code: Parameters<typeof draftFinding>[0],
    path: FieldPath,
    message: string,
    hint: string,
    expected: string,
  ) => findings.push(draftFinding(code, object, reading.writtenPath(path), { message, expected, hint }));
  const addresses: string[] = [];
  for (const [index, { type, value: text }] of value.spec.addresses.entries()) {
    if (type === "IPAddress" && isIpAddress(text)) addresses.push(text);
    else if (text !== "") {
      const expected = "type IPAddress with an IPv4 or IPv6 address of this machine";
      const hint = "write {type: IPAddress, value: 127.0.0.1}, or remove the address";
      tell(
        "gateway-not-served",
        ["spec", "addresses", index],
        `the address ${text} of type ${type} cannot be bound`,
        hint,
        expected,
      );
    }
  }
  // No listener may open wider than it was told to.
  const unbindable = addresses.length === 0 && value.spec.addresses.some(({ value: text }) => text !== "");
  const listeners = value.spec.listeners.map((section, index): GatewayListener => {
    const path = ["spec", "listeners", index];
    const kinds = section.allowedRoutes.kinds;
    const isHttpRoute = (kind: { group: string; kind: string }) =>
      kind.group === GATEWAY_GROUP && kind.kind === "HTTPRoute";
    const badKinds = kinds.filter((kind) => !isHttpRoute(kind)).map(({ kind }) => kind);
    if (badKinds.length > 0) {
      const message = `routes of kind ${badKinds.join(", ")} are not served by this listener`;
      tell(
        "listener-not-served",
        [...path, "allowedRoutes", "kinds"],
        message,
        "write kind: HTTPRoute",
        "HTTPRoute",
      );
    }
    const model: Listener = {
      id: `${objectText(object)}/${section.name}`,
      gateway: object,
      name: section.name,
      addresses,
      port: section.port,
      protocol: "HTTP",
      ...(section.hostname === undefined ? {} : { hostname: section.hostname }),
    };
    const refusal = refusalOf(section, model, unbindable, conflictWith);
    if (refusal !== undefined) {
      const field = refusal.reason === "UnsupportedProtocol" ? ["protocol"] : [];
      const expected =
        refusal.reason === "UnsupportedProtocol"
          ? "protocol: HTTP"
          : "an address, port and hostname of its own";
      tell(
        "listener-not-served",
        [...path, ...field],
        refusal.message,
        "change or remove the listener",
        expected,
      );
    }
    return {
      gateway: object,
      name: section.name,
      port: section.port,
      hostname: section.hostname,
      namespaces: section.allowedRoutes.namespaces,
      takesHttpRoutes: kinds.length === 0 || kinds.some(isHttpRoute),
      badKinds,
      listener: refusal === undefined ? model : undefined,
      refusal,
    };
  });
  return { reading, listeners, findings };
}

function refusalOf(
  section: ListenerValue,
  model: Listener,
  unbindable: boolean,
  conflictWith: (listener: Listener) => string | undefined,
): GatewayListener["refusal"] {
  if (section.protocol !== "HTTP") {
    const message = `the protocol ${section.protocol} is not served yet, so the listener is not opened`;
    return { type: "Accepted", reason: "UnsupportedProtocol", message };
  }
  if (unbindable) {
    return {
      type: "Accepted",
      reason: "UnsupportedAddress",
      message: "no address of the Gateway can be bound",
    };
  }
  const other = conflictWith(model);
  if (other === undefined) return undefined;
  const message = `${other} already has this address, port and hostname`;
  return { type: "Conflicted", reason: "HostnameConflict", message };
}

/** IPv4 or IPv6 text without brackets and zone. */
function isIpAddress(text: string): boolean {
  return parseIp(text) !== undefined;
}
