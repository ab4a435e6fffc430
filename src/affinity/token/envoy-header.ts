// The token in Envoy's session header: base64 of the address, or of the cookie's protobuf where there are timeouts.
import { decodeBase64Text, encodeBase64 } from "./base64.ts";
import { envoyCookieFormat } from "./envoy-cookie.ts";
import { addressToken, isAddressText, MAX_TOKEN_CHARACTERS, type TokenFormat } from "./token.ts";

/** Exactly Envoy's: it can carry no time, and like Envoy it does not follow the cookie's form. */
export const envoyHeaderFormat: TokenFormat = {
  encode(token) {
    return encodeBase64(token.address);
  },
  decode(text) {
    if (text.length > MAX_TOKEN_CHARACTERS) return undefined;
    const address = decodeBase64Text(text);
    return address !== undefined && isAddressText(address) ? addressToken(address) : undefined;
  },
};

/** For sessions with timeouts; tokens from before the timeouts, without any time, are read too. */
export const timedEnvoyHeaderFormat: TokenFormat = envoyCookieFormat;
