// EndpointSlice: the addresses behind a Service, and the state that each of them is in.
import { z } from "zod";
import {
  type Endpoint,
  type EndpointHealth,
  formatIp,
  formatSocketAddress,
  parseIp,
} from "../../model/index.ts";
import { draftFinding, type FindingDraft } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { POD, type PodReading, podOf, withDrain } from "./pod.ts";

/** Label that ties a slice to its Service. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

const conditions = z.strictObject({
  ready: z.boolean().optional(),
  serving: z.boolean().optional(),
  terminating: z.boolean().optional(),
});

const endpoint = z.strictObject({
  addresses: z.array(z.string()).min(1).max(100),
  conditions: conditions.default({}),
  hostname: z.string().optional(),
  nodeName: z.string().optional(),
  zone: z.string().optional(),
  targetRef: z
    .looseObject({
      kind: z.string().optional(),
      namespace: z.string().optional(),
      name: z.string().optional(),
      uid: z.string().optional(),
    })
    .optional(),
  /** For kube-proxy, written by the cluster and not by a user: no finding. Endpoints of all zones are used. */
  hints: z.looseObject({}).optional(),
  deprecatedTopology: z.record(z.string(), z.string()).optional(),
});

const port = z.strictObject({
  name: z.string().default(""),
  port: z.int().min(0).max(65535).optional(),
  protocol: z.enum(["TCP", "UDP", "SCTP"]).default("TCP"),
  appProtocol: z.string().optional(),
});

export const ENDPOINT_SLICE = defineKind(
  { group: "discovery.k8s.io", kind: "EndpointSlice", versions: ["v1", "v1beta1"] },
  {
    addressType: z.enum(["IPv4", "IPv6", "FQDN"]),
    endpoints: z.array(endpoint).max(1000).default([]),
    ports: z.array(port).max(100).default([]),
  },
);

export type EndpointSliceReading = Reading<ValueOf<typeof ENDPOINT_SLICE>>;

/** The Pods behind its endpoints that are part of the configuration, one for each endpoint. */
export function slicePods(
  { object, value }: EndpointSliceReading,
  objects: ObjectSet,
): readonly (PodReading | undefined)[] {
  // Most configurations have no Pods.
  if (objects.all(POD).length === 0) return NO_PODS;
  return value.endpoints.map(({ targetRef }) => {
    if (targetRef?.kind !== "Pod" || targetRef.name === undefined) return undefined;
    const { namespace = object.namespace, name, uid } = targetRef;
    return podOf(objects, { namespace, name, uid });
  });
}

const NO_PODS: readonly undefined[] = [];

/**
 * The endpoints of one port of the Service, by the port's name; "" is the name of an only port. Their Pods, as
 * `slicePods` finds them, say more about leaving than the slice does.
 */
export function sliceEndpoints(
  reading: EndpointSliceReading,
  portName: string,
  pods: readonly (PodReading | undefined)[],
): { readonly endpoints: readonly Endpoint[]; readonly findings: readonly FindingDraft[] } {
  const { object, value } = reading;
  const number = value.ports.find(({ name, protocol }) => name === portName && protocol === "TCP")?.port;
  const endpoints: Endpoint[] = [];
  const findings: FindingDraft[] = [];
  if (number === undefined) return { endpoints, findings };
  for (const [index, entry] of value.endpoints.entries()) {
    // All addresses of an endpoint are the same host; the API asks clients to use the first.
    const bytes = parseIp(entry.addresses[0] ?? "");
    if (bytes === undefined) {
      const path = reading.writtenPath(["endpoints", index, "addresses", 0]);
      const text = {
        message: `${JSON.stringify(entry.addresses[0])} is no IP address, so the endpoint is left out`,
        expected: "an IPv4 or IPv6 address",
        hint: "write the address that the name resolves to",
      };
      findings.push(draftFinding("backend-approximated", object, path, text));
      continue;
    }
    const hostname = entry.hostname ?? entry.targetRef?.name;
    const told: Endpoint = {
      address: formatSocketAddress(bytes, number),
      host: formatIp(bytes),
      port: number,
      weight: 1,
      health: healthOf(entry.conditions),
      ...(hostname === undefined ? {} : { hostname }),
      ...(entry.targetRef?.uid === undefined ? {} : { uid: entry.targetRef.uid }),
      ...(entry.zone === undefined ? {} : { zone: entry.zone }),
    };
    const pod = pods[index];
    endpoints.push(pod === undefined ? told : withDrain(told, pod));
  }
  return { endpoints, findings };
}

/**
 * `ready` unset means ready (EndpointConditions), which is not the same as having been found healthy: that stays
 * `unknown`. Terminating endpoints that serve keep their sessions and get no new ones.
 */
function healthOf({ ready, serving, terminating }: z.output<typeof conditions>): EndpointHealth {
  if (terminating === true) return (serving ?? ready ?? false) ? "draining" : "unhealthy";
  if (ready === undefined) return serving === false ? "unhealthy" : "unknown";
  return ready ? "healthy" : "unhealthy";
}
