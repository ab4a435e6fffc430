// Values that Envoy 1.40 uses where a configuration says nothing; the dialects that rest on Envoy inherit them.

/** Envoy `ring_hash.v3.RingHash.minimum_ring_size`, entries. */
export const RING_MINIMUM_SIZE = 1024;
/** Envoy `ring_hash.v3.RingHash.maximum_ring_size`, entries; also the largest value that either may have. */
export const RING_MAXIMUM_SIZE = 8_388_608;
/** Envoy `maglev.v3.Maglev.table_size`, entries. */
export const MAGLEV_TABLE_SIZE = 65_537;
