// What one translation takes over from the last: unchanged work, and the last good form of what is now in error.
import { describe, expect, test } from "vitest";
import { translate } from "./translate.ts";
import type { Resource } from "./translation.ts";
import { readResources } from "./yaml/read-resources.ts";

const GATEWAY = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: any, listeners: [{name: http, port: 8080, protocol: HTTP}]}
`;

function route(name: string, rule: string): string {
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}}
spec: {parentRefs: [{name: edge}], hostnames: [${name}.example.com], rules: [${rule}]}
`;
}

function service(name: string): string {
  return `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: 80}]}\n`;
}

function slice(name: string, address: string): string {
  return `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}-1, labels: {kubernetes.io/service-name: ${name}}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [${address}], conditions: {ready: true}}]
`;
}

const TO_A = "{backendRefs: [{name: a, port: 80}]}";
const TO_B = "{backendRefs: [{name: b, port: 80}]}";

function resources(...documents: string[]): Resource[] {
  return documents.flatMap((text) => [...readResources("f.yaml", text).resources]);
}

describe("memory", () => {
  const kept = resources(
    GATEWAY,
    route("one", TO_A),
    route("two", TO_B),
    service("a"),
    service("b"),
    slice("b", "10.0.0.2"),
  );
  const before = translate([...kept, ...resources(slice("a", "10.0.0.1"))]);

  test("nothing changed: the parts of the snapshot are the same objects", () => {
    const again = translate([...kept, ...resources(slice("a", "10.0.0.1"))], {}, before.memory);
    const same = translate(kept, {}, translate(kept).memory);
    expect(again.snapshot.routes).toBe(before.snapshot.routes);
    expect(again.snapshot.listeners).toBe(before.snapshot.listeners);
    expect(same.snapshot).toEqual(translate(kept).snapshot);
  });

  test("an EndpointSlice that changes touches its backend and nothing else", () => {
    const after = translate([...kept, ...resources(slice("a", "10.0.0.9"))], {}, before.memory);
    expect(after.snapshot.routes).toBe(before.snapshot.routes);
    expect(after.snapshot.listeners).toBe(before.snapshot.listeners);
    const [a, b] = after.snapshot.backends;
    expect(a?.endpoints.map(({ address }) => address)).toEqual(["10.0.0.9:8080"]);
    expect(b).toBe(before.snapshot.backends[1]);
  });

  test("a route that changes leaves the other routes alone", () => {
    const others = kept.filter(({ object }) => object.name !== "one");
    const after = translate([...others, ...resources(route("one", TO_B))], {}, before.memory);
    const [one, two] = after.snapshot.routes;
    expect(two).toBe(before.snapshot.routes[1]);
    expect(one).not.toBe(before.snapshot.routes[0]);
    expect(after.snapshot.backends.map(({ id }) => id)).toEqual(["Service/default/b:80"]);
  });

  test("with and without memory the answer is the same", () => {
    const next = [...resources(GATEWAY, route("two", TO_A), service("a"), slice("a", "10.0.0.3"))];
    const { memory: _, ...remembered } = translate(next, {}, before.memory);
    const { memory: __, ...fresh } = translate(next);
    expect(remembered).toEqual(fresh);
  });

  test("findings stay with their place when a file grows above them", () => {
    const text = service("a").replace("ports", "prots");
    const first = readResources("f.yaml", `${GATEWAY}---\n${text}`);
    const grown = readResources("f.yaml", `# one\n# two\n${GATEWAY}---\n${text}`, first.memory);
    const { findings } = translate(grown.resources, {}, translate(first.resources).memory);
    expect(findings[0]).toMatchObject({ code: "unknown-field", source: { line: 11 } });
  });
});

describe("a route in error", () => {
  const frame = resources(GATEWAY, service("a"));
  const good = translate([...frame, ...resources(route("one", TO_A))]);
  const broken = resources(route("one", "{backendRefs: [{name: a, port: eighty}]}"));

  test("keeps its last good form, and a finding says so", () => {
    const after = translate([...frame, ...broken], {}, good.memory);
    expect(after.snapshot.routes).toEqual(good.snapshot.routes);
    expect(after.findings.map(({ code }) => code)).toEqual(["invalid-value", "last-good-form"]);
    const later = translate([...frame, ...broken], {}, after.memory);
    expect(later.snapshot.routes).toEqual(good.snapshot.routes);
    expect(later.snapshot.routes[0]).toBe(after.snapshot.routes[0]);
  });

  test("is not accepted, although its last good form is served", () => {
    const { statuses } = translate([...frame, ...broken], {}, good.memory);
    const status = statuses.find(({ object }) => object.kind === "HTTPRoute");
    expect(status?.parents?.[0]?.conditions[0]).toMatchObject({
      status: "False",
      reason: "UnsupportedValue",
    });
    const gateway = statuses.find(({ object }) => object.kind === "Gateway");
    expect(gateway?.listeners?.[0]?.attachedRoutes).toBe(0);
  });

  test("without a last good form its rules answer 500 for what they match", () => {
    const { snapshot } = translate([...frame, ...broken]);
    expect(snapshot.routes[0]?.rules).toMatchObject([{ action: { kind: "respond", status: 500 } }]);
    expect(snapshot.routes[0]?.attachments[0]?.hostnames).toEqual(["one.example.com"]);
  });

  test("does not come back in its old form after it was removed", () => {
    const removed = translate(frame, {}, good.memory);
    const after = translate([...frame, ...broken], {}, removed.memory);
    expect(after.snapshot.routes[0]?.rules).toMatchObject([{ action: { status: 500 } }]);
  });

  test("does not come back in its old form where another one was made under its name", () => {
    const made = (uid: string, rule: string) =>
      resources(route("one", rule).replace("{name: one}", `{name: one, uid: ${uid}}`));
    const first = translate([...frame, ...made("u1", TO_A)]);
    const flaw = "{backendRefs: [{name: a, port: eighty}]}";
    const same = translate([...frame, ...made("u1", flaw)], {}, first.memory);
    expect(same.snapshot.routes).toEqual(first.snapshot.routes);
    const other = translate([...frame, ...made("u2", flaw)], {}, first.memory);
    expect(other.snapshot.routes[0]?.rules).toMatchObject([{ action: { status: 500 } }]);
  });

  test("takes no requests that its unreadable match or hostname did not ask for", () => {
    const match = resources(route("one", "{matches: [{path: {value: /x}, headers: [{name: 5, value: v}]}]}"));
    expect(translate([...frame, ...match]).snapshot.routes[0]?.rules).toEqual([]);
    const host = resources(route("one", TO_A).replace("[one.example.com]", "[ONE]"));
    expect(translate([...frame, ...host]).snapshot.routes).toEqual([]);
  });
});
