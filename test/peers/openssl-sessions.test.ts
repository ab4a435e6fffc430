// openssl s_client over time: sessions that any worker and the next process resume, and certificates that change under open connections.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { handOver } from "../support/hand-over.ts";
import { getFor, type Handshake, KeptClient, sClient } from "../support/openssl.ts";
import { certificateSecret, documents, edge, httpsListener } from "../support/tls-manifests.ts";
import { authority, startTlsStage, type TlsStage } from "./tls-stage.ts";

const SHOP = "shop.example";

let stage: TlsStage;
let port: number;

beforeAll(async () => {
  port = await freePort();
  stage = await startTlsStage({
    objects: [edge([httpsListener({ name: "https", port, certificates: ["shop"] })])],
    files: { "shop.yaml": shopSecret() },
    args: ["--workers", "2"],
  });
});

afterAll(() => stage.stop());

/** Each is another one. */
function shopSecret(commonName = SHOP): string {
  return documents(certificateSecret("shop", authority.issue({ names: [SHOP], commonName })));
}

function ask(more: readonly string[]): Promise<Handshake> {
  const verifying = ["-CAfile", stage.ca, "-verify_return_error", "-verify_hostname", SHOP];
  return sClient(port, ["-servername", SHOP, ...verifying, ...more], getFor(SHOP));
}

async function workers(): Promise<number[]> {
  const page = await fetch(`${stage.gateway.adminUrl}/snapshot`);
  return ((await page.json()) as { workers: number[] }).workers;
}

/** Connections by worker cannot be told apart from outside; ten in a row on one of two: once in 500 runs. */
const ATTEMPTS = 10;

describe.each(["-tls1_2", "-tls1_3"])("a session, with %s", (version) => {
  async function newSession(name: string): Promise<string[]> {
    const session = stage.file(name, "");
    expect(await ask([version, "-sess_out", session])).toMatchObject({ resumed: false, status: 200 });
    return [version, "-sess_in", session];
  }

  test("is resumed by whichever worker accepts", async () => {
    const session = await newSession("workers");
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      expect(await ask(session)).toMatchObject({ resumed: true, verified: "0 (ok)", status: 200 });
    }
  });

  test("outlives all workers that know it", async () => {
    const session = await newSession("killed");
    const before = await workers();
    for (const pid of before) process.kill(pid, "SIGKILL");
    await eventually(workers, (now) => now.length === 2 && now.every((pid) => !before.includes(pid)));
    expect(await ask(session)).toMatchObject({ resumed: true, status: 200 });
  });

  test("a version that the client no longer wants is not resumed into", async () => {
    const session = await newSession("downgrade");
    const other = version === "-tls1_3" ? "-tls1_2" : "-tls1_3";
    const handshake = await ask([...session, other]);
    expect(handshake.resumed).toBe(false);
  });
});

test("a session is resumed by a process that took over, and after a restart there is a full handshake", async () => {
  const session = stage.file("processes", "");
  await ask(["-sess_out", session]);
  await handOver(stage.gateway, stage.gateway.process.pid as number);
  for (let attempt = 0; attempt < 3; attempt++) {
    expect(await ask(["-sess_in", session])).toMatchObject({ resumed: true, status: 200 });
  }
  await stage.restart();
  expect(await ask(["-sess_in", session])).toMatchObject({ resumed: false, verified: "0 (ok)", status: 200 });
});

test("a certificate that is renewed is shown to newcomers, and open connections go on", async () => {
  const kept = new KeptClient(port, ["-servername", SHOP]);
  expect(await kept.ask(SHOP, "/before", `https ${SHOP} /before`)).toBe(true);
  for (const [round, commonName] of ["first renewal", "second renewal"].entries()) {
    stage.gateway.write("shop.yaml", shopSecret(commonName));
    const shown = await eventually(
      async () => (await ask([])).shown,
      (name) => name === commonName,
    );
    expect(shown).toBe(commonName);
    expect(await kept.ask(SHOP, `/after-${round}`, `https ${SHOP} /after-${round}`)).toBe(true);
  }
});

test("a certificate whose key is another's is not shown: the last good one stays", async () => {
  const { chain } = authority.issue({ names: [SHOP], commonName: "without its key" });
  const good = (await ask([])).shown;
  const mixed = { chain, privateKey: authority.issue({ names: [SHOP] }).privateKey };
  stage.gateway.write("shop.yaml", documents(certificateSecret("shop", mixed)));
  await stage.gateway.stderr.waitFor((line) => line.includes("invalid-certificate"), "the finding");
  expect(await ask([])).toMatchObject({ shown: good, status: 200 });
});
