// ServiceEntry of Istio: a backend that the configuration knows by host, with endpoints that it lists or names.
import { z } from "zod";
import { objectText, parseIp } from "../../model/index.ts";
import { POD, podEndpoint } from "../core/pod.ts";
import type { BackendKind } from "../dialect.ts";
import { draftFinding, type FindingDraft } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import {
  approximated,
  checked,
  type FieldProblem,
  ignored,
  portNumber,
  repeatedNames,
  rule,
} from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { speaking } from "../static-backend.ts";
import { type StaticPlace, type StaticPlaces, staticPlaces } from "../static-places.ts";
import { isWildcard } from "./hosts.ts";

const labels = z.record(z.string(), z.string());

const workload = z.strictObject({
  address: z.string().default(""),
  ports: z.record(z.string(), portNumber).default({}),
  labels: ignored(
    labels,
    "subsets are not read, and labels of an endpoint mean nothing else",
    "remove labels",
  ),
  network: ignored(z.string(), "all networks are reached directly", "remove network"),
  locality: z.string().default(""),
  weight: z.int().min(0).default(0),
  serviceAccount: ignored(z.string(), "endpoints have no identity of the mesh", "remove serviceAccount"),
});

const resolution = checked(
  z.enum(["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"]).default("NONE"),
  (value) => {
    if (value !== "DNS_ROUND_ROBIN") return undefined;
    return {
      code: "field-approximated",
      severity: "warning",
      message: "all addresses of a name are used, not the first alone",
      expected: "DNS",
      hint: "write resolution: DNS",
    };
  },
);

const hosts = checked(z.array(z.string().min(1)).min(1).max(256), (list) => {
  if (list.length === 1) return undefined;
  return {
    code: "field-approximated",
    severity: "warning",
    message: "all hosts of a ServiceEntry are one backend",
    expected: "one host",
    hint: "write a ServiceEntry for each host",
  };
});

const ports = checked(
  z.array(
    z.strictObject({
      number: portNumber,
      protocol: z.string().default(""),
      name: z.string().min(1),
      targetPort: portNumber.optional(),
    }),
  ),
  (list) => repeatedNames(list, "ports"),
);

/** A name that no port of the entry has says nothing, and the endpoint gets another port than was meant. */
function strangePorts(endpoints: readonly z.output<typeof workload>[], names: readonly string[]) {
  return endpoints.flatMap(({ ports }, index) =>
    Object.keys(ports)
      .filter((name) => !names.includes(name))
      .map((name) =>
        rule({
          path: ["endpoints", index, "ports", name],
          message: `the ServiceEntry has no port with the name ${name}`,
          expected: names.length === 0 ? "no port" : `one of ${[...new Set(names)].join(", ")}`,
          hint: `correct the name, or remove ${name}`,
        }),
      ),
  );
}

export const SERVICE_ENTRY = defineKind(
  { group: "networking.istio.io", kind: "ServiceEntry", versions: ["v1", "v1beta1", "v1alpha3"] },
  {
    spec: checked(
      z.strictObject({
        hosts,
        ports: ports.default([]),
        resolution,
        endpoints: z.array(workload).max(4096).default([]),
        workloadSelector: z.strictObject({ labels: labels.default({}) }).optional(),
        // Whom it is for, and where: a gateway serves what its routes name.
        addresses: z.array(z.string()).default([]),
        location: z.enum(["MESH_EXTERNAL", "MESH_INTERNAL"]).optional(),
        exportTo: approximated(
          z.array(z.string()),
          "who may name the backend is decided by ReferenceGrants",
          "write a ReferenceGrant for routes of other namespaces",
        ),
        subjectAltNames: ignored(
          z.array(z.string()),
          "whose certificate an endpoint may show is said by the DestinationRule",
          "move subjectAltNames to trafficPolicy.tls of a DestinationRule",
        ),
      }),
      ({ endpoints, ports, workloadSelector, resolution }) => {
        const names = ports.map(({ name }) => name);
        const problems: FieldProblem[] = strangePorts(endpoints, names);
        if (endpoints.length > 0 && workloadSelector !== undefined) {
          const message = "endpoints and workloadSelector stand together";
          problems.push(
            rule({ path: ["workloadSelector"], message, expected: "one of them", hint: "remove endpoints" }),
          );
        }
        if (resolution === "STATIC" && endpoints.length === 0 && workloadSelector === undefined) {
          problems.push(
            rule({
              absent: ["endpoints", "workloadSelector"],
              message: "the resolution STATIC needs endpoints",
              expected: "endpoints or workloadSelector",
              hint: "add endpoints: [{address: 10.0.0.1}]",
            }),
          );
        }
        return problems;
      },
    ),
  },
);

type Value = ValueOf<typeof SERVICE_ENTRY>;
type Entry = Reading<Value>;
type Port = Value["spec"]["ports"][number];

export const SERVICE_ENTRY_BACKEND: BackendKind<Value> = {
  kind: SERVICE_ENTRY,
  resolve: ({ object, value: { spec } }, { port }) => {
    const found = portOf(spec, port);
    if (found === undefined) {
      const known = spec.ports.map(({ number }) => number).join(", ");
      return {
        reason: "BackendNotFound",
        message:
          port === undefined
            ? `the reference to ${objectText(object)} names no port`
            : `${objectText(object)} has no port ${port}`,
        expected: known === "" ? "a ServiceEntry with ports" : `one of ${known}`,
        hint: known === "" ? "add ports to the ServiceEntry" : `write port: ${spec.ports[0]?.number}`,
        field: "port",
      };
    }
    const { number, protocol } = found;
    return speaking({ id: `${objectText(object)}:${number}`, object, port: number }, spoken(protocol));
  },
  dependsOn: ({ value }, objects) => (value.spec.workloadSelector === undefined ? [] : [objects.all(POD)]),
  endpoints: (entry, number, objects) => {
    const port = portOf(entry.value.spec, number);
    if (port === undefined) return { result: { endpoints: [] }, findings: [] };
    const result = placesOf(entry, port, objects);
    const findings = noAddresses(entry);
    if (result.endpoints.length === 0 && result.names === undefined && findings.length === 0) {
      findings.push(nowhere(entry));
    }
    return { result, findings };
  },
};

/** Istio's names of protocols as those of a Service's port; TCP and what else is not HTTP may well be HTTP/1.1. */
function spoken(protocol: string): string | undefined {
  const name = protocol.toLowerCase();
  if (name === "tls") return "https";
  return ["http", "https", "http2", "grpc", "grpc-web"].includes(name) ? name : undefined;
}

/** An only port need not be named. */
function portOf({ ports }: Value["spec"], number: number | undefined): Port | undefined {
  if (number === undefined) return ports.length === 1 ? ports[0] : undefined;
  return ports.find((one) => one.number === number);
}

function placesOf(entry: Entry, port: Port, objects: ObjectSet): StaticPlaces {
  const { spec } = entry.value;
  const target = port.targetPort ?? port.number;
  if (spec.workloadSelector !== undefined) {
    const wanted = Object.entries(spec.workloadSelector.labels);
    const pods = objects
      .all(POD)
      .filter(({ object }) => object.namespace === entry.object.namespace)
      .filter(({ value: { metadata } }) => wanted.every(([key, value]) => metadata.labels[key] === value))
      .map((pod) => podEndpoint(pod, target))
      .filter((endpoint) => endpoint !== undefined);
    return { endpoints: wanted.length === 0 ? [] : pods };
  }
  const listed = spec.endpoints.map(({ address, ports, locality, weight }): StaticPlace => {
    const [, zone = ""] = locality.split("/");
    const place = { host: address, port: ports[port.name] ?? target };
    // In Istio's protobuf 0 means that nothing was said.
    return { ...place, ...(weight === 0 ? {} : { weight }), ...(zone === "" ? {} : { zone }) };
  });
  if (spec.resolution === "STATIC")
    return staticPlaces(listed.filter(({ host }) => parseIp(host) !== undefined));
  if (spec.resolution === "NONE" || spec.resolution === "DYNAMIC_DNS") return { endpoints: [] };
  const named = spec.hosts.filter((host) => !isWildcard(host)).map((host) => ({ host, port: target }));
  return staticPlaces(listed.length > 0 ? listed : named);
}

/** Under STATIC names are not resolved. */
function noAddresses({ object, value, writtenPath }: Entry): FindingDraft[] {
  if (value.spec.resolution !== "STATIC") return [];
  return value.spec.endpoints.flatMap(({ address }, index) => {
    if (parseIp(address) !== undefined) return [];
    return [
      draftFinding("backend-approximated", object, writtenPath(["spec", "endpoints", index, "address"]), {
        message: `${JSON.stringify(address)} is no IP address, so the endpoint is left out`,
        expected: "an IP address, or resolution: DNS",
        hint: "correct the address, or write resolution: DNS",
      }),
    ];
  });
}

function nowhere({ object, value, writtenPath }: Entry): FindingDraft {
  const { resolution } = value.spec;
  const isOpen = resolution === "NONE" || resolution === "DYNAMIC_DNS";
  return draftFinding(
    "backend-approximated",
    object,
    writtenPath(["spec", isOpen ? "resolution" : "endpoints"]),
    {
      message: isOpen
        ? `the resolution ${resolution} goes wherever a request was sent to, which a gateway cannot know`
        : "there are no endpoints with an address that can be used",
      expected: isOpen ? "DNS or STATIC" : "IP addresses, or DNS names under resolution: DNS",
      hint: isOpen ? "write resolution: DNS" : "correct the addresses",
    },
  );
}
