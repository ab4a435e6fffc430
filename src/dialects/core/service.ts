// Service: a backend whose endpoints come from EndpointSlices, or, with ExternalName, from a name.
import { z } from "zod";
import { type ObjectRef, objectText } from "../../model/index.ts";
import type { BackendKind, ReferenceProblem } from "../dialect.ts";
import { draftFinding } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import { checked, ignored, portNumber } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import { metadata } from "../schema/metadata.ts";
import type { Reading } from "../schema/read-object.ts";
import { hostOrAddress, staticPlaces } from "../static-places.ts";
import { backendProtocol } from "./app-protocol.ts";
import {
  ENDPOINT_SLICE,
  type EndpointSliceReading,
  SERVICE_NAME_LABEL,
  sliceEndpoints,
  slicePods,
} from "./endpoint-slice.ts";
import { serviceLabels } from "./service-labels.ts";

const servicePort = z.strictObject({
  name: z.string().default(""),
  port: portNumber,
  targetPort: checked(z.unknown(), (value) => {
    if (value === undefined || typeof value === "string") return undefined;
    if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65535) return undefined;
    return {
      message: `${JSON.stringify(value)} is neither a port nor the name of one`,
      expected: "a whole number from 1 to 65535, or a text",
      hint: "write targetPort: 8080 or targetPort: http",
    };
  }).optional(),
  protocol: z.enum(["TCP", "UDP", "SCTP"]).default("TCP"),
  appProtocol: z.string().optional(),
  nodePort: z.int().optional(),
});

const sessionAffinity = checked(z.enum(["None", "ClientIP"]).default("None"), (value) => {
  if (value === "None") return undefined;
  return {
    code: "field-ignored",
    severity: "warning",
    message: "sessionAffinity works inside kube-proxy; requests through a gateway do not pass it",
    expected: "None",
    hint: "hash on the source address with a policy for this Service instead",
  };
});

/** What kube-proxy does for connections to the Service's own address, as far as users may count on it. */
function ofKubeProxy(ordinary: string, why: string) {
  return checked(z.string(), (value) => {
    if (value === ordinary) return undefined;
    return {
      code: "field-ignored",
      severity: "info",
      message: `${why}; requests through a gateway do not pass kube-proxy`,
      expected: "a Service without it",
      hint: "leave it to clients inside of the cluster, or remove it",
    };
  }).optional();
}

/** Fields about the cluster's own network, which a gateway that goes to endpoints directly never meets. */
const elsewhere = z.unknown().optional();

export const SERVICE = defineKind(
  { group: "", kind: "Service", versions: ["v1"] },
  {
    metadata: metadata.extend({ labels: serviceLabels }),
    spec: z.strictObject({
      type: z.enum(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]).default("ClusterIP"),
      ports: z.array(servicePort).default([]),
      selector: z.record(z.string(), z.string()).optional(),
      externalName: hostOrAddress.optional(),
      sessionAffinity,
      sessionAffinityConfig: z.looseObject({}).optional(),
      publishNotReadyAddresses: ignored(
        z.boolean(),
        "readiness comes from the EndpointSlices",
        "nothing: where this is set, the slices say that endpoints are ready",
      ),
      clusterIP: elsewhere,
      clusterIPs: elsewhere,
      ipFamilies: elsewhere,
      ipFamilyPolicy: elsewhere,
      externalIPs: elsewhere,
      loadBalancerIP: elsewhere,
      loadBalancerClass: elsewhere,
      loadBalancerSourceRanges: elsewhere,
      allocateLoadBalancerNodePorts: elsewhere,
      externalTrafficPolicy: elsewhere,
      internalTrafficPolicy: ofKubeProxy("Cluster", "endpoints of all nodes are used"),
      healthCheckNodePort: elsewhere,
      trafficDistribution: ofKubeProxy("", "endpoints of all zones and nodes are used alike"),
    }),
  },
);

export type ServiceReading = Reading<ValueOf<typeof SERVICE>>;

export const SERVICE_BACKEND: BackendKind<ValueOf<typeof SERVICE>> = {
  kind: SERVICE,
  resolve: ({ object, value: { spec } }, { port }, options) => {
    if (spec.type === "ExternalName" && options.controllerName !== undefined && !options.allowExternalName) {
      return externalNameRefused(object);
    }
    const ports = spec.ports.filter(({ protocol }) => protocol === "TCP");
    // An ExternalName Service need not list ports: the name is used with whatever port the reference gives.
    const free = spec.type === "ExternalName" && ports.length === 0 && port !== undefined;
    if (!free && !ports.some((one) => one.port === port)) {
      const known = ports.map((one) => one.port).join(", ");
      return {
        reason: "BackendNotFound",
        message:
          port === undefined
            ? `the reference to ${objectText(object)} names no port`
            : `${objectText(object)} has no TCP port ${port}`,
        expected: known === "" ? "a Service with ports" : `one of ${known}`,
        hint: known === "" ? "add ports to the Service" : `write port: ${ports[0]?.port}`,
        field: "port",
      };
    }
    const protocol = backendProtocol(ports.find((one) => one.port === port)?.appProtocol);
    return {
      id: `${objectText(object)}:${port}`,
      object,
      ...(port === undefined ? {} : { port }),
      ...(protocol === undefined ? {} : { protocol }),
    };
  },
  dependsOn: ({ object, value }, objects) => {
    if (value.spec.type === "ExternalName") return [];
    const slices = slicesOf(objects, object.namespace, object.name);
    return [...slices, ...slices.flatMap((slice) => slicePods(slice, objects))];
  },
  endpoints: (service, port, objects) =>
    service.value.spec.type === "ExternalName"
      ? externalEndpoints(service, port)
      : discoveredEndpoints(service, port, objects),
};

function externalNameRefused(object: ObjectRef): ReferenceProblem {
  return {
    reason: "UnsupportedValue",
    message: `${objectText(object)} is of type ExternalName, which is not served in this cluster`,
    expected: "a Service with endpoints in the cluster",
    hint: "use another kind of backend, or let the operator set --allow-external-name",
    field: "name",
  };
}

function discoveredEndpoints(
  { object, value }: ServiceReading,
  port: number | undefined,
  objects: ObjectSet,
) {
  const portName = value.spec.ports.find((one) => one.port === port && one.protocol === "TCP")?.name ?? "";
  const read = slicesOf(objects, object.namespace, object.name).map((slice) =>
    sliceEndpoints(slice, portName, slicePods(slice, objects)),
  );
  return {
    result: { endpoints: read.flatMap(({ endpoints }) => endpoints) },
    findings: read.flatMap(({ findings }) => findings),
  };
}

function externalEndpoints(service: ServiceReading, port: number | undefined) {
  const { object, value } = service;
  const { externalName } = value.spec;
  const target = value.spec.ports.find((one) => one.port === port)?.targetPort;
  const number = typeof target === "number" ? target : port;
  if (externalName !== undefined && number !== undefined) {
    return { result: staticPlaces([{ host: externalName, port: number }]), findings: [] };
  }
  const path = service.writtenPath(["spec", "externalName"]);
  const text = {
    message: "the Service has no externalName, so there are no endpoints",
    expected: "a DNS name or an IP address",
    hint: "add externalName: app.example.com",
  };
  return { result: { endpoints: [] }, findings: [draftFinding("backend-approximated", object, path, text)] };
}

function slicesOf(objects: ObjectSet, namespace: string, name: string): readonly EndpointSliceReading[] {
  const byService = objects.index(ENDPOINT_SLICE, "by service", (all) =>
    Map.groupBy(all, ({ object, value }) => {
      return `${object.namespace}/${value.metadata.labels[SERVICE_NAME_LABEL] ?? ""}`;
    }),
  );
  return byService.get(`${namespace}/${name}`) ?? [];
}
