// A listener of a Gateway: its fields, and the place where clients come in that they become.
import { z } from "zod";
import type { FindingCode, Listener, ObjectRef } from "../../model/index.ts";
import type { FindingText } from "../findings.ts";
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
import { labelSelector } from "../schema/label-selector.ts";
import { GATEWAY_GROUP, hostname } from "./names.ts";

const routeKind = z.strictObject({ group: groupName.default(GATEWAY_GROUP), kind: kindName });

const allowedRoutes = z.strictObject({
  namespaces: checked(
    z.strictObject({
      from: z.enum(["All", "Selector", "Same"]).default("Same"),
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

export const listenerSchema = checked(
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

/** A finding about a listener; `path` is relative to it. */
export interface ListenerRemark extends FindingText {
  readonly code: FindingCode;
  readonly path: readonly string[];
}

/**
 * `place` is what the listener would be in the snapshot. `objection`: why its Gateway as a whole cannot open it.
 * `takenBy`: the earlier listener that already has its place.
 */
export function compileListener(
  value: ListenerValue,
  place: Listener,
  objection: GatewayListener["refusal"],
  takenBy: (listener: Listener) => string | undefined,
): { readonly listener: GatewayListener; readonly remarks: readonly ListenerRemark[] } {
  const { kinds, namespaces } = value.allowedRoutes;
  const badKinds = kinds.filter((kind) => !isHttpRoute(kind)).map(({ kind }) => kind);
  const refusal = objection ?? unsupported(value) ?? conflict(takenBy(place));
  const remarks: ListenerRemark[] = [];
  if (badKinds.length > 0) {
    remarks.push({
      code: "listener-not-served",
      path: ["allowedRoutes", "kinds"],
      message: `routes of kind ${badKinds.join(", ")} are not served`,
      expected: "kind: HTTPRoute",
      hint: "write kind: HTTPRoute, or leave kinds out",
    });
  }
  // What is in error has its findings already.
  if (refusal !== undefined && refusal.reason !== "Invalid") {
    const isProtocol = refusal.reason === "UnsupportedProtocol";
    remarks.push({
      code: "listener-not-served",
      path: isProtocol ? ["protocol"] : [],
      message: `the listener is not opened: ${refusal.message}`,
      expected: isProtocol
        ? "protocol: HTTP"
        : "a valid listener with an address, port and hostname of its own",
      hint: isProtocol ? "write protocol: HTTP, or remove the listener" : "change or remove the listener",
    });
  }
  return {
    listener: {
      gateway: place.gateway,
      name: value.name,
      port: value.port,
      hostname: value.hostname,
      namespaces,
      takesHttpRoutes: kinds.length === 0 || kinds.some(isHttpRoute),
      badKinds,
      listener: refusal === undefined ? place : undefined,
      refusal,
    },
    remarks,
  };
}

function isHttpRoute({ group, kind }: { readonly group: string; readonly kind: string }): boolean {
  return group === GATEWAY_GROUP && kind === "HTTPRoute";
}

function unsupported({ protocol }: ListenerValue): GatewayListener["refusal"] {
  if (protocol === "HTTP") return undefined;
  const message = `the protocol ${protocol} is not served yet`;
  return { type: "Accepted", reason: "UnsupportedProtocol", message };
}

function conflict(other: string | undefined): GatewayListener["refusal"] {
  if (other === undefined) return undefined;
  return {
    type: "Conflicted",
    reason: "HostnameConflict",
    message: `${other} already has its place or its name`,
  };
}
