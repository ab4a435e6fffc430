// Gives each Gateway an address of its own out of a pool; pure: who has which address comes in, and is written elsewhere.
import type {
  GatewayAddress,
  GatewayNeeds,
  GatewayPlacement,
  PlacementProblem,
} from "../../dialects/gateway-api/placement.ts";
import { NOWHERE } from "../../dialects/gateway-api/placement.ts";
import { canonicalIp, objectKey, objectText } from "../../model/index.ts";
import type { AddressPool } from "./address-pool.ts";

export interface PoolRecords {
  readonly pool: AddressPool;
  /** By object key of their Gateways: the addresses that they have. Those outside of the pool do not count. */
  readonly recorded: ReadonlyMap<string, readonly string[]>;
  /** New ones are given away too, for this replica leads and what it gives is written down. */
  readonly assigns: boolean;
  /** Why what is said beside addresses (`parametersRef`) cannot be honoured. */
  readonly objection: (gateway: GatewayNeeds) => PlacementProblem | undefined;
}

/** What a Gateway asks for, and what it got. */
interface Request {
  readonly needs: GatewayNeeds;
  readonly key: string;
  /** What can never be. */
  readonly problem: PlacementProblem | undefined;
  /** Canonical; what is no IP address stays as it is written. */
  readonly values: readonly string[];
  /** How many addresses of any value. */
  readonly any: number;
  readonly got: string[];
}

/**
 * One placement for each of the Gateways, oldest first. Whoever has an address keeps it, and of two that have the same one
 * the older; then come those who ask for a certain address, then those who take any.
 */
export function placeInPool(
  gateways: readonly GatewayNeeds[],
  { pool, recorded, assigns, objection }: PoolRecords,
): readonly GatewayPlacement[] {
  const holders = new Map<string, Request>();
  const requests = gateways.map((needs): Request => requestOf(needs, objection));
  const give = (request: Request, address: string) => {
    if (holders.has(address) || !pool.has(address)) return;
    holders.set(address, request);
    request.got.push(address);
  };

  for (const request of requests) {
    const held = (recorded.get(request.key) ?? []).map(canonicalIp);
    for (const address of request.values) if (held.includes(address)) give(request, address);
    for (const address of held) if (anyMissing(request) > 0) give(request, address);
  }
  if (assigns) {
    const open = requests.filter(({ problem }) => problem === undefined);
    for (const request of open) for (const address of request.values) give(request, address);
    const addresses = pool.addresses();
    for (const request of open) {
      while (anyMissing(request) > 0) {
        const { value } = addresses.next();
        if (value === undefined) break;
        give(request, value);
      }
    }
  }
  return requests.map((request) => placementOf(request, holders, { pool, assigns }));
}

function requestOf(needs: GatewayNeeds, objection: PoolRecords["objection"]): Request {
  const { gateway, addresses } = needs;
  const values = [...new Set(addresses.flatMap(({ value }) => (value === "" ? [] : [canonicalIp(value)])))];
  const any = addresses.length === 0 ? 1 : addresses.filter(({ value }) => value === "").length;
  const problem = unsupported(addresses) ?? objection(needs);
  return { needs, key: objectKey(gateway), problem, values, any, got: [] };
}

function anyMissing({ values, any, got }: Request): number {
  return any - got.filter((address) => !values.includes(address)).length;
}

function placementOf(
  request: Request,
  holders: ReadonlyMap<string, Request>,
  { pool, assigns }: Pick<PoolRecords, "pool" | "assigns">,
): GatewayPlacement {
  const { values, got: inOrderOfGift } = request;
  // In an order that does not depend on when each was given.
  const got = [
    ...values.filter((value) => inOrderOfGift.includes(value)),
    ...inOrderOfGift.filter((one) => !values.includes(one)),
  ];
  const problem = request.problem ?? unusable(request, holders, pool) ?? unassigned(request, assigns);
  return {
    ...(got.length === 0 ? NOWHERE : { bindAddresses: got }),
    addresses: got.map((value) => ({ type: "IPAddress", value })),
    ...(problem === undefined ? {} : { problem }),
  };
}

function unsupported(addresses: readonly GatewayAddress[]): PlacementProblem | undefined {
  const index = addresses.findIndex(({ type }) => type !== "IPAddress");
  if (index < 0) return undefined;
  return {
    condition: "Accepted",
    reason: "UnsupportedAddress",
    message: `addresses of type ${addresses[index]?.type} cannot be had here`,
    remedy: {
      path: ["spec", "addresses", index, "type"],
      expected: "type: IPAddress",
      hint: "write type: IPAddress, or remove the address",
    },
  };
}

/** Values that somebody else has, or that are none of the pool's. */
function unusable(
  { needs, values, got }: Request,
  holders: ReadonlyMap<string, Request>,
  pool: AddressPool,
): PlacementProblem | undefined {
  const reasons = values.flatMap((value) => {
    if (got.includes(value)) return [];
    if (!pool.has(value)) return [`${value} is not in the address pool`];
    const holder = holders.get(value)?.needs.gateway;
    if (holder === undefined) return [];
    // What is in other namespaces is nobody's business.
    const isNeighbour = holder.namespace === needs.gateway.namespace;
    return [`${isNeighbour ? objectText(holder) : "another Gateway"} has ${value} already`];
  });
  if (reasons.length === 0) return undefined;
  const index = needs.addresses.findIndex(({ value }) => value !== "" && !got.includes(canonicalIp(value)));
  return {
    condition: "Programmed",
    reason: "AddressNotUsable",
    message: reasons.join(", "),
    remedy: {
      path: ["spec", "addresses", index, "value"],
      expected: "an address of the pool that no other Gateway has",
      hint: "name another address, or leave the value out to get any",
    },
  };
}

function unassigned(request: Request, assigns: boolean): PlacementProblem | undefined {
  const missing = request.values.length + request.any - request.got.length;
  if (missing === 0) return undefined;
  if (!assigns) {
    return { condition: "Programmed", reason: "Pending", message: "the leader assigns its address" };
  }
  return {
    condition: "Programmed",
    reason: "AddressNotAssigned",
    message: "the address pool is exhausted: give --address-pool another network, or delete Gateways",
  };
}
