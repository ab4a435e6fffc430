// Which port each listener of each Gateway is bound to, where all Gateways share the addresses of the pod.
import { type Listener, objectKey } from "../../model/index.ts";

/** Below the ports that Linux gives to outgoing connections, and those that Kubernetes gives to NodePorts. */
export const BIND_PORTS = { first: 20_000, last: 29_999 } as const;

/** By the port that clients see. */
export type BindPorts = ReadonlyMap<number, number>;

export interface PortRequest {
  /** Object key of the Gateway. */
  readonly key: string;
  readonly ports: readonly number[];
}

/** Keys of the Gateways that are served at bind ports now. */
export type PortHolders = ReadonlyMap<number, string>;

const NOBODY: PortHolders = new Map();

export function holdersOf(listeners: readonly Listener[]): PortHolders {
  return new Map(
    listeners.flatMap(({ gateway, bindPort }): [number, string][] =>
      bindPort === undefined ? [] : [[bindPort, objectKey(gateway)]],
    ),
  );
}

/**
 * Bind ports of all Gateways, oldest first. Whoever has a port keeps it, see `keptBindPorts`; new
 * ones are such as nobody has, be it a Gateway that is not served (any more). A port is missing where none was left.
 *
 * @param after the highest one ever given: a port that came free rests until there is none beyond, since a replica that
 * hears of things late still serves there whom it was taken from
 */
export function allocateBindPorts(
  gateways: readonly PortRequest[],
  recorded: ReadonlyMap<string, BindPorts>,
  after: number = BIND_PORTS.first - 1,
  holders: PortHolders = NOBODY,
): ReadonlyMap<string, BindPorts> {
  const kept = keptBindPorts(gateways, recorded, holders);
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

/**
 * What is left of the records once no two share a port: what every replica binds. Of two that have the same one on record
 * it is that of who is served there, else the older's: records stand in Services, which others may write, and nobody gets
 * another one's clients by writing his port.
 */
export function keptBindPorts(
  gateways: readonly PortRequest[],
  recorded: ReadonlyMap<string, BindPorts>,
  holders: PortHolders = NOBODY,
): ReadonlyMap<string, BindPorts> {
  const claims = gateways.flatMap(({ key, ports }) => {
    return ports.map((port) => ({ key, port, bindPort: recorded.get(key)?.get(port) }));
  });
  const taken = new Map<number, (typeof claims)[number]>();
  const holds = ({ key, bindPort = 0 }: (typeof claims)[number]) => holders.get(bindPort) === key;
  for (const claim of [...claims.filter(holds), ...claims]) {
    const { bindPort } = claim;
    if (bindPort !== undefined && isBindPort(bindPort) && !taken.has(bindPort)) taken.set(bindPort, claim);
  }
  const kept = new Map(gateways.map(({ key }) => [key, new Map<number, number>()]));
  for (const [bindPort, { key, port }] of taken) kept.get(key)?.set(port, bindPort);
  return kept;
}

/** Of these, and of `before`. */
export function highestBindPort(all: ReadonlyMap<string, BindPorts>, before: number): number {
  let port = before;
  for (const ports of all.values()) for (const one of ports.values()) port = Math.max(port, one);
  return Math.min(port, BIND_PORTS.last);
}

function isBindPort(port: number): boolean {
  return port >= BIND_PORTS.first && port <= BIND_PORTS.last;
}
