// What `limpet/affinity` exports: Envoy's hashes, tables, request hash and session cookie, without the gateway.
export type { CookieAttribute, HashFunction, HashKey, HashPolicy } from "../model/index.ts";
export type { TableHost } from "./hash-table.ts";
export {
  buildMaglev,
  buildRing,
  decodeEnvoyCookie,
  type EnvoyCookie,
  encodeEnvoyCookie,
  type HashRequest,
  requestHash,
  type Table,
  xxh64,
} from "./library.ts";
