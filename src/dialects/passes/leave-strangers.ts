// In a cluster: of kinds that everybody has, only those objects are spoken of that something of ours leads to.
import { type Backend, type ObjectStatus, objectKey, objectText } from "../../model/index.ts";
import { ENDPOINT_SLICE, SERVICE_NAME_LABEL } from "../core/endpoint-slice.ts";
import { SERVICE } from "../core/service.ts";
import type { FindingDraft } from "../findings.ts";
import type { CompiledRoute } from "../gateway-api/compile-route.ts";
import type { Resource } from "../translation.ts";

/** Their objects are mostly none of a gateway's business: certificates of webhooks, Services of databases. */
const SHARED_GROUPS: ReadonlySet<string> = new Set(["", ENDPOINT_SLICE.group]);
const OWN_ANNOTATION = "limpet.dev/";

export interface OursAndTheirs {
  /** By object key: an object that could not be read still says whose it is. */
  readonly resources: ReadonlyMap<string, Resource>;
  readonly routes: readonly CompiledRoute[];
  readonly backends: readonly Backend[];
  readonly statuses: readonly ObjectStatus[];
  /** What all passes after reading have said. */
  readonly told: readonly FindingDraft[];
}

/** `found`: what is wrong with objects in themselves, whoever uses them. */
export function leaveStrangers(found: readonly FindingDraft[], ours: OursAndTheirs): readonly FindingDraft[] {
  const shared = found.filter(({ object }) => SHARED_GROUPS.has(object.group));
  if (shared.length === 0) return found;
  const services = new Set(
    ours.routes
      .filter(({ gateways }) => gateways.length > 0)
      .flatMap(({ backends }) => backends.map(({ object }) => objectKey(object))),
  );
  const credentials = namedCredentials(ours);
  const isOurs = (draft: FindingDraft): boolean => {
    const { object, path } = draft;
    if (isOwnAnnotation(path)) return true;
    switch (object.kind) {
      case "Service":
        return services.has(objectKey(object));
      case "EndpointSlice": {
        const name = serviceNameIn(ours.resources.get(objectKey(object))?.value);
        return services.has(objectKey({ ...object, group: SERVICE.group, kind: SERVICE.kind, name }));
      }
      default:
        return credentials.has(objectText(object));
    }
  };
  const strangers = new Set(shared.filter((draft) => !isOurs(draft)));
  return strangers.size === 0 ? found : found.filter((draft) => !strangers.has(draft));
}

function serviceNameIn(slice: unknown): string {
  const { metadata } = (slice ?? {}) as { metadata?: { labels?: Readonly<Record<string, unknown>> } };
  return String(metadata?.labels?.[SERVICE_NAME_LABEL] ?? "");
}

function isOwnAnnotation([, field, name]: FindingDraft["path"]): boolean {
  return field === "annotations" && String(name).startsWith(OWN_ANNOTATION);
}

/**
 * Texts of the Secrets and ConfigMaps in use that may be in error. Whoever names one that cannot be used, or only in its
 * last good form, says so by its name; which one that is nobody needs to remember beside.
 */
function namedCredentials({ told, statuses, backends }: OursAndTheirs): ReadonlySet<string> {
  const named = new Set<string>();
  const note = (text: string) => {
    for (const [name] of text.matchAll(/\b(?:Secret|ConfigMap)\/[^\s,;:]+/g)) named.add(name);
  };
  for (const { message } of told) note(message);
  for (const { conditions, listeners = [], parents = [] } of statuses) {
    for (const one of [...conditions, ...[...listeners, ...parents].flatMap((part) => part.conditions)]) {
      if (one.status === "False") note(one.message);
    }
  }
  for (const { tls } of backends) {
    if (Array.isArray(tls?.trust)) for (const { id } of tls.trust) named.add(id);
  }
  return named;
}
