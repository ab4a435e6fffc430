// Which port each listener of each Gateway is bound to, where all Gateways share the addresses of the pod.

/** Below the ports that Linux gives to outgoing connections, and those that Kubernetes gives to NodePorts. */
export const BIND_PORTS = { first: 20_000, last: 29_999 } as const;

/** By the port that clients see. */
export type BindPorts = ReadonlyMap<number, number>;

export interface PortRequest {
  /** Object key of the Gateway. */
  readonly key: string;
  readonly ports: readonly number[];
}

/**
 * Bind ports of all Gateways, oldest first. Whoever has a port keeps it, and of two that have the same one the older; new
 * ones are such as nobody has, be it a Gateway that is not served (any more). A port is missing where none was left.
 *
 * @param after the highest one ever given: a port that came free rests until there is none beyond, since a replica that
 * hears of things late still serves there whom it was taken from
 */
export function allocateBindPorts(
  gateways: readonly PortRequest[],
  recorded: ReadonlyMap<string, BindPorts>,
  after: number = BIND_PORTS.first - 1,
): ReadonlyMap<string, BindPorts> {
  const kept = keptBindPorts(gateways, recorded);
  const taken = new Set([...recorded.values()].flatMap((ports) => [...ports.values()]));
  let last = after;
  const nextFree = () => {
    for (let tries = BIND_PORTS.first; tries <= BIND_PORTS.last; tries++) {
      last = last >= BIND_PORTS.last ? BIND_PORTS.first : last + 1;
      if (!taken.has(last)) {
        taken.add(last);
        return last;
      }
    }
    return undefined;
  };
  return new Map(
    gateways.map(({ key, ports }): [string, BindPorts] => {
      const own = new Map(kept.get(key));
      for (const port of ports) {
        const bindPort = own.get(port) ?? nextFree();
        if (bindPort !== undefined) own.set(port, bindPort);
      }
      return [key, own];
    }),
  );
}

/** What is left of the records once nobody shares a port with an older Gateway: what every replica binds. */
export function keptBindPorts(
  gateways: readonly PortRequest[],
  recorded: ReadonlyMap<string, BindPorts>,
): ReadonlyMap<string, BindPorts> {
  const taken = new Set<number>();
  return new Map(
    gateways.map(({ key, ports }): [string, BindPorts] => {
      const own = new Map<number, number>();
      for (const port of ports) {
        const bindPort = recorded.get(key)?.get(port);
        if (bindPort === undefined || !isBindPort(bindPort) || taken.has(bindPort)) continue;
        taken.add(bindPort);
        own.set(port, bindPort);
      }
      return [key, own];
    }),
  );
}

function isBindPort(port: number): boolean {
  return port >= BIND_PORTS.first && port <= BIND_PORTS.last;
}
