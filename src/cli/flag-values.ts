// The texts that flags take: durations, sizes, counts, addresses and networks, read strictly and written back.

import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import { formatSocketAddress, parseIp } from "../model/index.ts";

/** What is wrong with a value; the message says what is expected. */
export class FlagValueError extends Error {}

const DURATION_UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const SIZE_UNITS = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const;
/** Below the longest delay of a timer, by more than what is added to any of them. */
const MAX_DURATION_MS = 596 * DURATION_UNITS_MS.h;

/** `500ms`, `10s`, `5m`, `1h30m`: milliseconds. */
export function parseDuration(text: string): number {
  const parts = /^(\d{1,10}(ms|s|m|h))+$/.test(text) ? text.matchAll(/(\d+)(ms|s|m|h)/g) : [];
  let totalMs: number | undefined;
  for (const [, count, unit] of parts) {
    totalMs = (totalMs ?? 0) + Number(count) * DURATION_UNITS_MS[unit as keyof typeof DURATION_UNITS_MS];
  }
  if (totalMs === undefined) throw new FlagValueError("expected a duration such as 500ms, 10s, 5m or 1h30m");
  if (totalMs > MAX_DURATION_MS) throw new FlagValueError("expected at most 596h (24.8 days)");
  return totalMs;
}

/** A duration that is not 0: without its timeout a connection could be held for ever. */
export function parseTimeout(text: string): number {
  const ms = parseDuration(text);
  if (ms === 0) throw new FlagValueError("expected a duration longer than 0");
  return ms;
}

export function formatDuration(ms: number): string {
  const units = Object.entries(DURATION_UNITS_MS).reverse();
  const [unit, unitMs] = units.find(([, length]) => ms >= length && ms % length === 0) ?? ["ms", 1];
  return `${ms / unitMs}${unit}`;
}

/** `4096`, `64k`, `1m`, `2g`: bytes. */
export function parseSize(text: string): number {
  const [, count, unit] = /^(\d{1,12})([kmg]?)$/i.exec(text) ?? [];
  if (count === undefined || unit === undefined) {
    throw new FlagValueError("expected a size in bytes such as 4096, 64k or 1m");
  }
  const bytes = Number(count) * SIZE_UNITS[unit.toLowerCase() as keyof typeof SIZE_UNITS];
  if (!Number.isSafeInteger(bytes)) throw new FlagValueError("expected a smaller size");
  return bytes;
}

export function formatSize(bytes: number): string {
  const units = Object.entries(SIZE_UNITS).reverse();
  const [unit, length] = units.find(([, size]) => bytes >= size && bytes % size === 0) ?? ["", 1];
  return `${bytes / length}${unit}`;
}

/** A whole number from `least` to `most`. */
export function parseCount(text: string, least: number, most: number): number {
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new FlagValueError(`expected a whole number from ${least} to ${most}`);
  }
  return value;
}

const MAX_WORKERS = 256;

/** `4`, or `cores`: as many as the system lets this process use at a time. */
export function parseWorkers(text: string): number {
  if (text === "cores") return Math.min(availableParallelism(), MAX_WORKERS);
  const value = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > MAX_WORKERS) {
    throw new FlagValueError(`expected a whole number from 1 to ${MAX_WORKERS}, or cores`);
  }
  return value;
}

export function parseChoice<const T extends string>(text: string, choices: readonly T[]): T {
  const choice = choices.find((each) => each === text);
  if (choice === undefined) throw new FlagValueError(`expected ${choices.join(" or ")}`);
  return choice;
}

export function parseIpAddress(text: string): string {
  if (isIP(text) === 0) throw new FlagValueError("expected an IP address such as 127.0.0.1 or ::1");
  return text;
}

/** `127.0.0.1:9900`, `[::1]:9900`, `localhost:9900`, or `off`. Port 0 takes a free one. */
export function parseHostPort(text: string): { readonly host: string; readonly port: number } | "off" {
  if (text === "off") return text;
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = plain === "localhost" ? "127.0.0.1" : (bracketed ?? plain ?? "");
  const family = isIP(host);
  if (family === 0 || (family === 6) !== (bracketed !== undefined) || Number(port) > 65_535) {
    throw new FlagValueError("expected IP:PORT such as 127.0.0.1:9900 or [::1]:9900, or off");
  }
  return { host, port: Number(port) };
}

/** `http://127.0.0.1:9900` or `127.0.0.1:9900`: the URL of an admin port. */
export function parseAdminUrl(text: string): URL {
  const whole = /^https?:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined || url.pathname !== "/" || url.search !== "" || url.username !== "") {
    throw new FlagValueError("expected the address of an admin port such as http://127.0.0.1:9900");
  }
  return url;
}

/** `10.0.0.0/8,fd00::/8`: networks in CIDR notation, separated by commas; an address alone is a network of one. */
export function parseNetworks(text: string): readonly string[] {
  return text.split(",").map((part) => {
    const network = part.trim();
    const [address = "", prefix, ...rest] = network.split("/");
    const family = isIP(address);
    const longest = family === 4 ? 32 : 128;
    if (family === 0 || rest.length > 0 || !(prefix === undefined || isPrefix(prefix, longest))) {
      throw new FlagValueError(
        `expected networks such as 10.0.0.0/8,fd00::/8, not ${JSON.stringify(network)}`,
      );
    }
    return `${address}/${prefix ?? longest}`;
  });
}

const DNS_PORT = 53;

/** `10.0.0.53,[fd00::53]:5353`: addresses of servers, separated by commas; without a port it is that of DNS. */
export function parseSocketAddresses(text: string): readonly string[] {
  return text.split(",").map((part) => {
    const address = part.trim();
    if (isIP(address) !== 0)
      return isIP(address) === 6 ? `[${address}]:${DNS_PORT}` : `${address}:${DNS_PORT}`;
    const [, v6, v4, port] = /^(?:\[([^\]]*)\]|([^:[]*)):(\d{1,5})$/.exec(address) ?? [];
    const isAddress = v6 === undefined ? isIP(v4 ?? "") === 4 : isIP(v6) === 6;
    if (!isAddress || Number(port) < 1 || Number(port) > 65_535) {
      throw new FlagValueError(
        `expected addresses such as 10.0.0.53 or [fd00::53]:5353, not ${JSON.stringify(address)}`,
      );
    }
    return address;
  });
}

/** `10.0.0.1:8080`, `[2001:db8::1]:8080`, in the one form that endpoints have (RFC 5952 for IPv6). */
export function parseEndpointAddress(text: string): string {
  const [, v6, v4, port] = /^(?:\[([^\]]*)\]|([^:[]*)):(\d{1,5})$/.exec(text) ?? [];
  const bytes = parseIp(v6 ?? v4 ?? "");
  const isWhole = bytes !== undefined && (bytes.length === 16) === (v6 !== undefined);
  if (!isWhole || Number(port) < 1 || Number(port) > 65_535) {
    throw new FlagValueError("expected IP:PORT such as 10.0.0.1:8080 or [2001:db8::1]:8080");
  }
  return formatSocketAddress(bytes, Number(port));
}

const TIME_TEXT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;

/** `2026-01-01T00:00:00Z` (RFC 3339): milliseconds since 1970. */
export function parseTime(text: string): number {
  const ms = TIME_TEXT.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new FlagValueError("expected a time such as 2026-01-01T00:00:00Z");
  return ms;
}

function isPrefix(text: string, longest: number): boolean {
  return /^\d{1,3}$/.test(text) && Number(text) <= longest;
}
