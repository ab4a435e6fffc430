// Pod: an endpoint by itself, where a selector picks Pods directly. Of its fields only a few matter to a gateway.
import { z } from "zod";
import {
  type Endpoint,
  type EndpointHealth,
  formatIp,
  formatSocketAddress,
  parseIp,
} from "../../model/index.ts";
import type { ObjectSet } from "../object-set.ts";
import { checked, type FieldProblem } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import { metadata, time } from "../schema/metadata.ts";
import type { Reading } from "../schema/read-object.ts";

/**
 * An operator's word that the Pod is about to leave: `"true"`, or since when (RFC 3339), which lets all replicas of the
 * gateway end its sessions at the same moment.
 */
export const DRAIN_ANNOTATION = "limpet.dev/drain";

const podMetadata = metadata.extend({
  annotations: checked(z.record(z.string(), z.unknown()), ({ [DRAIN_ANNOTATION]: drain }) =>
    drain === undefined || drain === "true" || drain === "false" || isTime(drain) ? undefined : NOT_A_DRAIN,
  ).default({}),
});

const NOT_A_DRAIN: FieldProblem = {
  severity: "warning",
  path: [DRAIN_ANNOTATION],
  message: "the annotation says neither that the Pod drains nor since when",
  expected: 'the text "true" or "false", or a time (RFC 3339)',
  hint: `write ${DRAIN_ANNOTATION}: "true"`,
};

export const POD = defineKind(
  { group: "", kind: "Pod", versions: ["v1"] },
  {
    metadata: podMetadata,
    spec: z.unknown().optional(),
    status: z
      .looseObject({
        podIP: z.string().optional(),
        conditions: z
          .array(z.looseObject({ type: z.string(), status: z.enum(["True", "False", "Unknown"]) }))
          .default([]),
      })
      .optional(),
  },
);

export type PodReading = Reading<ValueOf<typeof POD>>;

/** Undefined while the Pod has no address. */
export function podEndpoint(pod: PodReading, port: number): Endpoint | undefined {
  const {
    object,
    value: { metadata, status },
  } = pod;
  const bytes = status?.podIP === undefined ? undefined : parseIp(status.podIP);
  if (bytes === undefined) return undefined;
  const endpoint: Endpoint = {
    address: formatSocketAddress(bytes, port),
    host: formatIp(bytes),
    port,
    weight: 1,
    health: podHealth(metadata.deletionTimestamp, status?.conditions ?? []),
    hostname: object.name,
    ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
  };
  return withDrain(endpoint, pod);
}

/** The Pod of that name, if it is part of the configuration and the very one that `uid` means. */
export function podOf(
  objects: ObjectSet,
  {
    namespace,
    name,
    uid,
  }: { readonly namespace: string; readonly name: string; readonly uid?: string | undefined },
): PodReading | undefined {
  const pod = objects.get(POD, namespace, name);
  const isOther =
    uid !== undefined && pod?.value.metadata.uid !== undefined && pod.value.metadata.uid !== uid;
  return isOther ? undefined : pod;
}

/**
 * The endpoint with what its Pod says about leaving: that it drains, and since when as far as the Pod tells. One that
 * does not serve is left as it is: it has nothing to finish.
 */
export function withDrain(endpoint: Endpoint, { value: { metadata } }: PodReading): Endpoint {
  if (endpoint.health === "unhealthy" || endpoint.health === "timeout") return endpoint;
  const sinceMs = drainingSinceMs(metadata);
  if (sinceMs === undefined && endpoint.health !== "draining") return endpoint;
  return {
    ...endpoint,
    health: "draining",
    ...(typeof sinceMs === "number" ? { drainingSinceMs: sinceMs } : {}),
  };
}

/** Wall clock; `unknown`: it drains, and nobody wrote down since when; undefined: it stays. */
function drainingSinceMs({
  annotations: { [DRAIN_ANNOTATION]: drain },
  deletionTimestamp,
  deletionGracePeriodSeconds = 0,
}: z.output<typeof podMetadata>): number | "unknown" | undefined {
  const starts: number[] = [];
  if (deletionTimestamp !== undefined) {
    starts.push(Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000);
  }
  if (isTime(drain)) starts.push(Date.parse(drain));
  if (starts.length > 0) return Math.min(...starts);
  return drain === "true" ? "unknown" : undefined;
}

function isTime(value: unknown): value is string {
  return time.safeParse(value).success;
}

function podHealth(
  deletionTimestamp: string | undefined,
  conditions: readonly { readonly type: string; readonly status: string }[],
): EndpointHealth {
  const ready = conditions.find(({ type }) => type === "Ready")?.status;
  if (deletionTimestamp !== undefined) return ready === "False" ? "unhealthy" : "draining";
  if (ready === undefined) return "unknown";
  return ready === "True" ? "healthy" : "unhealthy";
}
