// Endpoints that a configuration names by host and port: an IP address is one by itself, a name stands for its addresses.
import { type Endpoint, type EndpointName, formatIp, formatSocketAddress, parseIp } from "../model/index.ts";
import { text } from "./schema/fields.ts";

const LABELS =
  "[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?(\\.[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?)*\\.?";

const NAME = new RegExp(`^${LABELS}$`);

/** A host of an endpoint: a DNS name, with a dot at its end or without, or an IP address. */
export const hostOrAddress = text(
  new RegExp(`^${LABELS}$|^[0-9a-fA-F:]*:[0-9a-fA-F:.]*$`),
  "a DNS name or an IP address, without port",
  "app.example.com",
  253,
);

export interface StaticPlace {
  readonly host: string;
  readonly port: number;
  /** Default: 1. */
  readonly weight?: number;
  /** Name of the host where that is not the one to connect to. */
  readonly hostname?: string;
  readonly zone?: string;
}

export interface StaticPlaces {
  readonly endpoints: readonly Endpoint[];
  readonly names?: readonly EndpointName[];
}

/** What is neither an address nor a name is left out: it has its finding from `hostOrAddress`. */
export function staticPlaces(places: readonly StaticPlace[]): StaticPlaces {
  const endpoints: Endpoint[] = [];
  const names: EndpointName[] = [];
  for (const { host, port, weight = 1, hostname, zone } of places) {
    const bytes = parseIp(host);
    if (bytes === undefined) {
      if (NAME.test(host)) names.push({ host: host.toLowerCase().replace(/\.$/, ""), port, weight });
      continue;
    }
    endpoints.push({
      address: formatSocketAddress(bytes, port),
      host: formatIp(bytes),
      port,
      weight,
      health: "unknown",
      ...(hostname === undefined ? {} : { hostname }),
      ...(zone === undefined ? {} : { zone }),
    });
  }
  return names.length === 0 ? { endpoints } : { endpoints, names };
}
