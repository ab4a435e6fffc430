// openssl s_client with and without a certificate of its own, at listeners that demand one, ask for one, or do not.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Issued, makeAuthority } from "../support/certificates.ts";
import { freePorts } from "../support/free-port.ts";
import { getFor, type Handshake, sClient } from "../support/openssl.ts";
import { authorities, certificateSecret, edge, httpsListener } from "../support/tls-manifests.ts";
import { authority, startTlsStage, type TlsStage } from "./tls-stage.ts";

const partners = makeAuthority({ name: "Partners" });
const strangers = makeAuthority({ name: "Strangers" });

/** What clients can show. */
const CLIENTS: Record<string, Issued> = {
  partner: partners.issue({ names: ["partner.example"], client: true }),
  stranger: strangers.issue({ names: ["partner.example"], client: true }),
  expired: partners.issue({
    names: ["partner.example"],
    client: true,
    notBefore: new Date("2020-01-01"),
    notAfter: new Date("2021-01-01"),
  }),
  "server's": partners.issue({ names: ["partner.example"] }),
};

let stage: TlsStage;
let strict: number;
let lenient: number;
let open: number;

beforeAll(async () => {
  [strict, lenient, open] = (await freePorts(3)) as [number, number, number];
  const caCertificateRefs = [{ group: "", kind: "ConfigMap", name: "partners" }];
  const frontend = {
    default: { validation: { caCertificateRefs } },
    perPort: [
      { port: lenient, tls: { validation: { caCertificateRefs, mode: "AllowInsecureFallback" } } },
      { port: open, tls: {} },
    ],
  };
  stage = await startTlsStage({
    objects: [
      certificateSecret("shop", authority.issue({ names: ["shop.example"] })),
      authorities("partners", partners.certificate),
      edge(
        Object.entries({ strict, lenient, open }).map(([name, port]) =>
          httpsListener({ name, port, certificates: ["shop"] }),
        ),
        { frontend },
      ),
    ],
  });
});

afterAll(() => stage.stop());

/** Both versions: in 1.3 the client believes it is through before the server has looked at its certificate. */
const VERSIONS = ["-tls1_2", "-tls1_3"];

const HUNG_UP = /unexpected eof|errno=104/;

function ask(
  port: number,
  version: string,
  client: string | undefined,
  more: readonly string[] = [],
): Promise<Handshake> {
  const shown = CLIENTS[client ?? ""];
  const own = shown === undefined ? [] : ["-cert", stage.pem(`${client}.pem`, shown)];
  return sClient(
    port,
    ["-servername", "shop.example", "-CAfile", stage.ca, version, ...own, ...more],
    getFor("shop.example"),
  );
}

describe.each(VERSIONS)("with %s", (version) => {
  test("where a certificate is demanded, that of the authority comes in", async () => {
    const handshake = await ask(strict, version, "partner");
    expect(handshake.status).toBe(200);
    // Since 3.2 without spaces.
    expect(handshake.text).toMatch(/CN ?= ?Partners/);
  });

  test.each([
    [undefined, /alert number 116|alert handshake failure/],
    // Node.js judges certificates once the handshake is done, and hangs up.
    ["stranger", HUNG_UP],
    ["expired", HUNG_UP],
    ["server's", HUNG_UP],
  ])("and nobody else does: %s", async (client, alert) => {
    const handshake = await ask(strict, version, client);
    expect(handshake.status).toBeUndefined();
    expect(handshake.stderr).toMatch(alert);
  });

  test.each([undefined, ...Object.keys(CLIENTS)])(
    "where a fallback is allowed, everybody comes in: %s",
    async (client) => {
      const handshake = await ask(lenient, version, client);
      expect(handshake.status).toBe(200);
      // It is asked for one, whoever signed it: names of authorities would turn others away.
      expect(handshake.text).toContain("Requested Signature Algorithms");
    },
  );

  test("where no certificate is asked for, none is given", async () => {
    const handshake = await ask(open, version, "partner");
    expect(handshake.status).toBe(200);
    expect(handshake.text).toContain("No client certificate CA names sent");
    expect(handshake.text).not.toContain("Requested Signature Algorithms");
  });

  test("a session of an open listener opens no other", async () => {
    const session = stage.file("session", "");
    expect((await ask(open, version, undefined, ["-sess_out", session])).status).toBe(200);
    expect(await ask(open, version, undefined, ["-sess_in", session])).toMatchObject({
      resumed: true,
      status: 200,
    });
    expect(await ask(strict, version, undefined, ["-sess_in", session])).toMatchObject({
      resumed: false,
      status: undefined,
    });
  });

  test("a client that was verified may resume, and is verified still", async () => {
    const session = stage.file("verified", "");
    expect((await ask(strict, version, "partner", ["-sess_out", session])).status).toBe(200);
    expect(await ask(strict, version, undefined, ["-sess_in", session])).toMatchObject({
      resumed: true,
      status: 200,
    });
  });
});
