// The certificates that tests use are real: OpenSSL, as Node.js has it, verifies them and refuses the wrong ones.
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, isIP } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { type Issued, type LeafOptions, makeAuthority } from "./certificates.ts";

const authority = makeAuthority({ name: "Test authority" });
const open: { close(): void }[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** Shakes hands with a server that has this certificate; rejects with what the client objects to. */
async function handshake(server: Issued, servername: string, client?: Issued): Promise<TLSSocket> {
  const listening = createServer({
    cert: server.chain,
    key: server.privateKey,
    ca: [authority.certificate],
    requestCert: client !== undefined,
    rejectUnauthorized: false,
  });
  open.push(listening);
  const accepted = once(listening, "secureConnection") as Promise<[TLSSocket]>;
  listening.listen(0, "127.0.0.1");
  await once(listening, "listening");
  const socket = connect({
    port: (listening.address() as AddressInfo).port,
    host: "127.0.0.1",
    // An address is verified, and never sent as server name.
    ...(isIP(servername) ? { host: servername } : { servername }),
    ca: [authority.certificate],
    ...(client === undefined ? {} : { cert: client.chain, key: client.privateKey }),
  });
  open.push({ close: () => socket.destroy() });
  await once(socket, "secureConnect");
  return (await accepted)[0];
}

describe("a certificate", () => {
  test.each([
    ["its exact name", { names: ["shop.example.com"] }, "shop.example.com"],
    ["a name under its wildcard", { names: ["*.example.com"] }, "cart.example.com"],
    ["its address", { ips: ["127.0.0.1"] }, "127.0.0.1"],
    ["a name, with an RSA key", { names: ["rsa.example.com"], rsaBits: 2048 }, "rsa.example.com"],
  ] satisfies [string, LeafOptions, string][])("is verified for %s", async (_, options, name) => {
    const socket = await handshake(authority.issue(options), name);
    expect(socket.encrypted).toBe(true);
  });

  test.each([
    ["another name", { names: ["shop.example.com"] }, "ERR_TLS_CERT_ALTNAME_INVALID"],
    [
      "a time that is over",
      { names: ["a.example.com"], notAfter: new Date("2026-01-02T00:00:00Z") },
      "CERT_HAS_EXPIRED",
    ],
    [
      "a time to come",
      { names: ["a.example.com"], notBefore: new Date("2125-01-01T00:00:00Z") },
      "CERT_NOT_YET_VALID",
    ],
    ["clients", { names: ["a.example.com"], client: true }, "INVALID_PURPOSE"],
  ] satisfies [string, LeafOptions, string][])("for %s is refused", async (_, options, code) => {
    await expect(handshake(authority.issue(options), "a.example.com")).rejects.toMatchObject({ code });
  });

  test("of another authority with the same name is refused", async () => {
    const other = makeAuthority({ name: "Test authority" }).issue({ names: ["a.example.com"] });
    await expect(handshake(other, "a.example.com")).rejects.toThrow(/certificate/);
  });

  test("of a client is taken by the server", async () => {
    const server = authority.issue({ names: ["a.example.com"] });
    const socket = await handshake(
      server,
      "a.example.com",
      authority.issue({ client: true, commonName: "alice", uris: ["spiffe://example.com/alice"] }),
    );
    expect(socket.authorized).toBe(true);
    expect(socket.getPeerCertificate().subject.CN).toBe("alice");
    expect(socket.getPeerCertificate().subjectaltname).toBe("URI:spiffe://example.com/alice");
  });
});

test("names, addresses and times stand in the certificate as asked for", () => {
  const { chain } = authority.issue({
    names: ["a.example.com"],
    ips: ["10.0.0.1", "2001:db8::5:1"],
    notBefore: new Date("2040-02-03T04:05:06Z"),
    notAfter: new Date("2060-02-03T04:05:06Z"),
  });
  const certificate = new X509Certificate(chain);
  expect(certificate.subjectAltName).toBe(
    "DNS:a.example.com, IP Address:10.0.0.1, IP Address:2001:DB8:0:0:0:0:5:1",
  );
  expect(certificate.validFromDate.toISOString()).toBe("2040-02-03T04:05:06.000Z");
  expect(certificate.validToDate.toISOString()).toBe("2060-02-03T04:05:06.000Z");
  expect(certificate.ca).toBe(false);
  expect(new X509Certificate(authority.certificate).ca).toBe(true);
});
