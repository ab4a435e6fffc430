// `limpet token open`: shows what a token says, and how long it has yet.

import { shownAddress } from "../../affinity/token/token.ts";
import {
  backendOfToken,
  lookIntoToken,
  type TokenForm,
  type TokenObstacle,
  type TokenReading,
  timeText,
  tokenTimes,
} from "../../inspect/token-reading.ts";
import type { SessionPersistence } from "../../model/index.ts";
import { EXIT_DONE } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { scopeAdvice, type TokenContext, tokenContext } from "./token-context.ts";

export interface TokenOpenOptions {
  /** As it was copied: a value, `name=value`, or `-` for standard input. */
  readonly text: string;
  readonly paths: readonly string[];
  readonly sessionKeys: string | undefined;
  readonly scope: string | undefined;
  /** Unix seconds. */
  readonly nowSec: number;
  readonly output: "text" | "json";
}

const FORM_TEXTS: Readonly<Record<TokenForm, string>> = {
  sealed: "sealed, version 1",
  "envoy-cookie": "Envoy's cookie: anybody can read and write it",
  "envoy-address": "Envoy's header or older cookie: anybody can read and write it",
  "envoy-envelope": "Envoy's envelope: anybody can read and write it",
};

export async function tokenOpen(options: TokenOpenOptions, terminal: Terminal): Promise<number> {
  const given = options.text === "-" ? await terminal.input() : options.text;
  const { name, value } = pairOf(given.trim());
  const context = await tokenContext(options.paths, options.sessionKeys, terminal);
  const { keys, sessions } = context;
  const scopes = options.scope === undefined ? sessions.map(({ scope }) => scope) : [options.scope];
  const reading = lookIntoToken(value, { keys, scopes });
  if ("obstacle" in reading) throw obstacleError(reading, context, scopes);
  const shown = describe(reading, sessionOf(reading, name, sessions), context, options.nowSec);
  terminal.out(options.output === "json" ? `${JSON.stringify(shown, null, 2)}\n` : textOf(shown, options));
  return EXIT_DONE;
}

/** Base64 may end with `=`, and in Envoy's envelope there is more behind it. */
const PAIR = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?!=*(?:;UV:|$))(.+)$/s;

/** `name=value`, with what a Set-Cookie field has behind it, or a value alone; without quotes. */
function pairOf(text: string): { readonly name: string | undefined; readonly value: string } {
  const [, name, rest] = PAIR.exec(text) ?? [];
  const value = rest === undefined ? text : rest.replace(/;(?!UV:).*$/s, "");
  return { name, value: value.replace(/^"(.*)"$/s, "$1") };
}

function obstacleError(problem: TokenObstacle, { keys, sessions }: TokenContext, scopes: readonly string[]) {
  switch (problem.obstacle) {
    case "no-token":
      return new Error("not a token: neither sealed nor in a format of Envoy's");
    case "no-keys":
      return new UsageError(`sealed with the key ${problem.keyId}: give --session-keys FILE`);
    case "unknown-key":
      return new Error(
        `sealed with the key ${problem.keyId}, which is not in the file: ${keys?.keyIds.join(", ")} are`,
      );
    case "other-layout":
      return new Error(`sealed with the key ${problem.keyId} by another version of Limpet`);
    case "does-not-open":
      if (scopes.length === 0) {
        const advice = scopeAdvice(sessions);
        return new UsageError(`sealed with the key ${problem.keyId}, for one scope alone: give ${advice}`);
      }
      return new Error(
        `names the key ${problem.keyId} and does not open: it was changed, or its scope is none of ${scopes.join(", ")}`,
      );
  }
}

/** A token that is not sealed tells no scope, but its cookie's or header's name may. */
function sessionOf(
  { scope }: TokenReading,
  name: string | undefined,
  sessions: readonly SessionPersistence[],
): SessionPersistence | undefined {
  if (scope !== undefined) return sessions.find((session) => session.scope === scope);
  const named = sessions.filter(({ carrier }) => carrier.name === name);
  return named.length === 1 ? named[0] : undefined;
}

type Shown = ReturnType<typeof describe>;

/** Times as text, durations in seconds; null where the token does not say. */
function describe(
  { form, token, scope }: TokenReading,
  session: SessionPersistence | undefined,
  { keys, backends }: TokenContext,
  nowSec: number,
) {
  const { endsSec, idleEndsSec, isExpired } = tokenTimes(token, session, nowSec);
  const ends = [endsSec, idleEndsSec].filter((end) => end !== undefined);
  const position = token.keyId === undefined ? -1 : (keys?.keyIds.indexOf(token.keyId) ?? -1);
  return {
    format: form,
    keyId: token.keyId ?? null,
    /** 1: the key that seals. */
    keyPosition: position === -1 ? null : position + 1,
    scope: scope ?? session?.scope ?? null,
    endpoint: shownAddress(token),
    identity: token.identity ?? null,
    backend:
      backendOfToken(
        token,
        backends.map(({ id }) => id),
      ) ?? null,
    begun: timeText(token.begunSec),
    lastSeen: timeText(token.lastSeenSec),
    ends: timeText(endsSec),
    idleEnds: timeText(idleEndsSec),
    ageSec: token.begunSec === 0 ? null : nowSec - token.begunSec,
    leftSec: ends.length === 0 ? null : Math.max(0, Math.min(...ends) - nowSec),
    expired: isExpired,
    value: token.original === undefined ? null : readable(token.original),
  };
}

/** What a terminal would obey stands there by its number: anybody may have written it. */
function withoutControls(text: string): string {
  return text.replace(
    /[\x00-\x1f\x7f-\x9f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** Bytes, one character each, as people read them: UTF-8 where that is what they are. */
function readable(original: string): string {
  const text = Buffer.from(original, "latin1").toString("utf8");
  return text.includes("\ufffd") ? original : text;
}

function textOf(shown: Shown, { nowSec }: TokenOpenOptions): string {
  const { keyId, keyPosition, identity } = shown;
  const rows: readonly (readonly [string, string | null])[] = [
    ["format", FORM_TEXTS[shown.format]],
    [
      "key",
      keyId &&
        `${keyId}, ${keyPosition === 1 ? "the first: it seals" : `number ${keyPosition}: it only opens`}`,
    ],
    ["scope", shown.scope],
    ["endpoint", shown.endpoint],
    ["identity", identity && `${identity.kind} ${identity.value}`],
    ["backend", shown.backend],
    ["begun", whenText(shown.begun, nowSec)],
    ["last seen", whenText(shown.lastSeen, nowSec)],
    ["ends", whenText(shown.ends, nowSec)],
    ["ends idle", whenText(shown.idleEnds, nowSec)],
    ["expired", shown.expired ? "yes" : null],
    ["value", shown.value && withoutControls(shown.value)],
  ];
  const said = rows.filter(([, text]) => text !== null);
  return said.map(([title, text]) => `${title.padEnd(10)} ${text}\n`).join("");
}

/** `2026-11-21T15:00:00Z, 1h2m ago` */
function whenText(time: string | null, nowSec: number): string | null {
  if (time === null) return null;
  const seconds = Date.parse(time) / 1000 - nowSec;
  return `${time}, ${seconds > 0 ? `in ${spanText(seconds)}` : `${spanText(-seconds)} ago`}`;
}

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;

/** The two largest units: `1d2h`, `3m20s`, `0s`. */
function spanText(seconds: number): string {
  let left = seconds;
  const parts = UNITS.map(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return { count, text: `${count}${unit}` };
  });
  const first = parts.findIndex(({ count }) => count > 0);
  if (first === -1) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(({ count }) => count > 0)
    .map(({ text }) => text)
    .join("");
}
