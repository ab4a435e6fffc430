// PEM texts: what can be used, what cannot and why, and that nothing beside certificates travels with a chain.
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { makeAuthority } from "../../../test/support/certificates.ts";
import { authoritiesProblem, certificatesIn, coversHostname, pairProblem, validityOf } from "./pem.ts";

const authority = makeAuthority({ name: "Test authority" });
const leaf = authority.issue({ names: ["shop.example.com"] });
const other = authority.issue({ names: ["*.example.com"] });

function encryptedKey(type: "pkcs1" | "pkcs8"): string {
  return generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type, format: "pem", cipher: "aes-256-cbc", passphrase: "x" },
  }).privateKey;
}

describe("a certificate with its key", () => {
  test.each([
    ["the leaf alone", leaf.chain],
    ["a chain", leaf.chain + authority.certificate],
    ["comments and the key around it", `# shop\n${leaf.privateKey}${leaf.chain}`],
  ])("can be used: %s", (_, chain) => {
    expect(pairProblem(chain, leaf.privateKey)).toBeUndefined();
  });

  test.each([
    ["no certificate", "Hello world", leaf.privateKey, "chain", "no certificate in the text"],
    [
      "a broken certificate",
      leaf.chain.replace("MII", "AAA"),
      leaf.privateKey,
      "chain",
      "certificate 1 of 1 cannot",
    ],
    ["no key", leaf.chain, leaf.chain, "privateKey", "no private key in the text"],
    ["a broken key", leaf.chain, leaf.privateKey.replace("MI", "AA"), "privateKey", "cannot be read"],
    ["another's key", leaf.chain, other.privateKey, "privateKey", "not that of the certificate"],
    [
      "a chain from its wrong end",
      authority.certificate + leaf.chain,
      leaf.privateKey,
      "chain",
      "certificate 2 of the chain",
    ],
    ["an encrypted key (PKCS#8)", leaf.chain, encryptedKey("pkcs8"), "privateKey", "encrypted"],
    ["an encrypted key (PKCS#1)", leaf.chain, encryptedKey("pkcs1"), "privateKey", "encrypted"],
  ])("cannot be used: %s", (_, chain, key, part, message) => {
    expect(pairProblem(chain, key)).toMatchObject({ part, message: expect.stringContaining(message) });
  });

  test("cannot be used with an RSA key of 1024 bits", () => {
    const weak = authority.issue({ names: ["a.example.com"], rsaBits: 1024 });
    expect(pairProblem(weak.chain, weak.privateKey)?.message).toContain("1024 bits");
    const strong = authority.issue({ names: ["a.example.com"], rsaBits: 2048 });
    expect(pairProblem(strong.chain, strong.privateKey)).toBeUndefined();
  });

  test("no problem quotes a key", () => {
    const lines = other.privateKey.split("\n").slice(1, 3);
    const told = JSON.stringify(pairProblem(leaf.chain, other.privateKey));
    for (const line of lines) expect(told).not.toContain(line.slice(0, 20));
  });
});

test("authorities are one certificate or more", () => {
  expect(
    authoritiesProblem(authority.certificate + makeAuthority({ name: "b" }).certificate),
  ).toBeUndefined();
  expect(authoritiesProblem("not a certificate")?.message).toContain("no certificate");
  expect(authoritiesProblem("")?.message).toContain("no certificate");
});

test("of a text only its certificates are taken", () => {
  const parts = certificatesIn(`${leaf.privateKey}${leaf.chain}# end\n${authority.certificate}`);
  expect(parts.map((part) => `${part}\n`)).toEqual([leaf.chain, authority.certificate]);
});

test("validity is that of the first certificate", () => {
  const short = authority.issue({
    names: ["a.example.com"],
    notBefore: new Date("2026-02-01T00:00:00Z"),
    notAfter: new Date("2026-03-01T00:00:00Z"),
  });
  expect(validityOf(short.chain + authority.certificate)).toEqual({
    notBeforeMs: Date.parse("2026-02-01T00:00:00Z"),
    notAfterMs: Date.parse("2026-03-01T00:00:00Z"),
  });
});

test.each([
  [leaf, "shop.example.com", true],
  [leaf, "*.example.com", false],
  [other, "*.example.com", true],
  [other, "cart.example.com", true],
  [other, "example.com", false],
])("covers a hostname, or all under a wildcard", ({ chain }, hostname, covers) => {
  expect(coversHostname(chain, hostname)).toBe(covers);
});
