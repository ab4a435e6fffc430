// Envoy's session envelope: the application's own session value, wrapped together with the endpoint's address.
import { decodeBase64Text, encodeBase64 } from "./base64.ts";

const ORIGINAL_MARK = "UV:";
/** Base64 of an original of 4 KiB, beside an address. */
const MAX_CHARACTERS = 6 * 1024;

export interface Envelope {
  readonly address: string;
  /** The value as the application wrote it. */
  readonly original: string;
}

/** `base64(address);UV:base64(original)`. */
export function encodeEnvelope({ address, original }: Envelope): string {
  return `${encodeBase64(address)};${ORIGINAL_MARK}${encodeBase64(original)}`;
}

/** Undefined: no envelope, so the value is the client's own and stays as it is. Unknown parts are skipped. */
export function decodeEnvelope(text: string): Envelope | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const [first, ...rest] = text.split(";").filter((part) => part !== "");
  const marked = rest.find((part) => part.startsWith(ORIGINAL_MARK));
  if (first === undefined || marked === undefined) return undefined;
  const address = decodeBase64Text(first);
  const original = decodeBase64Text(marked.slice(ORIGINAL_MARK.length));
  if (address === undefined || address === "" || original === undefined || original === "") return undefined;
  return { address, original };
}
