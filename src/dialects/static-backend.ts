// What backends of several dialects share that list their endpoints themselves: ids, protocols, and types that are not served.
import { type ObjectRef, objectText } from "../model/index.ts";
import { backendProtocol } from "./core/app-protocol.ts";
import type { ReferenceProblem, ResolvedBackend } from "./dialect.ts";

/** `Backend.gateway.kgateway.dev/default/mail`: two dialects have a kind of this name. */
export function qualifiedId({ group, kind, namespace, name }: ObjectRef): string {
  return `${kind}.${group}/${namespace}/${name}`;
}

/** The backend with what it speaks; where it says itself whom to trust over TLS no policy needs to. */
export function speaking(
  backend: ResolvedBackend,
  protocol: string | undefined,
  saysWhomToTrust = false,
): ResolvedBackend {
  const spoken = backendProtocol(protocol);
  if (spoken === undefined || (spoken.kind === "tls" && saysWhomToTrust)) return backend;
  return { ...backend, protocol: spoken };
}

/** A reference to a backend whose way to find endpoints is none of Limpet's. */
export function notServed(object: ObjectRef, what: string, expected: string): ReferenceProblem {
  return {
    reason: "UnsupportedValue",
    message: `${objectText(object)} ${what}`,
    expected,
    hint: "let the rule name another backend",
  };
}
