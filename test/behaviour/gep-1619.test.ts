// The test plan of GEP-1619 (session persistence), as far as it is about HTTP: a gateway, pods, and clients with cookies.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Replicas, startReplicas } from "../../src/demo/replicas.ts";
import { chiSquareOf } from "../support/chi-square.ts";
import { type ClientAnswer, cookiePair, send } from "../support/client.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { gatewayYaml, serviceYaml } from "../support/manifests.ts";

/** What the plan asks for, at least. */
const FOLLOW_UPS = 50;
/** Chance goes beyond it once in two million runs, with one degree of freedom. */
const CHI_SQUARE_LIMIT = 25;

/** Two backends of two pods each. */
const BACKENDS = ["blue", "green"] as const;

const TO_BLUE = "[{name: blue, port: 80}]";
const SPLIT = "[{name: blue, port: 80, weight: 70}, {name: green, port: 80, weight: 30}]";
const toXBackends = (...references: readonly (readonly [name: string, weight: number])[]) =>
  `[${references
    .map(
      ([name, weight]) =>
        `{group: gateway.networking.x-k8s.io, kind: XBackend, name: ${name}, weight: ${weight}}`,
    )
    .join(", ")}]`;

const PERMANENT = "absoluteTimeout: 5m";

/** Host -> backendRefs and sessionPersistence. */
const ROUTES: Readonly<Record<string, readonly [backends: string, session: string | undefined]>> = {
  "cookie-1-6": [TO_BLUE, "{sessionName: home}"],
  "cookie-1-7": [TO_BLUE, "{type: Cookie, cookie: {name: home}}"],
  "cookie-x": [toXBackends(["named-blue", 1]), undefined],
  "permanent-1-6": [TO_BLUE, `{sessionName: home, ${PERMANENT}, cookieConfig: {lifetimeType: Permanent}}`],
  "permanent-1-7": [TO_BLUE, `{${PERMANENT}, cookie: {name: home, lifetimeType: Permanent}}`],
  "session-with-timeout": [TO_BLUE, `{sessionName: home, ${PERMANENT}}`],
  "header-1-6": [TO_BLUE, "{sessionName: x-home, type: Header}"],
  "header-1-7": [TO_BLUE, "{type: Header, header: {name: x-home}}"],
  "split-1-6": [SPLIT, "{sessionName: home}"],
  "split-x": [toXBackends(["own-blue", 70], ["own-green", 30]), undefined],
};

const routesYaml = Object.entries(ROUTES).map(
  ([host, [backends, session]]) => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${host}}
spec:
  parentRefs: [{name: edge}]
  hostnames: [${host}.example]
  rules:
    - backendRefs: ${backends}
      ${session === undefined ? "" : `sessionPersistence: ${session}`}
`,
);

const TWO_RULES = `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: two-rules}
spec:
  parentRefs: [{name: edge}]
  hostnames: [two-rules.example]
  rules:
    - matches: [{path: {value: /anything/a}}]
      backendRefs: ${TO_BLUE}
      sessionPersistence: {sessionName: a}
    - matches: [{path: {value: /anything/b}}]
      backendRefs: ${TO_BLUE}
      sessionPersistence: {sessionName: b}
`;

function xBackendYaml(name: string, app: string, port: number, cookie: string): string {
  return `---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: ${name}}
spec:
  type: EndpointSelector
  port: {number: ${port}}
  endpointSelector: {matchLabels: {app: ${app}}}
  sessionPersistence: {cookie: ${cookie}}
`;
}

/** The pods 127.0.NET.1 and .2, the Service of their name, and two XBackends over them: own-NAME and named-NAME. */
function backendYaml(name: string, net: number, port: number): string {
  const pods = [1, 2].map(
    (last) => `---
apiVersion: v1
kind: Pod
metadata: {name: ${name}-${last}, uid: uid-${name}-${last}, labels: {app: ${name}}}
status: {podIP: 127.0.${net}.${last}, conditions: [{type: Ready, status: "True"}]}
`,
  );
  const endpoints = [1, 2].map(
    (last) =>
      `{addresses: [127.0.${net}.${last}], targetRef: {kind: Pod, name: ${name}-${last}, uid: uid-${name}-${last}}}`,
  );
  return [
    serviceYaml(name, [port], () => `[${endpoints.join(", ")}]`),
    ...pods,
    xBackendYaml(`own-${name}`, name, port, "{}"),
    xBackendYaml(`named-${name}`, name, port, "{name: home}"),
  ].join("");
}

let port = 0;
let gateway: Gateway;
let pods: Replicas[] = [];

beforeAll(async () => {
  const podPort = await freePort();
  const places = BACKENDS.flatMap((name, net) =>
    [1, 2].map((last) => [`${name}-${last}`, `127.0.${net + 1}.${last}`]),
  );
  pods = await Promise.all(
    places.map(([name = "", host = ""]) => startReplicas({ count: 1, host, ports: [podPort], name })),
  );
  port = await freePort();
  const files = {
    "gateway.yaml": gatewayYaml({ port }),
    "backends.yaml": BACKENDS.map((name, net) => backendYaml(name, net + 1, podPort)).join(""),
    "routes.yaml": [...routesYaml, TWO_RULES].join(""),
  };
  gateway = await startGateway({ files, args: ["--access-log", "off"] });
});

afterAll(async () => {
  await gateway?.stop();
  await Promise.all(pods.map(({ stop }) => stop()));
});

function ask(host: string, headers: Record<string, string> = {}, path = "/get"): Promise<ClientAnswer> {
  return send(port, { path, headers: { host: `${host}.example`, ...headers } });
}

async function askOften(
  host: string,
  count: number,
  headers?: Record<string, string>,
): Promise<ClientAnswer[]> {
  const answers: ClientAnswer[] = [];
  for (let i = 0; i < count; i++) answers.push(await ask(host, headers));
  return answers;
}

/** The pods that answered, without repetition, and what was set by the way. */
function summaryOf(answers: readonly ClientAnswer[]) {
  return {
    pods: [...new Set(answers.map(({ replica }) => replica))],
    set: answers.flatMap(({ setCookie }) => setCookie),
  };
}

/** A client that keeps cookies by name, as browsers do. */
class Jar {
  readonly #cookies = new Map<string, string>();
  readonly #host: string;

  constructor(host: string) {
    this.#host = host;
  }

  async ask(path?: string): Promise<ClientAnswer> {
    const pairs = [...this.#cookies].map(([name, value]) => `${name}=${value}`);
    const answer = await ask(this.#host, pairs.length === 0 ? {} : { cookie: pairs.join("; ") }, path);
    for (const line of answer.setCookie) {
      const pair = cookiePair(line);
      const equals = pair.indexOf("=");
      this.#cookies.set(pair.slice(0, equals), pair.slice(equals + 1));
    }
    return answer;
  }
}

describe("a cookie", () => {
  test.each([
    ["of the shape up to 1.6", "cookie-1-6"],
    ["of the shape of 1.7", "cookie-1-7"],
    ["of an XBackend", "cookie-x"],
  ])(
    "%s comes with the first response, for as long as the browser runs, and brings 50 requests to one pod",
    async (_, host) => {
      const first = await ask(host);
      expect(first.setCookie).toHaveLength(1);
      expect(first.setCookie[0]).toMatch(/^home=/);
      expect(first.setCookie[0]).not.toMatch(/max-age|expires/i);
      const answers = await askOften(host, FOLLOW_UPS, { cookie: cookiePair(first.setCookie[0]) });
      expect(summaryOf(answers)).toEqual({ pods: [first.replica], set: [] });
    },
  );

  test.each(["permanent-1-6", "permanent-1-7"])(
    "that is permanent says when it ends, 5 minutes from now: %s",
    async (host) => {
      const first = await ask(host);
      expect(first.setCookie[0]).toMatch(/; Max-Age=300;/);
      const answers = await askOften(host, FOLLOW_UPS, { cookie: cookiePair(first.setCookie[0]) });
      expect(summaryOf(answers)).toEqual({ pods: [first.replica], set: [] });
    },
  );

  test("whose session has an absolute timeout tells the browser nothing of it", async () => {
    expect((await ask("session-with-timeout")).setCookie[0]).not.toMatch(/max-age|expires/i);
  });

  test("belongs to its rule: two paths are two sessions", async () => {
    const jar = new Jar("two-rules");
    const firsts = [await jar.ask("/anything/a"), await jar.ask("/anything/b")];
    expect(firsts.map(({ setCookie }) => cookiePair(setCookie[0]).split("=")[0])).toEqual(["a", "b"]);
    for (let i = 0; i < FOLLOW_UPS / 2; i++) {
      const again = [await jar.ask("/anything/a"), await jar.ask("/anything/b")];
      expect(again.map(({ replica }) => replica)).toEqual(firsts.map(({ replica }) => replica));
      expect(again.flatMap(({ setCookie }) => setCookie)).toEqual([]);
    }
  });
});

test.each(["header-1-6", "header-1-7"])(
  "a header comes with the first response, and brings 50 requests to one pod: %s",
  async (host) => {
    const first = await ask(host);
    const token = first.headers["x-home"] as string;
    expect(token).toBeTruthy();
    const answers = await askOften(host, FOLLOW_UPS, { "x-home": token });
    expect(summaryOf(answers).pods).toEqual([first.replica]);
  },
);

describe("weights of 70 and 30", () => {
  const backendOf = ({ replica }: ClientAnswer) => replica?.split("-")[0];
  const countsOf = (answers: readonly ClientAnswer[]) =>
    BACKENDS.map((name) => answers.filter((answer) => backendOf(answer) === name).length);

  test("share out new sessions, which then stay whatever the weights, in the shape up to 1.6", async () => {
    const firsts = await askOften("split-1-6", 200);
    expect(chiSquareOf(countsOf(firsts), [70, 30])).toBeLessThan(CHI_SQUARE_LIMIT);
    for (const name of BACKENDS) {
      const first = firsts.find((answer) => backendOf(answer) === name) as ClientAnswer;
      const answers = await askOften("split-1-6", FOLLOW_UPS, { cookie: cookiePair(first.setCookie[0]) });
      expect(summaryOf(answers)).toEqual({ pods: [first.replica], set: [] });
    }
  });

  test("hold for the requests of one client too, in the shape of 1.7, and each backend has its own pod for it", async () => {
    const jar = new Jar("split-x");
    const answers: ClientAnswer[] = [];
    for (let i = 0; i < 200; i++) answers.push(await jar.ask());
    expect(chiSquareOf(countsOf(answers), [70, 30])).toBeLessThan(CHI_SQUARE_LIMIT);
    const backends = summaryOf(answers).pods.map((pod) => pod?.split("-")[0]);
    expect(backends.toSorted()).toEqual([...BACKENDS]);
  });
});
