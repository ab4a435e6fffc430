// Pod: an endpoint by itself, where a selector picks Pods directly. Of its fields only a few matter to a gateway.
import { z } from "zod";
import {
  type Endpoint,
  type EndpointHealth,
  formatIp,
  formatSocketAddress,
  parseIp,
} from "../../model/index.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";

export const POD = defineKind(
  { group: "", kind: "Pod", versions: ["v1"] },
  {
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
export function podEndpoint(
  { object, value: { metadata, status } }: PodReading,
  port: number,
): Endpoint | undefined {
  const bytes = status?.podIP === undefined ? undefined : parseIp(status.podIP);
  if (bytes === undefined) return undefined;
  return {
    address: formatSocketAddress(bytes, port),
    host: formatIp(bytes),
    port,
    weight: 1,
    health: podHealth(metadata.deletionTimestamp, status?.conditions ?? []),
    hostname: object.name,
    ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
  };
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
