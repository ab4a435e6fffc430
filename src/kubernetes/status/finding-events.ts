// Findings about objects that have no status of ours, as Kubernetes Events on those objects (events.k8s.io/v1).
import { createHash } from "node:crypto";
import type { Translation } from "../../dialects/translation.ts";
import { type Finding, type ObjectRef, objectKey } from "../../model/index.ts";
import type { KubernetesObject } from "../api/client.ts";
import { microTime } from "../api/time.ts";
import type { ApiResource } from "../watch/cluster-view.ts";
import { findingLine } from "./finding-messages.ts";
import { statusKind } from "./status-kinds.ts";

export const EVENT: ApiResource = {
  group: "events.k8s.io",
  kind: "Event",
  version: "v1",
  plural: "events",
  namespaced: true,
  hasStatus: false,
};

/** What the API server takes, in bytes of UTF-8. */
const MAX_NOTE = 1024;

/** Kinds of everybody's, whose objects translation speaks of only where something of ours leads to them. */
const SHARED_GROUPS: ReadonlySet<string> = new Set(["", "discovery.k8s.io"]);

/**
 * Errors and warnings that no condition can tell: about Services, Secrets and the like; about other dialects' objects that
 * a Gateway of ours uses; and about AffinityPolicies that no ancestor has. What belongs to other controllers, and what
 * is only worth knowing, is left alone.
 */
export function findingsForEvents({ statuses, findings, snapshot }: Translation): readonly Finding[] {
  const serious = findings.filter(({ severity, object }) => severity !== "info" && object !== undefined);
  if (serious.length === 0) return serious;
  const told = new Set<string>();
  const used = new Set(snapshot.backends.map(({ object }) => objectKey(object)));
  for (const { object, conditions, parents = [] } of statuses) {
    const kind = statusKind(object);
    const isShared = kind?.shape === "parents" || kind?.shape === "ancestors";
    if (kind !== undefined && (isShared ? parents : conditions).length > 0) told.add(objectKey(object));
    else if (parents.length > 0) used.add(objectKey(object));
  }
  return serious.filter(({ object }) => {
    if (object === undefined || told.has(objectKey(object))) return false;
    return object.group === "limpet.dev" || SHARED_GROUPS.has(object.group) || used.has(objectKey(object));
  });
}

/** The same text for the same thing to tell about the same object, by which no leader tells it twice. */
export function eventName({ code, path, message }: Finding, { name }: ObjectRef, uid: string): string {
  const digest = createHash("sha256").update([uid, code, path, message].join("\n")).digest("hex");
  return `${name.slice(0, 200).replace(/[-.]+$/, "")}.${digest.slice(0, 16)}`;
}

export function findingEvent(
  finding: Finding,
  about: KubernetesObject,
  {
    object,
    name,
    controllerName,
    identity,
    nowMs,
  }: { object: ObjectRef; name: string; controllerName: string; identity: string; nowMs: number },
): KubernetesObject {
  return {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name, namespace: eventNamespace(object) },
    eventTime: microTime(nowMs),
    reportingController: controllerName,
    reportingInstance: identity.slice(0, 128),
    action: "Translate",
    reason: finding.code.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    regarding: {
      apiVersion: about.apiVersion,
      kind: object.kind,
      ...(object.namespace === "" ? {} : { namespace: object.namespace }),
      name: object.name,
      uid: about.metadata.uid,
      resourceVersion: about.metadata.resourceVersion,
    },
    note: shortened(findingLine(finding)),
    type: finding.severity === "info" ? "Normal" : "Warning",
  };
}

/** Events about what has no namespace live in `default`. */
export function eventNamespace({ namespace }: ObjectRef): string {
  return namespace === "" ? "default" : namespace;
}

function shortened(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_NOTE) return text;
  // As a stream, so that half a character at the end is left out.
  return `${new TextDecoder().decode(bytes.subarray(0, MAX_NOTE - 3), { stream: true })}…`;
}
