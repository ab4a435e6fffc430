// PROXY headers as others write them: curl, and HAProxy in front of the gateway, for plain ports and under TLS.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startProgram } from "../http/peers/peer.ts";
import { type CurlRun, curl } from "../support/curl.ts";
import { freePort, freePorts } from "../support/free-port.ts";
import { certificateSecret, edge, httpsListener } from "../support/tls-manifests.ts";
import { authority, startTlsStage, type TlsStage } from "./tls-stage.ts";

let stage: TlsStage;
let plain: number;
let secure: number;

beforeAll(async () => {
  [plain, secure] = (await freePorts(2)) as [number, number];
  stage = await startTlsStage({
    objects: [
      certificateSecret("shop", authority.issue({ names: ["shop.example"] })),
      edge([
        { name: "http", port: plain, protocol: "HTTP" },
        httpsListener({ name: "https", port: secure, certificates: ["shop"] }),
      ]),
    ],
    // HAProxy and curl; 127.0.0.9 stands for somebody who may not say who he is.
    args: ["--proxy-protocol-from", "127.0.0.1/32,127.0.0.2/32"],
    answer: (request, response) => response.end(String(request.headers["x-forwarded-for"])),
  });
});

afterAll(() => stage.stop());

/** The scheme's port of the gateway unless another one is given. */
function ask(
  scheme: string,
  args: readonly string[],
  port = scheme === "https" ? secure : plain,
): Promise<CurlRun> {
  const at = `${scheme}://shop.example:${port}/`;
  return curl(["--resolve", `shop.example:${port}:127.0.0.1`, "--cacert", stage.ca, ...args, at, at]);
}

async function startHaproxy(to: number, header: string): Promise<number> {
  const port = await freePort();
  const text = () => `global
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout check 5s
  timeout client 10s
  timeout server 10s
listen front
  bind 127.0.0.1:${port}
  server gateway 127.0.0.1:${to} ${header}
`;
  const args = (path: string) => ["-db", "-f", path];
  const haproxy = await startProgram("/usr/sbin/haproxy", { name: "haproxy.cfg", text }, args, [port]);
  onTestFinished(() => haproxy.stop());
  return port;
}

describe.each(["http", "https"])("%s", (scheme) => {
  test("curl names itself, and may send several requests behind one header", async () => {
    const answer = await ask(scheme, ["--haproxy-protocol", "--interface", "127.0.0.2"]);
    expect(answer.body).toBe("127.0.0.2127.0.0.2");
  });

  test("a proxy without its header is cut off", async () => {
    const answer = await ask(scheme, []);
    expect(answer.status).toBe(0);
    // 35, 52, 56: no handshake, no answer, a reset.
    expect([35, 52, 56]).toContain(answer.exitCode);
  });

  test("from somebody who is no proxy a header is no header", async () => {
    const answer = await ask(scheme, ["--haproxy-protocol", "--interface", "127.0.0.9"]);
    expect([0, 400]).toContain(answer.status);
    expect(answer.body).not.toContain("127.0.0.9");
    expect((await ask(scheme, ["--interface", "127.0.0.9"])).body).toBe("127.0.0.9127.0.0.9");
  });

  test.each(["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options unique-id,crc32c"])(
    "HAProxy tells who the client is: %s",
    async (header) => {
      const port = await startHaproxy(scheme === "https" ? secure : plain, header);
      const answer = await ask(scheme, ["--interface", "127.0.0.7"], port);
      expect(answer.body).toBe("127.0.0.7127.0.0.7");
      const line = await stage.gateway.waitForAccess(({ client }) => client === "127.0.0.7");
      expect(line.status).toBe(200);
    },
  );

  test("HAProxy that checks the gateway with a header of its own gets in too", async () => {
    const port = await startHaproxy(
      scheme === "https" ? secure : plain,
      "send-proxy-v2 check check-send-proxy inter 100ms rise 1 fall 1",
    );
    // Several in a row: some of them come after checks.
    const bodies = async () => {
      const found = new Set<string>();
      for (let round = 0; round < 5; round += 1) {
        found.add((await ask(scheme, ["--interface", "127.0.0.7"], port)).body);
      }
      return [...found];
    };
    await expect.poll(bodies).toEqual(["127.0.0.7127.0.0.7"]);
  });
});
