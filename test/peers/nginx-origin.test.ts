// A real nginx behind TLS does what servers do: it closes when it likes, cuts answers into ranges, compresses, refuses and hangs up.
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeAuthority } from "../support/certificates.ts";
import { curl } from "../support/curl.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { authorities, documents, edge, route, tlsService } from "../support/tls-manifests.ts";
import { startNginx } from "./nginx.ts";

const inside = makeAuthority({ name: "Inside" });
const LARGE = randomBytes(20_000_000);
const TEXT = "a limpet comes home\n".repeat(1_000);

let nginx: Awaited<ReturnType<typeof startNginx>>;
let gateway: Gateway;
let port: number;

beforeAll(async () => {
  nginx = await startNginx({
    files: { "large.bin": LARGE, "text.txt": TEXT },
    servers: [
      {
        name: "files.inside",
        certificate: inside.issue({ names: ["files.inside"] }),
        directives: `
    keepalive_requests 3;
    client_max_body_size 100k;
    gzip on;
    gzip_types *;
    types { text/plain txt; }
    location /count { return 200 "$connection_requests"; }
    location /hang-up { return 444; }
    location /text { try_files /text.txt =404; }`,
      },
    ],
  });
  port = await freePort();
  const caCertificateRefs = [{ group: "", kind: "ConfigMap", name: "inside" }];
  const validation = { hostname: "files.inside", caCertificateRefs };
  const all = documents(
    authorities("inside", inside.certificate),
    edge([{ name: "http", port, protocol: "HTTP" }]),
    ...tlsService({ name: "files", endpointPorts: [nginx.port], validation }),
    route("files", [{ backendRefs: [{ name: "files", port: 443 }] }]),
  );
  gateway = await startGateway({ files: { "all.yaml": all } });
});

afterAll(async () => {
  await gateway.stop();
  await nginx.stop();
});

const url = (path: string): string => `http://127.0.0.1:${port}${path}`;

test("a large file arrives whole, and a range of it", async () => {
  const file = join(temporaryFolder(), "large.bin");
  const whole = await curl(["-o", file, url("/large.bin")]);
  expect([whole.status, whole.header("content-length")]).toEqual([200, "20000000"]);
  const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
  expect(digest(readFileSync(file))).toBe(digest(LARGE));
  const part = await curl(["-r", "9999990-10000009", url("/large.bin")]);
  expect([part.status, part.header("content-range")]).toEqual([206, "bytes 9999990-10000009/20000000"]);
  expect(part.body).toBe(LARGE.subarray(9_999_990, 10_000_010).toString("latin1"));
});

test("several ranges come as parts, an old copy is confirmed, and HEAD has a length without a body", async () => {
  expect((await curl(["-r", "0-1,5-6", url("/text.txt")])).header("content-type")).toMatch(
    /^multipart\/byteranges/,
  );
  const tag = (await curl([url("/text.txt")])).header("etag") as string;
  const confirmed = await curl(["-H", `if-none-match: ${tag}`, url("/text.txt")]);
  expect([confirmed.status, confirmed.body]).toEqual([304, ""]);
  const head = await curl(["-I", url("/text.txt")]);
  expect([head.status, head.header("content-length")]).toEqual([200, String(TEXT.length)]);
});

test("what it compresses on the way comes in chunks, and curl reads it", async () => {
  const answer = await curl(["--compressed", url("/text")]);
  expect([answer.header("content-encoding"), answer.header("transfer-encoding")]).toEqual([
    "gzip",
    "chunked",
  ]);
  expect(answer.body).toBe(TEXT);
});

test("it closes after every third request, and no client notices", async () => {
  const before = await curl([url("/count")]);
  const answers = await curl(Array<string>(40).fill(url("/count")), { report: "num_connects" });
  expect(answers.answers.map(({ status }) => status)).toEqual(Array(40).fill(200));
  expect(answers.reported.filter((count) => count === "1")).toHaveLength(1);
  const counts = `${before.body}${answers.body}`;
  expect(new Set(counts)).toEqual(new Set("123"));
});

test("sixteen at once, each on a connection that is used until nginx closes it", async () => {
  const args = ["-Z", "--parallel-max", "16", ...Array<string>(160).fill(url("/count"))];
  const answers = await curl(args);
  expect(answers.reported).toEqual(Array(160).fill("200"));
});

test("an upload that is too large for it is refused in its own words", async () => {
  const input = "z".repeat(5_000_000);
  for (const args of [[], ["-H", "expect:"]]) {
    const answer = await curl([...args, "--data-binary", "@-", url("/text.txt")], { input });
    expect(answer.status).toBe(413);
    expect(answer.body).toContain("nginx");
  }
});

test("when it hangs up without an answer the client is told so", async () => {
  const answer = await curl([url("/hang-up"), url("/count")], { report: "num_connects" });
  expect(answer.answers.map(({ status }) => status)).toEqual([502, 200]);
  expect(answer.body).toContain("upstream-closed");
  expect(answer.reported).toEqual(["1", "0"]);
});
