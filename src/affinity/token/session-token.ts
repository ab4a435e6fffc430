// Reads and writes the tokens of a session, in the format and with the keys that its rules ask for.
import type { Endpoint, EndpointIdentity, SessionPersistence } from "../../model/index.ts";
import { decodeEnvelope, encodeEnvelope } from "./envelope.ts";
import { envoyCookieFormat, wrappingCookieFormat } from "./envoy-cookie.ts";
import { envoyHeaderFormat, timedEnvoyHeaderFormat } from "./envoy-header.ts";
import { MAX_PLAIN_SIZE } from "./key-ring.ts";
import { decodeSealedLayout, encodeSealedLayout } from "./sealed-layout.ts";
import type { OpenedText, SessionKeys } from "./session-keys.ts";
import {
  addressToken,
  MAX_TOKEN_CHARACTERS,
  type Token,
  type TokenFormat,
  type TokenIdentity,
} from "./token.ts";

/** The session wraps the application's own, so a token without the application's value is none of its tokens. */
export function isWrapped({ carrier }: SessionPersistence): boolean {
  return carrier.kind === "wrappedHeader" || carrier.kind === "wrappedCookie";
}

/**
 * Undefined: not a token of this session. Never throws, whatever the text. A sealed session reads sealed tokens, and
 * until the second that its rules name Envoy's too; without keys no sealed token opens.
 *
 * @param nowSec wall clock, whole unix seconds
 */
export function readToken(
  session: SessionPersistence,
  text: string,
  keys: SessionKeys | undefined,
  nowSec: number,
): Token | undefined {
  const token = readAnyToken(session, text, keys, nowSec);
  return token !== undefined && (token.original !== undefined) === isWrapped(session) ? token : undefined;
}

function readAnyToken(
  session: SessionPersistence,
  text: string,
  keys: SessionKeys | undefined,
  nowSec: number,
): Token | undefined {
  const rules = session.token;
  if (rules.format === "envoy") return envoyFormat(session).decode(text);
  const opened = text.length > maxCharacters(session) ? undefined : keys?.open(text, session.scope);
  if (opened !== undefined) return tokenOf(opened);
  const { acceptEnvoyUntilSec } = rules;
  if (acceptEnvoyUntilSec === undefined || nowSec >= acceptEnvoyUntilSec) return undefined;
  return envoyFormat(session).decode(text);
}

/** Undefined: a sealed token without keys to seal it, or one that would be too long. Never throws. */
export function writeToken(
  session: SessionPersistence,
  token: Token,
  keys: SessionKeys | undefined,
): string | undefined {
  if (session.token.format === "envoy") return envoyFormat(session).encode(token);
  if (keys === undefined) return undefined;
  const plain = encodeSealedLayout(token);
  if (plain.length > MAX_PLAIN_SIZE) return undefined;
  const text = keys.seal(plain, session.scope);
  return text.length > maxCharacters(session) ? undefined : text;
}

/** Only what wraps something is long; keys bound the rest. */
function maxCharacters(session: SessionPersistence): number {
  return isWrapped(session) ? Number.POSITIVE_INFINITY : MAX_TOKEN_CHARACTERS;
}

/** No object of Kubernetes has a longer name. */
const MAX_IDENTITY_CHARACTERS = 253;

/** Undefined: by these rules the endpoint is identified by its address, or it has nothing else to be identified by. */
export function identityOf(kind: EndpointIdentity, endpoint: Endpoint): TokenIdentity | undefined {
  const value = kind === "address" ? undefined : endpoint[kind];
  if (kind === "address" || value === undefined || value.length > MAX_IDENTITY_CHARACTERS) return undefined;
  return { kind, value };
}

/** Keys give the same object for the same text as long as they remember it, and so it is read once. */
const readings = new WeakMap<OpenedText, { readonly token: Token | undefined }>();

function tokenOf(opened: OpenedText): Token | undefined {
  let reading = readings.get(opened);
  if (reading === undefined) {
    reading = { token: decodeSealedLayout(opened.plain, opened.keyId) };
    readings.set(opened, reading);
  }
  return reading.token;
}

function envoyFormat(session: SessionPersistence): TokenFormat {
  const isTimed = session.absoluteTimeoutSec !== undefined || session.idleTimeoutSec !== undefined;
  switch (session.carrier.kind) {
    case "cookie":
      return envoyCookieFormat;
    case "header":
      return isTimed ? timedEnvoyHeaderFormat : envoyHeaderFormat;
    case "wrappedHeader":
      return isTimed ? timedEnvelopeFormat : envelopeFormat;
    case "wrappedCookie":
      return wrappingCookieFormat;
  }
}

/** Envoy's envelope: it carries no times. */
const envelopeFormat: TokenFormat = {
  encode: ({ address, original = "" }) => encodeEnvelope({ address, original }),
  decode(text) {
    const envelope = decodeEnvelope(text);
    return envelope && { ...addressToken(envelope.address), original: envelope.original };
  },
};

/** For sessions with timeouts; Envoy's own, and those from before the timeouts, are read too. */
const timedEnvelopeFormat: TokenFormat = {
  encode: wrappingCookieFormat.encode,
  decode: (text) => envelopeFormat.decode(text) ?? wrappingCookieFormat.decode(text),
};
