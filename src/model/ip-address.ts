// IP addresses as texts: one canonical form for each, so that equal addresses are equal keys.

/** Four or sixteen bytes; undefined if the text is no address. No zones, no brackets, no leading zeros in IPv4. */
export function parseIp(text: string): readonly number[] | undefined {
  return text.includes(":") ? parseV6(text) : parseV4(text);
}

/** `10.0.0.1`, `2001:db8::1` (RFC 5952); an IPv4-mapped address stays IPv6. */
export function formatIp(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from(
    { length: 8 },
    (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0),
  );
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.slice(12).join(".")}`;
  }
  const zeros = longestZeros(groups);
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (zeros.length < 2) return hex(groups);
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`;
}

/** The one text that the address has; what is no address stays as it is. */
export function canonicalIp(text: string): string {
  const bytes = parseIp(text);
  return bytes === undefined ? text : formatIp(bytes);
}

/** `10.0.0.1:80`, `[2001:db8::1]:80`. */
export function formatSocketAddress(bytes: readonly number[], port: number): string {
  return bytes.length === 4 ? `${formatIp(bytes)}:${port}` : `[${formatIp(bytes)}]:${port}`;
}

/**
 * Whether the address means this machine, or one on its own link: loopback, link-local and unspecified ones (RFC 6890),
 * also where IPv6 wraps them.
 */
export function isLocalAddress(bytes: readonly number[]): boolean {
  if (bytes.length === 4) return isLocalV4(bytes);
  const [first = 0, second = 0] = bytes;
  if (first === 0xfe && (second & 0xc0) === 0x80) return true;
  if (bytes.slice(0, 10).some((byte) => byte !== 0)) return false;
  // `::` and `::1` stand where the IPv4-compatible addresses of old have 0.0.0.0/8.
  const wraps = bytes[10] === bytes[11] && (bytes[10] === 0 || bytes[10] === 0xff);
  return wraps && isLocalV4(bytes.slice(12));
}

/** 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16. */
function isLocalV4([first, second]: readonly number[]): boolean {
  return first === 0 || first === 127 || (first === 169 && second === 254);
}

function parseV4(text: string): readonly number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = parts.map((part) => (/^(0|[1-9][0-9]{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseV6(text: string): readonly number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groupsOf);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 16 - head.length - (tail?.length ?? 0);
  if (halves.length === 1) return missing === 0 ? head : undefined;
  return missing >= 2
    ? [...head, ...Array<number>(missing).fill(0), ...(tail as readonly number[])]
    : undefined;
}

function groupsOf(text: string): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (part.includes(".") && index === parts.length - 1) {
      const v4 = parseV4(part);
      if (v4 === undefined) return undefined;
      bytes.push(...v4);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      const group = Number.parseInt(part, 16);
      bytes.push(group >> 8, group & 0xff);
    } else return undefined;
  }
  return bytes;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
