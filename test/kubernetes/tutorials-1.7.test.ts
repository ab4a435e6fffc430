// The tutorials on sessionPersistence told anew for Gateway API 1.7: in routes as that writes it, and in XBackends, where it belongs.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { playCookie, playHeader } from "./envoy-gateway-shell.ts";
import { echo, httpbin } from "./tutorial-applications.ts";
import { homeOf, TutorialStage } from "./tutorial-stage.ts";

let stage: TutorialStage;

beforeAll(async () => {
  stage = await TutorialStage.open({ tutorials: [], gatewayApi: "1.7.0", classes: ["kgateway", "eg"] });
}, 600_000);

afterAll(() => stage?.close());

describe("kgateway's", () => {
  const LOGS = { namespace: "httpbin", app: "httpbin", text: '"GET /headers' };
  let address: string;

  const get = (args: string) =>
    `curl -si ${args} -k http://${address}:8080/headers -H "host: www.example.com:8080"`;
  /** One that begins a session, and ten of it. */
  const eleven = () =>
    `${get("-c cookie-jar")} >/dev/null; for i in {1..10}; do ${get("-b cookie-jar")} >/dev/null; done`;

  beforeAll(async () => {
    await stage.prepare(["kgateway-system", "httpbin"], httpbin("httpbin"));
    await stage.apply("kgateway-session-persistence", "gateway.yaml");
    address = await stage.address("http", "kgateway-system");
    await stage.shell(`
      kubectl scale deployment httpbin -n httpbin --replicas=2
      kubectl rollout status deployment httpbin -n httpbin --timeout=120s`);
  });

  const keepsItsPod = async () => {
    const cookie = /^set-cookie: Session-A=\S+; Max-Age=1800; Path=\/; SameSite=Lax; HttpOnly\r$/m;
    await stage.eventually(get(""), (answer) => cookie.test(answer));
    await homeOf(stage, LOGS, eleven(), 11);
  };

  test("in a route: the cookie keeps its pod, and the route says where a session belongs", async () => {
    await stage.apply("kgateway-session-persistence", "gateway-api-1.7.yaml");
    await stage.accepted("httproute", "httpbin", "httpbin");
    await keepsItsPod();
    const told = await stage.shell(
      "kubectl get httproute httpbin -n httpbin -o jsonpath='{.status.parents[0].conditions[*].message}'",
    );
    expect(told).toContain("expected sessionPersistence in the spec of an XBackend");
  });

  test("in an XBackend: the cookie keeps its pod, and nobody has anything to say", async () => {
    await stage.applyText(`
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: httpbin, namespace: httpbin}
spec:
  type: EndpointSelector
  port: {number: 8080}
  endpointSelector: {matchLabels: {app: httpbin}}
  sessionPersistence:
    absoluteTimeout: 30m
    cookie: {name: Session-A, lifetimeType: Permanent}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: httpbin, namespace: httpbin}
spec:
  parentRefs: [{name: http, namespace: kgateway-system}]
  hostnames: [www.example.com]
  rules:
    - backendRefs: [{group: gateway.networking.x-k8s.io, kind: XBackend, name: httpbin}]
`);
    await stage.accepted("httproute", "httpbin", "httpbin");
    await stage.accepted("xbackend", "httpbin", "httpbin");
    await keepsItsPod();
    const told = await stage.shell(
      "kubectl get httproute httpbin -n httpbin -o jsonpath='{.status.parents[0].conditions[*].message}'",
    );
    expect(told).not.toContain("expected");
  });
});

describe("Envoy Gateway's", () => {
  let address: string;

  const distinct = (lines: readonly string[]) => new Set(lines).size;
  const session = {
    cookie: "{absoluteTimeout: 10s, cookie: {name: Session-A, lifetimeType: Permanent}}",
    header: "{type: Header, absoluteTimeout: 10s, header: {name: Session-A}}",
  };

  const inRoute = (text: string) => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: backend}
spec:
  parentRefs: [{name: eg}]
  rules:
    - backendRefs: [{name: backend, port: 3000}]
      sessionPersistence: ${text}
`;
  const inBackend = (text: string) => `
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: backend}
spec:
  type: EndpointSelector
  port: {number: 3000}
  endpointSelector: {matchLabels: {app: backend}}
  sessionPersistence: ${text}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: backend}
spec:
  parentRefs: [{name: eg}]
  rules: [{backendRefs: [{group: gateway.networking.x-k8s.io, kind: XBackend, name: backend}]}]
`;

  beforeAll(async () => {
    await stage.prepare(["default"], echo("default"));
    await stage.apply("envoy-gateway-session-persistence", "gateway.yaml");
    address = `${await stage.address("eg", "default")}:8080`;
    await stage.shell(`
      kubectl patch deployment backend -n default -p '{"spec": {"replicas": 4}}'
      kubectl rollout status deployment backend --timeout=120s`);
  });

  test.each([
    ["in a route, cookie", inRoute(session.cookie), playCookie],
    ["in a route, header", inRoute(session.header), playHeader],
    ["in an XBackend, cookie", inBackend(session.cookie), playCookie],
    ["in an XBackend, header", inBackend(session.header), playHeader],
  ])(
    "%s: all responses are from the same pod, and of others without the session",
    async (_, manifest, play) => {
      await stage.applyText(manifest);
      await stage.accepted("httproute", "backend", "default");
      const { during, after } = await play(stage, address);
      expect(during).toHaveLength(5);
      expect(distinct(during)).toBe(1);
      expect(after).toHaveLength(30);
      expect(distinct(after)).toBeGreaterThan(1);
    },
  );
});
