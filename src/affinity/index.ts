// What `limpet/affinity` exports: Envoy's hashes, tables, request hash and session cookie, and sealed tokens, without the gateway.
export type { CookieAttribute, HashFunction, HashKey, HashPolicy } from "../model/index.ts";
export type { TableHost } from "./hash-table.ts";
export {
  buildMaglev,
  buildRing,
  decodeEnvoyCookie,
  type EnvoyCookie,
  encodeEnvoyCookie,
  type HashRequest,
  type OpenedToken,
  openToken,
  requestHash,
  type SealedToken,
  sealToken,
  type Table,
  xxh64,
} from "./library.ts";
export { KeyFileError } from "./token/key-file.ts";
export { KeyRing, type RandomBytes } from "./token/key-ring.ts";
export { backendMark } from "./token/sealed-layout.ts";
export type { OpenedText, SessionKeys } from "./token/session-keys.ts";
export type { TokenIdentity } from "./token/token.ts";
