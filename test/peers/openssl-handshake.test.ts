// openssl s_client shakes hands with a gateway: the certificate by server name, versions, ciphers, protocols.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePorts } from "../support/free-port.ts";
import { getFor, type Handshake, sClient } from "../support/openssl.ts";
import { certificateSecret, edge, httpsListener } from "../support/tls-manifests.ts";
import { authority, startTlsStage, type TlsStage } from "./tls-stage.ts";

let stage: TlsStage;
/** Of listeners with hostnames, of one without, and of one that speaks TLS 1.3 alone. */
let named: number;
let nameless: number;
let modern: number;

beforeAll(async () => {
  [named, nameless, modern] = (await freePorts(3)) as [number, number, number];
  const issue = (names: string[], rsaBits?: number) =>
    authority.issue({ names, ...(rsaBits === undefined ? {} : { rsaBits }) });
  stage = await startTlsStage({
    objects: [
      certificateSecret("shop", issue(["shop.example.com"])),
      certificateSecret("shop-rsa", issue(["shop.example.com"], 2048)),
      certificateSecret("wild", issue(["*.example.com"])),
      certificateSecret("plain", issue(["plain.test"])),
      edge([
        httpsListener({
          name: "shop",
          port: named,
          hostname: "shop.example.com",
          certificates: ["shop", "shop-rsa"],
        }),
        httpsListener({ name: "wild", port: named, hostname: "*.example.com", certificates: ["wild"] }),
        httpsListener({ name: "nameless", port: nameless, certificates: ["plain", "wild"] }),
        httpsListener({
          name: "modern",
          port: modern,
          certificates: ["plain"],
          options: { "limpet.dev/minimum-tls-version": "1.3" },
        }),
      ]),
    ],
  });
});

afterAll(() => stage.stop());

/** Verifies chain and name, as a careful client does. */
function ask(port: number, name: string, more: readonly string[] = []): Promise<Handshake> {
  const verifying = ["-CAfile", stage.ca, "-verify_return_error", "-verify_hostname", name];
  return sClient(port, ["-servername", name, ...verifying, ...more], getFor(name));
}

const REFUSED = { version: undefined, status: undefined };

describe("the server name finds the certificate", () => {
  test.each([
    ["shop.example.com", "shop.example.com"],
    ["SHOP.example.com", "shop.example.com"],
    ["cart.example.com", "*.example.com"],
  ])("%s: that of %s", async (name, shown) => {
    const handshake = await ask(named, name);
    expect(handshake).toMatchObject({ shown, verified: "0 (ok)", status: 200 });
    expect(handshake.text).toContain(`https ${name} /`);
  });

  test("a name that no listener has is refused, and the alert says so", async () => {
    const handshake = await ask(named, "shop.test");
    expect(handshake).toMatchObject(REFUSED);
    expect(handshake.stderr).toMatch(/alert number 112/);
  });

  test("a listener takes names below its own that its certificate does not cover: the client refuses", async () => {
    const handshake = await ask(named, "a.cart.example.com");
    expect(handshake).toMatchObject({ verified: "62 (hostname mismatch)", status: undefined });
  });

  test("none at all: only a listener without a hostname takes that", async () => {
    const without = (port: number) => sClient(port, ["-noservername", "-CAfile", stage.ca], getFor("x.test"));
    expect(await without(named)).toMatchObject(REFUSED);
    expect(await without(nameless)).toMatchObject({ shown: "plain.test", status: 200 });
  });

  test("of several certificates of a listener, that which fits", async () => {
    expect(await ask(nameless, "plain.test")).toMatchObject({ shown: "plain.test", status: 200 });
    expect(await ask(nameless, "cart.example.com")).toMatchObject({ shown: "*.example.com", status: 200 });
  });

  test("of two that fit, that with the key which the client can verify", async () => {
    const cipher = (name: string) => ["-tls1_2", "-cipher", name];
    for (const name of ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"]) {
      expect(await ask(named, "shop.example.com", cipher(name))).toMatchObject({ cipher: name, status: 200 });
    }
  });
});

describe("versions and ciphers", () => {
  test.each([
    ["-tls1_2", "TLSv1.2"],
    ["-tls1_3", "TLSv1.3"],
  ])("%s is spoken", async (flag, version) => {
    expect(await ask(named, "shop.example.com", [flag])).toMatchObject({ version, status: 200 });
  });

  test.each(["-tls1", "-tls1_1"])("%s is refused, with the alert that says why", async (flag) => {
    const handshake = await ask(named, "shop.example.com", [flag, "-cipher", "ALL:@SECLEVEL=0"]);
    expect(handshake).toMatchObject(REFUSED);
    expect(handshake.stderr).toMatch(/alert protocol version/);
  });

  test("a listener may speak 1.3 alone", async () => {
    expect(await ask(modern, "plain.test", ["-tls1_2"])).toMatchObject(REFUSED);
    expect(await ask(modern, "plain.test")).toMatchObject({ version: "TLSv1.3", status: 200 });
  });

  test.each([
    "AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "DHE-RSA-AES128-SHA256",
    "NULL-SHA256",
    "PSK-AES128-CBC-SHA",
  ])("%s is refused", async (cipher) => {
    const weak = ["-tls1_2", "-cipher", `${cipher}:@SECLEVEL=0`];
    expect(await ask(named, "shop.example.com", weak)).toMatchObject(REFUSED);
  });

  test("no renegotiation: openssl asks for it with `R` and is refused", async () => {
    const args = ["-servername", "shop.example.com", "-tls1_2", "-no_ign_eof"];
    const handshake = await sClient(named, args, "R\n");
    expect(handshake.text).toMatch(/Secure Renegotiation IS supported/);
    expect(handshake.stderr).toMatch(/RENEGOTIATING\n.*no renegotiation/);
  });
});

describe("ALPN", () => {
  test("http/1.1 is agreed on", async () => {
    expect((await ask(named, "shop.example.com", ["-alpn", "http/1.1"])).alpn).toBe("http/1.1");
    expect((await ask(named, "shop.example.com", ["-alpn", "h2,http/1.1"])).alpn).toBe("http/1.1");
  });

  test("a client that speaks HTTP/2 alone is refused", async () => {
    const handshake = await ask(named, "shop.example.com", ["-alpn", "h2"]);
    expect(handshake).toMatchObject(REFUSED);
    expect(handshake.stderr).toMatch(/alert number 120/);
  });
});
