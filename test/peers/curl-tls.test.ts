// The real curl over TLS: whom it trusts, 421 on a connection made for another host, secure cookies, and HTTP that leads to HTTPS.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CurlRun, curl } from "../support/curl.ts";
import { freePorts } from "../support/free-port.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { certificateSecret, edge, httpsListener, route } from "../support/tls-manifests.ts";
import { authority, startTlsStage, type TlsStage, TO_ORIGIN } from "./tls-stage.ts";

let stage: TlsStage;
let secure: number;
let plain: number;

beforeAll(async () => {
  [secure, plain] = (await freePorts(2)) as [number, number];
  const session = { sessionName: "home", type: "Cookie" };
  const toHttps = { type: "RequestRedirect", requestRedirect: { scheme: "https", statusCode: 301 } };
  const on = (...sections: string[]) => ({
    parentRefs: sections.map((sectionName) => ({ name: "edge", sectionName })),
  });
  stage = await startTlsStage({
    objects: [
      certificateSecret("shop", authority.issue({ names: ["shop.example.com"] })),
      certificateSecret("wild", authority.issue({ names: ["*.example.com"] })),
      edge([
        { name: "http", port: plain, protocol: "HTTP" },
        httpsListener({ name: "shop", port: secure, hostname: "shop.example.com", certificates: ["shop"] }),
        httpsListener({ name: "wild", port: secure, hostname: "*.example.com", certificates: ["wild"] }),
      ]),
      route("shop", [TO_ORIGIN], on("shop")),
      route("others", [TO_ORIGIN], on("wild")),
      route("moved", [{ filters: [toHttps] }], { ...on("http"), hostnames: ["shop.example.com"] }),
      route("session", [{ ...TO_ORIGIN, sessionPersistence: session }], {
        ...on("http", "wild"),
        hostnames: ["session.example.com"],
      }),
    ],
  });
});

afterAll(() => stage.stop());

/** Every https URL without a port goes to the gateway's secure port, and so does every http one to the plain port. */
function ask(...args: readonly string[]): Promise<CurlRun> {
  return curl(args, { report: "num_connects", always: reach() });
}

const reach = (): string[] => [
  ...["--connect-to", `:443:127.0.0.1:${secure}`, "--connect-to", `:80:127.0.0.1:${plain}`],
  ...["--cacert", stage.ca],
];

describe("trust", () => {
  test("the certificate verifies for the host, by address and by name", async () => {
    const resolved = await curl(
      [
        "--resolve",
        `shop.example.com:${secure}:127.0.0.1`,
        "--cacert",
        stage.ca,
        `https://shop.example.com:${secure}/a`,
      ],
      { report: "ssl_verify_result" },
    );
    expect([resolved.status, resolved.reported, resolved.body]).toEqual([
      200,
      ["0"],
      `https shop.example.com:${secure} /a`,
    ]);
    expect((await ask("https://cart.example.com/")).body).toBe("https cart.example.com /");
  });

  test("not without its authority, and not for a name that it does not have", async () => {
    const url = "https://shop.example.com/";
    // 60: the certificate cannot be verified.
    expect((await curl(["--connect-to", `:443:127.0.0.1:${secure}`, url])).exitCode).toBe(60);
    expect((await ask("https://a.cart.example.com/")).exitCode).toBe(60);
    // 35: no handshake.
    expect((await ask("https://shop.test/")).exitCode).toBe(35);
  });
});

describe("a connection made for another host", () => {
  const [shop, cart] = ["https://shop.example.com/", "https://cart.example.com/"];

  test("is used again for its own host, and answered 421 for one of another listener", async () => {
    const answer = await ask(shop, "--next", shop, "--next", "-H", "host: cart.example.com", shop);
    expect(answer.reported).toEqual(["1", "0", "0"]);
    expect(answer.answers.map(({ status }) => status)).toEqual([200, 200, 421]);
    expect(answer.body).toContain("misdirected");
  });

  test("is answered 421 for a host that its certificate does not have, and goes on", async () => {
    const answer = await ask("-H", "host: a.b.example.com", cart, "--next", cart);
    expect(answer.reported).toEqual(["1", "0"]);
    expect(answer.answers.map(({ status }) => status)).toEqual([421, 200]);
  });

  test("serves every host that its listener and its certificate have", async () => {
    const answer = await ask(cart, "--next", "-H", "host: checkout.example.com", cart);
    expect(answer.reported).toEqual(["1", "0"]);
    expect(answer.answers.map(({ status }) => status)).toEqual([200, 200]);
  });
});

test("HTTP leads to HTTPS, with path and query", async () => {
  const answer = await ask("-L", "http://shop.example.com/cart?x=%2F");
  expect(answer.answers.map(({ status }) => status)).toEqual([301, 200]);
  expect(answer.answers[0]?.headers.get("location")).toEqual(["https://shop.example.com/cart?x=%2F"]);
  expect(answer.body).toBe("https shop.example.com /cart?x=%2F");
});

test("a session that began over TLS has a secure cookie: curl keeps it from plain HTTP", async () => {
  const jar = join(temporaryFolder(), "jar");
  const send = (scheme: string, path: string) =>
    ask("-b", jar, "-c", jar, `${scheme}://session.example.com${path}`);
  const first = await send("https", "/first");
  expect(first.header("set-cookie")).toMatch(/^home=.*; Secure/);
  expect((await send("https", "/second")).header("set-cookie")).toBeUndefined();
  expect((await send("http", "/third")).header("set-cookie")).not.toContain("Secure");
  const outcome = async (page: string) =>
    (await stage.gateway.waitForAccess(({ path }) => path === page)).affinity?.outcome;
  expect([await outcome("/first"), await outcome("/second"), await outcome("/third")]).toEqual([
    "new",
    "kept",
    "new",
  ]);
  // What came over plain HTTP must not replace what came over TLS (RFC 6265bis, 5.7).
  expect((await send("https", "/fourth")).header("set-cookie")).toBeUndefined();
});

describe("HTTP/2 is not spoken", () => {
  test("curl agrees on 1.1, by ALPN and where it offers an upgrade", async () => {
    for (const url of ["https://shop.example.com/", "http://session.example.com/"]) {
      const answer = await curl(["--http2", url], { report: "http_version", always: reach() });
      expect([answer.status, answer.reported]).toEqual([200, ["1.1"]]);
    }
  });

  test("curl that insists is refused", async () => {
    const answer = await curl(["--http2-prior-knowledge", "http://session.example.com/"], {
      always: reach(),
    });
    expect(answer.status).toBe(0);
    expect(answer.exitCode).not.toBe(0);
  });
});
