// Requests and watches over real sockets, against a double of the API server.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ApiServerDouble } from "../../../test/support/api-server-double.ts";
import { makeAuthority } from "../../../test/support/certificates.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { reached } from "../../../test/support/reached.ts";
import { SYSTEM_CLOCK } from "../clock.ts";
import { ApiClient, type ApiClientOptions } from "./api-client.ts";
import { type KubernetesObject, QUIET, type WatchEvent } from "./client.ts";
import { CredentialError, type CredentialSource, type Credentials, type TlsSettings } from "./credentials.ts";

const SERVICES = "/api/v1/services";
const NOBODY: CredentialSource = { get: async () => ({ tls: {} }) };

let server: ApiServerDouble;
const clients: ApiClient[] = [];

beforeEach(async () => {
  server = await ApiServerDouble.start();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.stop();
});

function clientOf(credentials: CredentialSource = NOBODY, more: Partial<ApiClientOptions> = {}): ApiClient {
  const client = new ApiClient({
    connection: {
      server: new URL(`http://127.0.0.1:${server.port}`),
      namespace: "",
      credentials,
      origin: "",
    },
    userAgent: "limpet/1.2.3",
    clock: SYSTEM_CLOCK,
    ...more,
  });
  clients.push(client);
  return client;
}

describe("a request", () => {
  test("sends JSON with its type, and answers with JSON", async () => {
    server.put(SERVICES, { metadata: { name: "cart" } });
    const body = { metadata: { labels: { a: "ä" } } };
    const options = { body, contentType: "application/merge-patch+json", query: { dryRun: "All" } } as const;
    const answer = await clientOf().request<KubernetesObject>("PATCH", `${SERVICES}/cart`, options);
    expect(answer.metadata.name).toBe("cart");
    const [heard] = server.requests;
    expect(JSON.parse(heard?.body ?? "")).toEqual(body);
    expect(heard?.query.get("dryRun")).toBe("All");
    expect(heard?.headers).toMatchObject({
      "content-type": "application/merge-patch+json",
      "user-agent": "limpet/1.2.3",
      accept: "application/json",
    });
  });

  test("asks for the metadata alone where that is enough", async () => {
    server.put(SERVICES, { metadata: { name: "cart" }, spec: {} });
    const page = await clientOf().request<object>("GET", SERVICES, { metadataOnly: true });
    expect(page).toMatchObject({ items: [{ metadata: { name: "cart" } }] });
    expect(server.requests[0]?.headers.accept).toMatch(/as=PartialObjectMetadataList/);
  });

  test("for a list of nothing answers with an empty list", async () => {
    server.serve(SERVICES);
    expect(await clientOf().request("GET", SERVICES, { metadataOnly: true })).toMatchObject({ items: [] });
  });

  test("keeps the path that a server stands behind", async () => {
    server.put("/k8s/clusters/c-1/api/v1/services", { metadata: { name: "cart" } });
    const url = new URL(`http://127.0.0.1:${server.port}/k8s/clusters/c-1/`);
    const client = clientOf(NOBODY, {
      connection: { server: url, namespace: "", credentials: NOBODY, origin: "" },
    });
    expect(await client.request("GET", `${SERVICES}/cart`)).toMatchObject({ metadata: { name: "cart" } });
  });

  test("that is refused tells method, path, reason, and how long to wait", async () => {
    server.refuse = () => ({
      status: 429,
      reason: "TooManyRequests",
      message: "slow down",
      headers: { "retry-after": "7" },
    });
    await expect(clientOf().request("PUT", `${SERVICES}/cart`, { body: {} })).rejects.toMatchObject({
      name: "ApiError",
      status: 429,
      reason: "TooManyRequests",
      retryAfterMs: 7000,
      message: `PUT ${SERVICES}/cart: 429 TooManyRequests: slow down`,
    });
  });

  test("that nobody answers ends with its time", async () => {
    const clock = new ManualClock();
    const client = clientOf(NOBODY, { clock });
    server.put(SERVICES, { metadata: { name: "cart" } });
    // A watch is a request whose body never ends.
    const asked = client.request("GET", SERVICES, { query: { watch: true }, timeoutMs: 5_000 });
    const told = expect(asked).rejects.toMatchObject({
      status: 0,
      message: expect.stringMatching(/no answer for 5000 ms/),
    });
    await reached(() => server.watchers(SERVICES) === 1);
    await clock.advance(5_000);
    await told;
  });

  test("is given up with its signal", async () => {
    const stop = new AbortController();
    server.put(SERVICES, { metadata: { name: "cart" } });
    const asked = clientOf().request("GET", SERVICES, { query: { watch: true }, signal: stop.signal });
    const told = expect(asked).rejects.toMatchObject({ name: "ApiError", status: 0 });
    await reached(() => server.watchers(SERVICES) === 1);
    stop.abort();
    await told;
  });

  test("takes no answer without end", async () => {
    server.serve(SERVICES);
    server.garble = () => JSON.stringify("x".repeat(5_000));
    const client = clientOf(NOBODY, { maxBodyBytes: 1_000 });
    await expect(client.request("GET", SERVICES)).rejects.toMatchObject({
      message: expect.stringMatching(/longer than 1000 bytes/),
    });
  });

  test("takes nothing but JSON", async () => {
    server.serve(SERVICES);
    server.garble = () => "<html>";
    await expect(clientOf().request("GET", SERVICES)).rejects.toMatchObject({
      message: expect.stringMatching(/no JSON: "<html>"/),
    });
  });

  test.each(["null", '"ok"', "[]", '{"status": "ok"}'])(
    "takes no JSON that is none of the API: %s",
    async (said) => {
      server.serve(SERVICES);
      server.garble = () => said;
      await expect(clientOf().request("POST", SERVICES, { body: {} })).rejects.toMatchObject({
        name: "ApiError",
        status: 0,
        message: expect.stringContaining("no object of an API server"),
      });
    },
  );

  test.each(["86400", "9999999999"])("is asked to wait for a minute at most: %s", async (seconds) => {
    server.refuse = () => ({ status: 503, headers: { "retry-after": seconds } });
    await expect(clientOf().request("GET", SERVICES)).rejects.toMatchObject({ retryAfterMs: 60_000 });
  });

  test("waits for credentials no longer than for an answer, nor when it is given up", async () => {
    const clock = new ManualClock();
    const client = clientOf({ get: () => new Promise(() => {}) }, { clock });
    const told = expect(client.request("GET", SERVICES, { timeoutMs: 5_000 })).rejects.toMatchObject({
      status: 0,
      message: expect.stringMatching(/no answer for 5000 ms/),
    });
    await clock.advance(5_000);
    await told;
    const stop = new AbortController();
    const asked = client.request("GET", SERVICES, { signal: stop.signal });
    stop.abort();
    await expect(asked).rejects.toMatchObject({ name: "ApiError", status: 0 });
  });

  test.each(["127.0.0.1", "localhost"])("to a server that is not there says so: %s", async (host) => {
    const url = new URL(`http://${host}:${server.port}`);
    const client = clientOf(NOBODY, {
      connection: { server: url, namespace: "", credentials: NOBODY, origin: "" },
    });
    await server.stop();
    await expect(client.request("GET", SERVICES)).rejects.toMatchObject({
      status: 0,
      message: expect.stringContaining("ECONNREFUSED"),
    });
    server = await ApiServerDouble.start();
  });

  test("that meets an idle connection just as it closes is sent again, if it only reads", async () => {
    server.put(SERVICES, { metadata: { name: "cart" } });
    const client = clientOf();
    const path = `${SERVICES}/cart`;
    const ask = async (method: "GET" | "PATCH") => {
      await client.request("GET", path);
      let hangUps = 0;
      server.neglect = () => (hangUps++ === 0 ? "hang-up" : undefined);
      return client.request(method, path, method === "GET" ? {} : { body: {} });
    };
    expect(await ask("GET")).toMatchObject({ metadata: { name: "cart" } });
    await expect(ask("PATCH")).rejects.toMatchObject({ status: 0 });
    expect(server.requests.filter(({ method }) => method === "PATCH").length).toBe(1);
  });

  test("without credentials to show is none", async () => {
    const client = clientOf({
      get: () => Promise.reject(new CredentialError("the token file is empty")),
    });
    await expect(client.request("GET", SERVICES)).rejects.toMatchObject({
      name: "ApiError",
      status: 0,
      message: `GET ${SERVICES}: the token file is empty`,
    });
    expect(server.requests).toEqual([]);
  });
});

describe("credentials", () => {
  test("that are refused are made anew, once", async () => {
    server.put(SERVICES, { metadata: { name: "cart" } });
    server.refuse = ({ headers }) => (headers.authorization === "Bearer new" ? undefined : { status: 401 });
    const refused: (Credentials | undefined)[] = [];
    const old = { authorization: "Bearer old", tls: {} };
    const client = clientOf({
      get: async (one) => {
        refused.push(one);
        return one === undefined ? old : { authorization: "Bearer new", tls: {} };
      },
    });
    expect(await client.request("GET", `${SERVICES}/cart`)).toMatchObject({ metadata: { name: "cart" } });
    expect(refused).toEqual([undefined, old]);
  });

  test("that go on being refused are an error after the second try", async () => {
    server.refuse = () => ({ status: 401, reason: "Unauthorized" });
    await expect(clientOf().request("GET", SERVICES)).rejects.toMatchObject({ status: 401 });
    expect(server.requests.length).toBe(2);
  });

  test("of a new authority and a new client certificate need no restart", async () => {
    const [first, second] = [makeAuthority({ name: "first" }), makeAuthority({ name: "second" })];
    const secure = await Promise.all(
      [first, second].map((authority) => {
        const { chain, privateKey } = authority.issue({ ips: ["127.0.0.1"] });
        return ApiServerDouble.start({ cert: chain, key: privateKey, ca: authority.certificate });
      }),
    );
    let current = first;
    const get = async () => {
      const { chain, privateKey } = current.issue({ client: true, commonName: "limpet" });
      return { tls: { ca: current.certificate, cert: chain, key: privateKey } };
    };
    for (const [index, authority] of [first, second].entries()) {
      const double = secure[index] as ApiServerDouble;
      double.put(SERVICES, { metadata: { name: "cart" } });
      current = authority;
      const client = clientOf(NOBODY, {
        connection: {
          server: new URL(`https://127.0.0.1:${double.port}`),
          namespace: "",
          credentials: { get },
          origin: "",
        },
      });
      expect(await client.request("GET", `${SERVICES}/cart`)).toMatchObject({ metadata: { name: "cart" } });
      current = index === 0 ? second : first;
      await expect(client.request("GET", `${SERVICES}/cart`)).rejects.toMatchObject({ status: 0 });
      current = authority;
      expect(await client.request("GET", `${SERVICES}/cart`)).toMatchObject({ metadata: { name: "cart" } });
    }
    await Promise.all(secure.map((double) => double.stop()));
  });
});

describe("the server's certificate", () => {
  test.each([
    ["has the name that was asked for", { servername: "kubernetes" }, true],
    ["has another name", {}, false],
    ["is not to be verified", { rejectUnauthorized: false, ca: undefined } as const, true],
  ])("%s", async (_, tls, isTaken) => {
    const authority = makeAuthority({ name: "cluster" });
    const { chain, privateKey } = authority.issue({ names: ["kubernetes"] });
    const secure = await ApiServerDouble.start({ cert: chain, key: privateKey });
    secure.put(SERVICES, { metadata: { name: "cart" } });
    const credentials = { get: async () => ({ tls: { ca: authority.certificate, ...tls } as TlsSettings }) };
    const url = new URL(`https://127.0.0.1:${secure.port}`);
    const client = clientOf(NOBODY, { connection: { server: url, namespace: "", credentials, origin: "" } });
    const answer = client.request("GET", `${SERVICES}/cart`).then(
      () => true,
      (error) => {
        expect(error).toMatchObject({ status: 0, message: expect.stringContaining("does not match") });
        return false;
      },
    );
    expect(await answer).toBe(isTaken);
    await secure.stop();
  });
});

describe("a watch", () => {
  function watch(client: ApiClient, onEvent: (event: WatchEvent) => void): Promise<void> {
    const { signal } = new AbortController();
    return client.watch(SERVICES, { resourceVersion: "0" }, { onEvent, quietLimitMs: 60_000, signal });
  }

  test("tells events in order, wherever the pieces of their lines end, until the server ends it", async () => {
    server.serve(SERVICES);
    const names: string[] = [];
    const watched = watch(clientOf(), ({ object }) => names.push(object.metadata.name));
    await reached(() => server.watchers(SERVICES) === 1);
    const line = Buffer.from(
      `${JSON.stringify({ type: "ADDED", object: { metadata: { name: "ä€😀" } } })}\n`,
    );
    for (const byte of line) server.sendRaw(SERVICES, Buffer.of(byte));
    server.sendRaw(SERVICES, Buffer.concat([line, line]));
    await reached(() => names.length === 3);
    server.endWatches(SERVICES);
    await watched;
    expect(names).toEqual(["ä€😀", "ä€😀", "ä€😀"]);
  });

  test.each([
    ["its connection does", () => server.dropWatches(SERVICES), /aborted/],
    [
      "it ends within an event",
      () => {
        server.sendRaw(SERVICES, '{"type"');
        server.endWatches(SERVICES);
      },
      /broke off within an event/,
    ],
    ["what comes is no JSON", () => server.sendRaw(SERVICES, "<html>\n"), /no JSON/],
  ])("breaks where %s", async (_, act, message) => {
    server.serve(SERVICES);
    const told = expect(watch(clientOf(), () => {})).rejects.toMatchObject({
      status: 0,
      message: expect.stringMatching(message),
    });
    await reached(() => server.watchers(SERVICES) === 1);
    act();
    await told;
  });

  test("breaks where its listener throws", async () => {
    server.put(SERVICES, { metadata: { name: "cart" } });
    const mistake = () => {
      throw new RangeError("mine");
    };
    await expect(watch(clientOf(), mistake)).rejects.toThrow(RangeError);
    await reached(() => server.watchers(SERVICES) === 0);
  });

  test("that the server does not take up has the time of a request", async () => {
    const clock = new ManualClock();
    server.neglect = () => "silence";
    const told = expect(
      watch(clientOf(NOBODY, { clock, requestTimeoutMs: 3_000 }), () => {}),
    ).rejects.toMatchObject({
      status: 0,
      reason: "",
      message: expect.stringMatching(/no answer for 3000 ms/),
    });
    await reached(() => server.requests.length === 1);
    await clock.advance(3_000);
    await told;
  });

  test("breaks when nothing was heard for too long; each event begins the time anew", async () => {
    const clock = new ManualClock();
    server.serve(SERVICES);
    let events = 0;
    const watched = watch(clientOf(NOBODY, { clock }), () => {
      events += 1;
    });
    const told = expect(watched).rejects.toMatchObject({
      status: 0,
      reason: QUIET,
      message: expect.stringMatching(/silent for 60000 ms/),
    });
    await reached(() => server.watchers(SERVICES) === 1);
    await clock.advance(50_000);
    server.bookmark(SERVICES);
    await reached(() => events === 1);
    await clock.advance(50_000);
    server.bookmark(SERVICES);
    await reached(() => events === 2);
    await clock.advance(60_000);
    await told;
  });
});
