// The name of a request in logs and towards endpoints: the client's own if it is harmless, else a random one.

const HARMLESS = /^[A-Za-z0-9._-]{1,128}$/;

const HEX: readonly string[] = Array.from({ length: 65_536 }, (_, value) =>
  value.toString(16).padStart(4, "0"),
);

/** Keeps 1 to 128 of `[A-Za-z0-9._-]`; anything else gives a new id in the form of a random UUID (RFC 9562, version 4). */
export function requestIdOf(received: string | undefined, random: () => number): string {
  return received !== undefined && HARMLESS.test(received) ? received : newRequestId(random);
}

/** 122 random bits, for telling requests apart; not a secret. */
export function newRequestId(random: () => number): string {
  const version = HEX[0x4000 | (random() * 0x1000)];
  const variant = HEX[0x8000 | (random() * 0x4000)];
  return `${hex(random)}${hex(random)}-${hex(random)}-${version}-${variant}-${hex(random)}${hex(random)}${hex(random)}`;
}

function hex(random: () => number): string {
  return HEX[(random() * 0x10000) | 0] as string;
}
