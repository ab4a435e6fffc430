// What a token is bound to stays: no rule that is inserted, and no other order of rules and routes, ends a session.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SessionPersistence } from "../model/index.ts";
import { translate } from "./translate.ts";
import { readResources } from "./yaml/read-resources.ts";

const GATEWAY = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: any, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: v1
kind: Service
metadata: {name: kept}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: {name: kept}
spec: {targetRefs: [{group: "", kind: Service, name: kept}], sessionPersistence: {sessionName: kept}}
---
apiVersion: v1
kind: Service
metadata: {name: carts}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: rooms}
spec:
  type: EndpointSelector
  port: {number: 80}
  endpointSelector: {matchLabels: {app: rooms}}
  sessionPersistence: {cookie: {}}
---
apiVersion: limpet.dev/v1alpha1
kind: AffinityPolicy
metadata: {name: edge}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]
  session: {cookie: {}}
`;

interface RuleSketch {
  readonly path: number;
  readonly named: boolean;
  readonly leadsTo: "own" | "kept" | "rooms" | "inherited";
}

const REFERENCES = {
  own: "{name: carts, port: 80}",
  kept: "{name: kept, port: 80}",
  rooms: "{group: gateway.networking.x-k8s.io, kind: XBackend, name: rooms}",
  inherited: "{name: carts, port: 80}",
};

const rules = fc.uniqueArray(
  fc.record<RuleSketch>({
    path: fc.nat(40),
    named: fc.boolean(),
    leadsTo: fc.constantFrom("own", "kept", "rooms", "inherited"),
  }),
  { minLength: 1, maxLength: 12, selector: ({ path }) => path },
);

function route(name: string, sketches: readonly RuleSketch[]): string {
  const texts = sketches.map(({ path, named, leadsTo }) => {
    const name = named ? `name: rule-${path}, ` : "";
    const session = leadsTo === "own" ? ", sessionPersistence: {cookieConfig: {}}" : "";
    return `{${name}matches: [{path: {value: /${path}}}], backendRefs: [${REFERENCES[leadsTo]}]${session}}`;
  });
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}}
spec: {parentRefs: [{name: edge}], rules: [${texts.join(", ")}]}
`;
}

/** The session that governs each rule, by route and path. */
function sessionsOf(
  routes: Readonly<Record<string, readonly RuleSketch[]>>,
): Map<string, SessionPersistence> {
  const texts = Object.entries(routes).map(([name, sketches]) => route(name, sketches));
  const { resources } = readResources("in.yaml", [GATEWAY, ...texts].join("---\n"));
  const { snapshot } = translate(resources, { sealTokens: true });
  const sessions = new Map<string, SessionPersistence>();
  for (const { id, rules } of snapshot.routes) {
    for (const { matches, action, session } of rules) {
      const own = action.kind === "forward" ? action.backends[0]?.session : undefined;
      sessions.set(`${id} ${matches[0]?.path.value}`, (own ?? session) as SessionPersistence);
    }
  }
  return sessions;
}

test("rules that are inserted, and rules in another order, change no scope and no name", () => {
  fc.assert(
    fc.property(
      rules.chain((all) =>
        fc.record({
          all: fc.shuffledSubarray(all, { minLength: all.length }),
          before: fc.shuffledSubarray(all, { minLength: 1 }),
        }),
      ),
      ({ all, before }) => {
        const was = sessionsOf({ shop: before });
        const is = sessionsOf({ another: all.slice(0, 2), shop: all });
        expect(was.size).toBe(before.length);
        for (const [place, { scope, carrier }] of was) {
          expect(is.get(place)?.scope).toBe(scope);
          expect(is.get(place)?.carrier.name).toBe(carrier.name);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("names that are made never collide: every rule that has a session of its own has a cookie of its own", () => {
  const sketches = Array.from({ length: 16 }, (_, path): RuleSketch => {
    return { path, named: path % 2 === 0, leadsTo: path < 8 ? "own" : "inherited" };
  });
  const routes = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`route-${index}`, sketches]));
  const sessions = [...sessionsOf(routes).values()];
  expect(sessions).toHaveLength(16 * 60);
  expect(new Set(sessions.map(({ carrier }) => carrier.name)).size).toBe(sessions.length);
  expect(new Set(sessions.map(({ scope }) => scope)).size).toBe(sessions.length);
});
