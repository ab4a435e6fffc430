// Loads what follows requests, where that is asked for.
import { OpenTelemetryTracing } from "../dataplane/opentelemetry.ts";
import type { Tracing } from "../dataplane/tracing.ts";
import type { TracingKind } from "./processes/messages.ts";
import { LIMPET_VERSION } from "./version.ts";

const API = "@opentelemetry/api";

/** False: the package that is needed for it is not there. */
export function canTrace(kind: TracingKind): boolean {
  if (kind === "off") return true;
  try {
    import.meta.resolve(API);
    return true;
  } catch {
    return false;
  }
}

export async function loadTracing(kind: TracingKind): Promise<Tracing | undefined> {
  if (kind === "off") return undefined;
  return new OpenTelemetryTracing(await import("@opentelemetry/api"), LIMPET_VERSION);
}
