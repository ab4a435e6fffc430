// Tests of whose certificate an endpoint may show: names, wildcards, addresses and URIs, and never the common name.
import { X509Certificate } from "node:crypto";
import type { PeerCertificate } from "node:tls";
import { describe, expect, test } from "vitest";
import { type LeafOptions, makeAuthority } from "../../test/support/certificates.ts";
import type { BackendTls, SubjectAltName } from "../model/index.ts";
import { identityCheck } from "./upstream-identity.ts";

const authority = makeAuthority({ name: "test" });

function accepts(leaf: LeafOptions, wanted: Partial<BackendTls>): boolean {
  const { raw } = new X509Certificate(authority.issue(leaf).chain);
  const check = identityCheck({ subjectAltNames: [], trust: "system", ...wanted });
  return check({ raw } as PeerCertificate) === undefined;
}

function uri(value: string): { subjectAltNames: SubjectAltName[] } {
  return { subjectAltNames: [{ type: "uri", value }] };
}

function hostname(value: string): { subjectAltNames: SubjectAltName[] } {
  return { subjectAltNames: [{ type: "hostname", value }] };
}

describe("server name", () => {
  test("must be a name of the certificate, whatever its case", () => {
    expect(accepts({ names: ["shop.example"] }, { serverName: "shop.example" })).toBe(true);
    expect(accepts({ names: ["Shop.Example"] }, { serverName: "shop.example" })).toBe(true);
    expect(accepts({ names: ["other.example", "shop.example"] }, { serverName: "shop.example" })).toBe(true);
    expect(accepts({ names: ["other.example"] }, { serverName: "shop.example" })).toBe(false);
  });

  test("a wildcard is one whole label", () => {
    const names = ["*.shop.example"];
    expect(accepts({ names }, { serverName: "a.shop.example" })).toBe(true);
    expect(accepts({ names }, { serverName: "a.b.shop.example" })).toBe(false);
    expect(accepts({ names }, { serverName: "shop.example" })).toBe(false);
    expect(accepts({ names: ["a*.shop.example"] }, { serverName: "ab.shop.example" })).toBe(false);
    expect(accepts({ names: ["*.example"] }, { serverName: "shop.example" })).toBe(false);
  });

  test("the common name is no name", () => {
    expect(accepts({ commonName: "shop.example" }, { serverName: "shop.example" })).toBe(false);
    expect(accepts({ commonName: "shop.example", uris: ["a:b"] }, { serverName: "shop.example" })).toBe(
      false,
    );
  });

  test("an address is looked for among the addresses", () => {
    expect(accepts({ ips: ["192.0.2.1"] }, { serverName: "192.0.2.1" })).toBe(true);
    expect(accepts({ ips: ["2001:db8::1"] }, { serverName: "2001:db8::1" })).toBe(true);
    expect(accepts({ names: ["192.0.2.1"], ips: ["192.0.2.2"] }, { serverName: "192.0.2.1" })).toBe(false);
  });

  test("without names the chain alone counts", () => {
    expect(accepts({ names: ["other.example"] }, {})).toBe(true);
  });
});

describe("subject alternative names", () => {
  test("count in place of the server name", () => {
    const leaf = { names: ["shop.example"] };
    expect(accepts(leaf, { serverName: "shop.example", ...hostname("other.example") })).toBe(false);
    expect(accepts(leaf, { serverName: "other.example", ...hostname("shop.example") })).toBe(true);
  });

  test("one of them is enough", () => {
    const wanted = [...hostname("a.example").subjectAltNames, ...uri("spiffe://td/shop").subjectAltNames];
    expect(accepts({ uris: ["spiffe://td/shop"] }, { subjectAltNames: wanted })).toBe(true);
    expect(accepts({ names: ["a.example"] }, { subjectAltNames: wanted })).toBe(true);
    expect(accepts({ names: ["b.example"] }, { subjectAltNames: wanted })).toBe(false);
  });

  test("a URI is compared as a whole", () => {
    expect(accepts({ uris: ["spiffe://td/shop"] }, uri("spiffe://td/shop"))).toBe(true);
    expect(accepts({ uris: ["spiffe://td/shop2"] }, uri("spiffe://td/shop"))).toBe(false);
    expect(accepts({ uris: ["spiffe://td/Shop"] }, uri("spiffe://td/shop"))).toBe(false);
    expect(accepts({ names: ["spiffe.td"] }, uri("spiffe://td/shop"))).toBe(false);
  });

  test("a name cannot pose as two", () => {
    const posing = { uris: ["spiffe://td/other, URI:spiffe://td/shop"] };
    expect(accepts(posing, uri("spiffe://td/shop"))).toBe(false);
    expect(accepts(posing, uri("spiffe://td/other, URI:spiffe://td/shop"))).toBe(true);
    expect(accepts({ names: ["a.example"], ...posing }, hostname("a.example"))).toBe(true);
  });

  test("a wildcard that is wanted must be in the certificate as it stands", () => {
    expect(accepts({ names: ["*.shop.example"] }, hostname("*.shop.example"))).toBe(true);
    expect(accepts({ names: ["a.shop.example"] }, hostname("*.shop.example"))).toBe(false);
  });
});

test("what is no certificate belongs to nobody", () => {
  const check = identityCheck({ serverName: "a.example", subjectAltNames: [], trust: "system" });
  expect(check({ raw: Buffer.from("no") } as PeerCertificate)?.message).toBe(
    "the certificate cannot be read",
  );
});
