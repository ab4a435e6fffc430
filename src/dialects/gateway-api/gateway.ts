// Gateway: its fields, and what they mean for its listeners.
import { z } from "zod";
import { type Listener, objectText } from "../../model/index.ts";
import { draftFinding, type FindingDraft } from "../findings.ts";
import { formatIp, parseIp } from "../ip-address.ts";
import { checked, ignored, objectName, rule } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { compileListener, distinctListeners, type GatewayListener, listenerSchema } from "./listener.ts";
import { GATEWAY_GROUP } from "./names.ts";

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

export const GATEWAY = defineKind(
  { group: GATEWAY_GROUP, kind: "Gateway", versions: ["v1", "v1beta1"] },
  {
    spec: z.strictObject({
      gatewayClassName: objectName,
      listeners: checked(z.array(listenerSchema).min(1).max(64), distinctListeners),
      addresses,
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

export interface CompiledGateway {
  readonly reading: GatewayReading;
  readonly listeners: readonly GatewayListener[];
  readonly findings: readonly FindingDraft[];
}

/** `takenBy`: the earlier listener that already has the same place, if there is one. */
export function compileGateway(
  reading: GatewayReading,
  takenBy: (listener: Listener) => string | undefined,
): CompiledGateway {
  const { object, value } = reading;
  const findings: FindingDraft[] = [];
  const addresses = bindable(reading, findings);
  const listeners = value.spec.listeners.map((section, index) => {
    const path = ["spec", "listeners", index];
    const place: Listener = {
      id: `${objectText(object)}/${section.name}`,
      gateway: object,
      name: section.name,
      addresses: addresses ?? [],
      port: section.port,
      protocol: "HTTP",
      ...(section.hostname === undefined ? {} : { hostname: section.hostname }),
    };
    const objection = reading.hasErrorAt(path) ? INVALID : addresses === undefined ? UNBINDABLE : undefined;
    const { listener, remarks } = compileListener(section, place, objection, takenBy);
    for (const remark of remarks) {
      const at = reading.writtenPath([...path, ...remark.path]);
      findings.push(draftFinding(remark.code, object, at, remark));
    }
    return listener;
  });
  return { reading, listeners, findings };
}

const INVALID = { type: "Accepted", reason: "Invalid", message: "it is in error" } as const;
const UNBINDABLE = {
  type: "Accepted",
  reason: "UnsupportedAddress",
  message: "no address of the Gateway can be bound",
} as const;

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
