// Whole rings and Maglev tables, entry for entry as Envoy logged them.
import { describe, expect, test } from "vitest";
import { buildMaglev, buildRing, type TableHost, xxh64 } from "../../src/affinity/index.ts";
import { type EnvoyCluster, readVectors } from "../support/vectors.ts";

interface DumpedCluster extends EnvoyCluster {
  readonly load_assignment: {
    readonly endpoints: readonly {
      readonly lb_endpoints: readonly {
        readonly endpoint: {
          readonly address: { readonly socket_address: { address: string; port_value: number } };
        };
        readonly load_balancing_weight?: number;
      }[];
    }[];
  };
}

type Dump =
  | { type: "ring"; cluster: DumpedCluster; build_order: [string, string][]; sorted: [string, string][] }
  | { type: "maglev"; cluster: DumpedCluster; table: string[] };

const { dumps } = readVectors<{ dumps: Record<string, Dump> }>("table_dumps");

function hostsOf(cluster: DumpedCluster): TableHost[] {
  return cluster.load_assignment.endpoints.flatMap(({ lb_endpoints }) =>
    lb_endpoints.map(({ endpoint, load_balancing_weight = 1 }) => {
      const { address, port_value } = endpoint.address.socket_address;
      return { key: `${address}:${port_value}`, weight: load_balancing_weight };
    }),
  );
}

describe.each(Object.entries(dumps))("%s", (_name, dump) => {
  const hosts = hostsOf(dump.cluster);

  if (dump.type === "maglev") {
    test("every slot belongs to the host that Envoy gave it to", () => {
      const table = buildMaglev(hosts, { tableSize: dump.table.length });
      const slots = dump.table.map((_, slot) => hosts[table.pick(BigInt(slot))]?.key);
      expect(slots).toEqual(dump.table);
    });
    return;
  }

  const sizes = dump.cluster.ring_hash_lb_config;
  const ring = buildRing(hosts, {
    ...(sizes?.minimum_ring_size !== undefined && { minimumSize: sizes.minimum_ring_size }),
    ...(sizes?.maximum_ring_size !== undefined && { maximumSize: sizes.maximum_ring_size }),
  });
  const ownerOf = (hash: bigint) => hosts[ring.pick(hash)]?.key;

  test("positions are the hashes that Envoy computed", () => {
    expect(dump.build_order.length).toBe(dump.sorted.length);
    const wrong = dump.build_order.filter(([key, hash]) => xxh64(key) !== BigInt(hash));
    expect(wrong).toEqual([]);
  });

  test("an entry owns its own hash and all from the previous entry on", () => {
    let previous = -1n;
    for (const [text, key] of dump.sorted) {
      const hash = BigInt(text);
      expect(ownerOf(hash)).toBe(key);
      expect(ownerOf(previous + 1n)).toBe(key);
      previous = hash;
    }
    expect(ownerOf(previous + 1n)).toBe(dump.sorted[0]?.[1]);
  });

  test("a later attempt steps over entries and round the end", () => {
    const last = dump.sorted.length - 1;
    for (const [index, [text]] of dump.sorted.entries()) {
      const next = dump.sorted[index === last ? 0 : index + 1];
      expect(hosts[ring.pick(BigInt(text), 1)]?.key).toBe(next?.[1]);
    }
  });
});
