// What listeners of one Gateway, and of its ListenerSets, do to each other: which of them conflict, and whose names overlap.
import { intersectHostnames } from "./hostnames.ts";
import type { ListenerValue } from "./listener.ts";
import type { ListenerRefusal } from "./listener-remark.ts";

/** Who listens on a port either speaks TLS or does not. */
export type PortFamily = "plain" | "encrypted";

/** Undefined: a protocol that is not served. */
export function portFamily({ protocol }: Pick<ListenerValue, "protocol">): PortFamily | undefined {
  if (protocol === "HTTP") return "plain";
  return protocol === "HTTPS" || protocol === "TLS" ? "encrypted" : undefined;
}

/**
 * `owners` are the listeners of the Gateway, then those of each of its ListenerSets, oldest first: what stands in an
 * earlier one keeps its place (GEP-1713). Of listeners of one owner that cannot stand together none is opened: the
 * specification lets nobody pick a winner among them.
 */
export function conflictsAmong(
  owners: readonly (readonly ListenerValue[])[],
): ReadonlyMap<ListenerValue, ListenerRefusal> {
  const found = new Map<ListenerValue, ListenerRefusal>();
  const note = (value: ListenerValue, rivals: readonly ListenerValue[], naming: Naming) => {
    const refusal = conflictOf(value, rivals, naming);
    if (refusal !== undefined) found.set(value, refusal);
  };
  const settled: ListenerValue[] = [];
  for (const own of owners) {
    for (const value of own) note(value, settled, WITHOUT_NAMES);
    const rest = own.filter((value) => !found.has(value) && portFamily(value) !== undefined);
    for (const value of rest) {
      const others = rest.filter((other) => other !== value);
      note(value, others, byName);
    }
    settled.push(...rest);
  }
  return found;
}

type Naming = (rivals: readonly ListenerValue[]) => string;

const byName: Naming = (rivals) => rivals.map(({ name }) => name).join(", ");

/** Whoever may write a ListenerSet learns nothing about those of others. */
const WITHOUT_NAMES: Naming = () => "a listener of the Gateway, or of an older ListenerSet,";

function conflictOf(
  value: ListenerValue,
  others: readonly ListenerValue[],
  naming: Naming,
): ListenerRefusal | undefined {
  const neighbours = others.filter(({ port }) => port === value.port);
  if (neighbours.length === 0) return undefined;
  const family = portFamily(value);
  const strangers = neighbours.filter((other) => portFamily(other) !== family);
  if (strangers.length > 0) {
    return conflict("ProtocolConflict", `${naming(strangers)} has the same port and another protocol`);
  }
  const twins = neighbours.filter(({ hostname }) => hostname === value.hostname);
  if (twins.length > 0) {
    return conflict("HostnameConflict", `${naming(twins)} has the same port and hostname`);
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
