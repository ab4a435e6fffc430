// Says in the statuses which listeners this process could not bind: the translation cannot know of it.
import { type Condition, type ListenerStatus, type ObjectStatus, objectText } from "../model/index.ts";

/** @param unbound by id of a listener: why nobody can connect to it */
export function withUnbound(
  statuses: readonly ObjectStatus[],
  unbound: ReadonlyMap<string, string>,
): readonly ObjectStatus[] {
  return unbound.size === 0 ? statuses : statuses.map((status) => told(status, unbound));
}

function told(status: ObjectStatus, unbound: ReadonlyMap<string, string>): ObjectStatus {
  const reasons = (status.listeners ?? []).map(({ name }) =>
    unbound.get(`${objectText(status.object)}/${name}`),
  );
  const [first] = reasons.filter((reason) => reason !== undefined);
  if (status.listeners === undefined || first === undefined) return status;
  const listeners = status.listeners.map((listener, index) => closed(listener, reasons[index]));
  const isServed = listeners.some(({ conditions }) => conditions.some(isProgrammed));
  if (isServed) return { ...status, listeners };
  const conditions = status.conditions.map((one) => {
    return isProgrammed(one) ? refused(one, "AddressNotUsable", first) : one;
  });
  return { ...status, listeners, conditions };
}

function closed(listener: ListenerStatus, reason: string | undefined): ListenerStatus {
  if (reason === undefined) return listener;
  const conditions = listener.conditions.map((one) => {
    return isProgrammed(one) ? refused(one, "Invalid", reason) : one;
  });
  return { ...listener, conditions };
}

function isProgrammed({ type, status }: Condition): boolean {
  return type === "Programmed" && status === "True";
}

function refused({ type }: Condition, reason: string, message: string): Condition {
  return { type, status: "False", reason, message };
}
