// Which sockets a snapshot needs: one for each address and port, however many listeners share it.
import type { Listener, Snapshot } from "../model/index.ts";

/** One socket to bind, in the words of the configuration: before `--listen-address` and `--port-offset`. */
export interface BindPoint {
  /** `8080`, `10.0.0.1:8080` or `[2001:db8::1]:8080`: unique in a snapshot. */
  readonly key: string;
  /** An entry of the Gateway's addresses; undefined: the default address of the process. */
  readonly address: string | undefined;
  /** The one to bind, which is not the one that clients see where a listener has a `bindPort`. */
  readonly port: number;
  /** The listeners behind it; the Host picks one of them. Never empty. */
  readonly listeners: readonly Listener[];
}

export function bindPoints(snapshot: Snapshot): readonly BindPoint[] {
  const points = new Map<string, BindPoint & { readonly listeners: Listener[] }>();
  for (const listener of snapshot.listeners) {
    for (const address of listener.addresses.length === 0 ? [undefined] : listener.addresses) {
      const port = listener.bindPort ?? listener.port;
      const key = bindKey(address, port);
      const point = points.get(key);
      if (point === undefined) points.set(key, { key, address, port, listeners: [listener] });
      else if (!point.listeners.includes(listener)) point.listeners.push(listener);
    }
  }
  return [...points.values()];
}

function bindKey(address: string | undefined, port: number): string {
  if (address === undefined) return String(port);
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
