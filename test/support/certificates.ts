// Makes real X.509 certificates for tests: an authority, and what it issues to servers and clients.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv6 } from "node:net";

export interface Validity {
  /** Default: 2026-01-01. */
  readonly notBefore?: Date;
  /** Default: 2126-01-01. */
  readonly notAfter?: Date;
}

export interface LeafOptions extends Validity {
  /** DNS names, exact or with `*.` in front. */
  readonly names?: readonly string[];
  readonly ips?: readonly string[];
  readonly uris?: readonly string[];
  /** For TLS clients in place of servers. */
  readonly client?: boolean;
  /** Default: the first name, else the first address, else none. */
  readonly commonName?: string;
  /** An RSA key of so many bits in place of one on the curve P-256. */
  readonly rsaBits?: number;
}

/** PEM both. */
export interface Issued {
  readonly chain: string;
  readonly privateKey: string;
}

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  issue(options: LeafOptions): Issued;
}

const DEFAULT_NOT_BEFORE = new Date("2026-01-01T00:00:00Z");
const DEFAULT_NOT_AFTER = new Date("2126-01-01T00:00:00Z");

export interface AuthorityOptions extends Validity {
  readonly name: string;
  /** An RSA key of so many bits in place of one on the curve P-256. */
  readonly rsaBits?: number;
}

/** Signs with SHA-256. */
export function makeAuthority({ name, rsaBits, ...validity }: AuthorityOptions): Authority {
  const { publicKey, privateKey } = makeKeys(rsaBits);
  const issuer = { name, publicKey, privateKey };
  const extensions = [
    extension(OID.basicConstraints, true, sequence(tlv(0x01, Buffer.of(0xff)))),
    // keyCertSign and cRLSign.
    extension(OID.keyUsage, true, bitString(Buffer.of(0x06), 1)),
  ];
  return {
    certificate: signed(issuer, { name, publicKey, extensions, ...validity }),
    issue: (options) => issue(issuer, options),
  };
}

function makeKeys(rsaBits: number | undefined) {
  return rsaBits === undefined
    ? generateKeyPairSync("ec", { namedCurve: "P-256" })
    : generateKeyPairSync("rsa", { modulusLength: rsaBits });
}

interface Issuer {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface Subject extends Validity {
  /** Empty: a subject without attributes. */
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

function issue(issuer: Issuer, options: LeafOptions): Issued {
  const { names = [], ips = [], uris = [], client = false, rsaBits, ...rest } = options;
  const keys = makeKeys(rsaBits);
  // GeneralName (RFC 5280, 4.2.1.6): implicit tags 2 for names, 6 for URIs, 7 for addresses.
  const alternatives = [
    ...names.map((name) => tlv(0x82, Buffer.from(name, "ascii"))),
    ...uris.map((uri) => tlv(0x86, Buffer.from(uri, "ascii"))),
    ...ips.map((ip) => tlv(0x87, addressBytes(ip))),
  ];
  const name = options.commonName ?? names[0] ?? ips[0] ?? "";
  const extensions = [
    extension(OID.basicConstraints, true, sequence()),
    // digitalSignature.
    extension(OID.keyUsage, true, bitString(Buffer.of(0x80), 7)),
    extension(OID.extendedKeyUsage, false, sequence(client ? OID.clientAuth : OID.serverAuth)),
    ...(alternatives.length === 0
      ? []
      : [extension(OID.subjectAltName, name === "", sequence(...alternatives))]),
  ];
  return {
    chain: signed(issuer, { ...rest, name, publicKey: keys.publicKey, extensions }),
    privateKey: keys.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

/** A certificate of version 3 (RFC 5280, 4.1), as PEM. */
function signed(issuer: Issuer, subject: Subject): string {
  const { notBefore = DEFAULT_NOT_BEFORE, notAfter = DEFAULT_NOT_AFTER } = subject;
  const keyIds = [
    extension(OID.subjectKeyIdentifier, false, tlv(0x04, keyId(subject.publicKey))),
    extension(OID.authorityKeyIdentifier, false, sequence(tlv(0x80, keyId(issuer.publicKey)))),
  ];
  const algorithm =
    issuer.privateKey.asymmetricKeyType === "rsa"
      ? sequence(OID.sha256WithRsa, tlv(0x05))
      : sequence(OID.ecdsaWithSha256);
  const body = sequence(
    tlv(0xa0, integer(Buffer.of(2))),
    // Positive, and never with a zero in front.
    integer(Buffer.concat([Buffer.of(0x40), randomBytes(15)])),
    algorithm,
    distinguishedName(issuer.name),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(subject.name),
    spki(subject.publicKey),
    tlv(0xa3, sequence(...subject.extensions, ...keyIds)),
  );
  const signature = sign("sha256", body, issuer.privateKey);
  const base64 = sequence(body, algorithm, bitString(signature, 0)).toString("base64");
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** Tag, length, value: X.690, 8.1. */
function tlv(tag: number, ...content: readonly Buffer[]): Buffer {
  const value = Buffer.concat(content);
  const { length } = value;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), value]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), value]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), value]);
}

function sequence(...content: readonly Buffer[]): Buffer {
  return tlv(0x30, ...content);
}

function integer(bytes: Buffer): Buffer {
  return tlv(0x02, bytes);
}

function bitString(bytes: Buffer, unusedBits: number): Buffer {
  return tlv(0x03, Buffer.of(unusedBits), bytes);
}

/** In `2.5.29.17` the first two numbers share a byte, the others are written in base 128. */
function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = rest.flatMap((number) => {
    const digits = [number & 0x7f];
    for (let left = number >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return tlv(0x06, Buffer.of(first * 40 + second, ...bytes));
}

const OID = {
  commonName: oid("2.5.4.3"),
  subjectKeyIdentifier: oid("2.5.29.14"),
  keyUsage: oid("2.5.29.15"),
  subjectAltName: oid("2.5.29.17"),
  basicConstraints: oid("2.5.29.19"),
  authorityKeyIdentifier: oid("2.5.29.35"),
  extendedKeyUsage: oid("2.5.29.37"),
  serverAuth: oid("1.3.6.1.5.5.7.3.1"),
  clientAuth: oid("1.3.6.1.5.5.7.3.2"),
  sha256WithRsa: oid("1.2.840.113549.1.1.11"),
  ecdsaWithSha256: oid("1.2.840.10045.4.3.2"),
};

function extension(id: Buffer, critical: boolean, value: Buffer): Buffer {
  return sequence(id, ...(critical ? [tlv(0x01, Buffer.of(0xff))] : []), tlv(0x04, value));
}

function distinguishedName(commonName: string): Buffer {
  if (commonName === "") return sequence();
  return sequence(tlv(0x31, sequence(OID.commonName, tlv(0x0c, Buffer.from(commonName)))));
}

/** UTCTime up to 2049, GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5). */
function time(at: Date): Buffer {
  const digits = `${at.toISOString().slice(0, 19).replaceAll(/[-T:]/g, "")}Z`;
  return at.getUTCFullYear() < 2050
    ? tlv(0x17, Buffer.from(digits.slice(2)))
    : tlv(0x18, Buffer.from(digits));
}

function spki(key: KeyObject): Buffer {
  return key.export({ type: "spki", format: "der" });
}

function keyId(key: KeyObject): Buffer {
  return createHash("sha1").update(spki(key)).digest();
}

function addressBytes(ip: string): Buffer {
  if (!isIPv6(ip)) return Buffer.from(ip.split(".").map(Number));
  const [head = "", tail = ""] = ip.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":").map((group) => parseInt(group, 16)));
  const zeros = Array<number>(8 - groups(head).length - groups(tail).length).fill(0);
  const all = [...groups(head), ...zeros, ...groups(tail)];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
