// What listeners of one Gateway do to each other: which of them conflict, and whose hostnames overlap.
import { intersectHostnames } from "./hostnames.ts";
import type { ListenerRefusal, ListenerValue } from "./listener.ts";

/** Who listens on a port either speaks TLS or does not. */
export type PortFamily = "plain" | "encrypted";

/** Undefined: a protocol that is not served. */
export function portFamily({ protocol }: Pick<ListenerValue, "protocol">): PortFamily | undefined {
  if (protocol === "HTTP") return "plain";
  return protocol === "HTTPS" || protocol === "TLS" ? "encrypted" : undefined;
}

/**
 * Of listeners that cannot stand together none is opened: the specification lets nobody pick a winner. That two of the
 * same protocol have the same port and hostname is an error of the Gateway already.
 */
export function conflictWithin(
  value: ListenerValue,
  others: readonly ListenerValue[],
): ListenerRefusal | undefined {
  const neighbours = others.filter(({ port }) => port === value.port);
  const family = portFamily(value);
  const named = (rivals: readonly ListenerValue[]) => rivals.map(({ name }) => name).join(", ");

  const strangers = neighbours.filter((other) => portFamily(other) !== family);
  if (strangers.length > 0) {
    return conflict("ProtocolConflict", `${named(strangers)} has the same port and another protocol`);
  }
  const mixed = neighbours.filter(
    (other) => value.protocol === "TLS" && other.protocol === "TLS" && other.tls?.mode !== value.tls?.mode,
  );
  if (mixed.length > 0) {
    return conflict("ProtocolConflict", `${named(mixed)} has the same port and another mode of TLS`);
  }
  const twins = neighbours.filter(
    (other) => other.protocol !== value.protocol && other.hostname === value.hostname,
  );
  if (twins.length > 0) {
    return conflict("HostnameConflict", `${named(twins)} has the same port and hostname`);
  }
  return undefined;
}

export function conflict(reason: "HostnameConflict" | "ProtocolConflict", message: string): ListenerRefusal {
  return { type: "Conflicted", reason, message };
}

/** Names of the listeners on the same port that some server name leads to as well, were this listener not there. */
export function overlapsOf(value: ListenerValue, others: readonly ListenerValue[]): readonly string[] {
  if (portFamily(value) !== "encrypted") return [];
  return others
    .filter((other) => other.port === value.port && portFamily(other) === "encrypted")
    .filter(({ hostname }) => {
      return intersectHostnames(hostname, value.hostname === undefined ? [] : [value.hostname]).length > 0;
    })
    .map(({ name }) => name);
}
