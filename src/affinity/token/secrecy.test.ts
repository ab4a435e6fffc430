// What a token gives away to whoever holds it: no address, in no encoding, and not even which sessions are neighbours.
import { expect, test } from "vitest";
import { ringOf, sealedSession } from "../../../test/support/sealed.ts";
import { encodeEnvelope } from "./envelope.ts";
import { envoyCookieFormat } from "./envoy-cookie.ts";
import { envoyHeaderFormat } from "./envoy-header.ts";
import { writeToken } from "./session-token.ts";
import type { Token } from "./token.ts";

const RING = ringOf([1]);
const session = sealedSession();
const ADDRESSES = ["10.0.0.1:80", "192.168.100.200:65535", "[2001:db8::7]:8080"];

function tokenOf(address: string): Token {
  return {
    address,
    begunSec: 1_800_000_000,
    lastSeenSec: 0,
    expiresSec: 0,
    identity: { kind: "hostname", value: "carts-0" },
  };
}

function seal(address: string): string {
  return writeToken(session, tokenOf(address), RING) as string;
}

/** The parts of base64 that do not depend on what stands around the bytes, for each of their three positions. */
function base64Cores(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const core = text.slice(before === 0 ? 0 : before + 1, -1);
    return [core, core.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/** Every way of writing the address, or a telling part of it, that one would look for. */
function encodings(address: string): Buffer[] {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  const texts = [address, host];
  if (!host.includes(":")) {
    const bytes = Buffer.from(host.split(".").map(Number));
    const reversed = Buffer.from(bytes).reverse();
    return [bytes, reversed, ...textForms([...texts, String(bytes.readUInt32BE()), bytes.toString("hex")])];
  }
  const groups = Buffer.from("20010db8000000000000000000000007", "hex");
  return [groups, groups.subarray(0, 4), ...textForms([...texts, groups.toString("hex")])];
}

function textForms(texts: readonly string[]): Buffer[] {
  return texts.flatMap((text) => {
    const utf8 = Buffer.from(text);
    const utf16 = Buffer.from(text, "utf16le");
    const swapped = Buffer.from(utf16).swap16();
    const encoded = [utf8, utf16].flatMap((bytes) => [bytes.toString("hex"), ...base64Cores(bytes)]);
    return [utf8, utf16, swapped, ...encoded.map((one) => Buffer.from(one))];
  });
}

/** The text itself, and what it decodes to by each alphabet. */
function shows(text: string, address: string): boolean {
  const views = [Buffer.from(text), Buffer.from(text, "base64url"), Buffer.from(text, "hex")];
  return encodings(address).some((needle) => views.some((view) => view.includes(needle)));
}

test("a sealed token shows no address in any encoding", () => {
  for (const address of ADDRESSES) {
    const telling = Array.from({ length: 2000 }, () => seal(address)).filter((text) => shows(text, address));
    expect({ address, telling }).toEqual({ address, telling: [] });
  }
});

test("Envoy's formats show it, so the search finds what there is to find", () => {
  for (const address of ADDRESSES) {
    expect(shows(envoyCookieFormat.encode(tokenOf(address)), address)).toBe(true);
    expect(shows(envoyHeaderFormat.encode(tokenOf(address)), address)).toBe(true);
    expect(shows(encodeEnvelope({ address, original: "own" }), address)).toBe(true);
  }
});

test("the length says nothing of an IPv4 address", () => {
  expect(new Set(["1.1.1.1:1", "255.255.255.255:65535"].map((address) => seal(address).length)).size).toBe(1);
});

test("sessions on one endpoint have nothing in common behind the head", () => {
  const bodies = Array.from({ length: 200 }, () =>
    Buffer.from(seal("10.0.0.1:80"), "base64url").subarray(29),
  );
  for (let at = 0; at < (bodies[0] as Buffer).length; at++) {
    expect(new Set(bodies.map((body) => body[at])).size, `byte ${at} varies`).toBeGreaterThan(60);
  }
});
