// The one order of precedence, pair by pair: wherever two objects speak, the one that is asked first has the say.
import { describe, expect, test } from "vitest";
import { translate } from "../translate.ts";
import { readResources } from "../yaml/read-resources.ts";
import { STANDINGS, type Standing } from "./precedence.ts";

/** Where policies are attached: a `targetRef` for each place. */
const TARGETS = {
  rule: "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop, sectionName: carts}",
  route: "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}",
  "backend's port": '{group: "", kind: Service, name: carts, sectionName: http}',
  backend: '{group: "", kind: Service, name: carts}',
  listener: "{group: gateway.networking.k8s.io, kind: ListenerSet, name: more, sectionName: http}",
  ListenerSet: "{group: gateway.networking.k8s.io, kind: ListenerSet, name: more}",
  Gateway: "{group: gateway.networking.k8s.io, kind: Gateway, name: edge}",
} as const;
const XBACKEND = "{group: gateway.networking.x-k8s.io, kind: XBackend, name: carts}";

type Place = keyof typeof TARGETS;

/** Undefined: it is no policy that speaks, but an object of itself. */
function policyAt(
  standing: Standing,
): { readonly isAffinityPolicy: boolean; readonly place: Place } | undefined {
  const [who, place] = standing.split(" at the ");
  return place === undefined
    ? undefined
    : { isAffinityPolicy: who === "an AffinityPolicy", place: place as Place };
}

interface Case {
  /** What the backendRef names. */
  readonly backend: "Service" | "XBackend" | "Upstream";
  readonly standings: readonly Standing[];
}

function object(apiVersion: string, kind: string, name: string, spec: string): string {
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
}

function affinityPolicy(name: string, target: string, says: string): string {
  return object("limpet.dev/v1alpha1", "AffinityPolicy", name, `{targetRefs: [${target}], ${says}}`);
}

function common(
  backend: Case["backend"],
  ownSession: string,
  xBackendSession: string,
  balancer: string,
): string[] {
  const ref =
    backend === "Service"
      ? "{name: carts, port: 80}"
      : backend === "XBackend"
        ? "{group: gateway.networking.x-k8s.io, kind: XBackend, name: carts}"
        : "{group: gloo.solo.io, kind: Upstream, name: carts}";
  const listeners = "[{name: http, port: 80, protocol: HTTP}]";
  return [
    object(
      "gateway.networking.k8s.io/v1",
      "Gateway",
      "edge",
      `{gatewayClassName: any, listeners: ${listeners}, allowedListeners: {namespaces: {from: Same}}}`,
    ),
    object(
      "gateway.networking.k8s.io/v1",
      "ListenerSet",
      "more",
      "{parentRef: {name: edge}, listeners: [{name: http, port: 81, protocol: HTTP}]}",
    ),
    object(
      "gateway.networking.k8s.io/v1",
      "HTTPRoute",
      "shop",
      `{parentRefs: [{kind: ListenerSet, name: more}], rules: [{name: carts, backendRefs: [${ref}]${ownSession}}]}`,
    ),
    object("v1", "Service", "carts", "{ports: [{name: http, port: 80}]}"),
    object(
      "gateway.networking.x-k8s.io/v1alpha1",
      "XBackend",
      "carts",
      `{type: EndpointSelector, port: {number: 80}, endpointSelector: {matchLabels: {app: carts}}${xBackendSession}}`,
    ),
    object(
      "gloo.solo.io/v1",
      "Upstream",
      "carts",
      `{static: {hosts: [{addr: 10.0.0.1, port: 80}]}${balancer}}`,
    ),
  ];
}

function translated(documents: readonly string[]) {
  const { resources } = readResources("in.yaml", documents.join("---\n"));
  const { snapshot, findings } = translate(resources);
  const errors = findings.filter(({ severity }) => severity === "error");
  expect(errors).toEqual([]);
  const rule = snapshot.routes[0]?.rules[0];
  const reference = rule?.action.kind === "forward" ? rule.action.backends[0] : undefined;
  const backend = snapshot.backends.find(({ id }) => id === reference?.backend);
  const overridden = findings.filter(({ code }) => code === "overridden");
  return { rule, reference, backend, overridden };
}

function pairs<T>(all: readonly T[]): [T, T][] {
  return all.flatMap((first, index) => all.slice(index + 1).map((second): [T, T] => [first, second]));
}

describe("sessions", () => {
  const nameOf = (standing: Standing) => `s${STANDINGS.indexOf(standing)}`;

  /** The object that speaks at this place, under a name that tells it from the others. */
  function speaker(standing: Standing, backend: Case["backend"]): string {
    const policy = policyAt(standing);
    if (policy === undefined) return "";
    const { isAffinityPolicy, place } = policy;
    const name = nameOf(standing);
    const target = place === "backend" && backend === "XBackend" ? XBACKEND : TARGETS[place];
    if (isAffinityPolicy) return affinityPolicy(name, target, `session: {cookie: {name: ${name}}}`);
    switch (place) {
      case "backend":
        return object(
          "gateway.networking.x-k8s.io/v1alpha1",
          "XBackendTrafficPolicy",
          name,
          `{targetRefs: [${target}], sessionPersistence: {sessionName: ${name}}}`,
        );
      case "listener":
      case "ListenerSet":
      case "Gateway":
        return object(
          "gateway.solo.io/v1",
          "HttpListenerOption",
          name,
          `{targetRefs: [${target}], options: {statefulSession: {cookieBased: {cookie: {name: ${name}}}}}}`,
        );
      default:
        return "";
    }
  }

  const everywhere = STANDINGS.filter((standing) => speaker(standing, "Service") !== "");
  const own = "the session of the rule itself";
  const ofXBackend = "the session of the XBackend itself";
  const cases: Case[] = [
    { backend: "Service", standings: STANDINGS.filter((one) => everywhere.includes(one) || one === own) },
    {
      backend: "XBackend",
      standings: STANDINGS.filter(
        (one) => one === ofXBackend || one === own || (everywhere.includes(one) && !one.includes("port")),
      ),
    },
  ];
  const all = cases.flatMap(({ backend, standings }) =>
    pairs(standings).map(([winner, loser]) => ({ backend, winner, loser })),
  );

  test.each(all)("$backend: $winner goes before $loser", ({ backend, winner, loser }) => {
    const both = [winner, loser];
    const ownSession = both.includes(own) ? `, sessionPersistence: {sessionName: ${nameOf(own)}}` : "";
    const xSession = both.includes(ofXBackend)
      ? `, sessionPersistence: {cookie: {name: ${nameOf(ofXBackend)}}}`
      : "";
    const { rule, reference, overridden } = translated([
      ...common(backend, ownSession, xSession, ""),
      // The loser first, so that no order of reading could be meant.
      ...[loser, winner].map((one) => speaker(one, backend)).filter((text) => text !== ""),
    ]);
    const session = reference?.session ?? rule?.session;
    expect(session?.carrier.name).toBe(nameOf(winner));
    expect(session?.origin?.overrides).toHaveLength(1);
    expect(overridden.map(({ message }) => message)).toEqual([
      expect.stringContaining(`${winner} goes before ${loser}`),
    ]);
  });

  test("there are pairs of all places where a dialect can declare a session", () => {
    expect(all.length).toBeGreaterThan(70);
  });
});

describe("balancing", () => {
  const size = (standing: Standing) => 101 + STANDINGS.indexOf(standing);
  const own = "the balancer of the backend itself";

  function speaker(standing: Standing): string {
    const policy = policyAt(standing);
    if (policy === undefined) return "";
    const { isAffinityPolicy, place } = policy;
    const name = `b${STANDINGS.indexOf(standing)}`;
    const target = TARGETS[place];
    if (isAffinityPolicy) {
      const hash = `{algorithm: ring, ring: {minimumSize: ${size(standing)}}, keys: [{header: x-user}]}`;
      return affinityPolicy(name, target, `hash: ${hash}`);
    }
    const ring = `{minimumRingSize: ${size(standing)}}`;
    switch (place) {
      case "backend's port": {
        const port = `{port: {number: 80}, loadBalancer: {consistentHash: {httpHeaderName: x-user, ringHash: ${ring}}}}`;
        const spec = `{host: carts, trafficPolicy: {portLevelSettings: [${port}]}}`;
        return object("networking.istio.io/v1", "DestinationRule", name, spec);
      }
      case "backend":
        return object(
          "gateway.kgateway.dev/v1alpha1",
          "BackendConfigPolicy",
          name,
          `{targetRefs: [${target}], loadBalancer: {ringHash: ${ring}}}`,
        );
      default:
        return object(
          "gateway.envoyproxy.io/v1alpha1",
          "BackendTrafficPolicy",
          name,
          `{targetRefs: [${target}], loadBalancer: {type: Random}}`,
        );
    }
  }

  const policies = STANDINGS.filter((standing) => speaker(standing) !== "");
  const atRoutes = policies.filter((standing) => !standing.includes("backend"));
  const all = [
    ...pairs(policies).map(([winner, loser]) => ({ backend: "Service" as const, winner, loser })),
    ...pairs(STANDINGS.filter((one) => one === own || atRoutes.includes(one)))
      .filter((pair) => pair.includes(own))
      .map(([winner, loser]) => ({ backend: "Upstream" as const, winner, loser })),
  ];

  test.each(all)("$backend: $winner goes before $loser", ({ backend, winner, loser }) => {
    const balancer = `, loadBalancerConfig: {ringHash: {ringHashConfig: {minimumRingSize: ${size(own)}}}}`;
    const documents = [loser, winner].map(speaker).filter((text) => text !== "");
    const served = translated([...common(backend, "", "", balancer), ...documents]);
    const inForce = served.reference?.loadBalancer ?? served.backend?.loadBalancer;
    const isEnvoyGateway = winner.startsWith("any other") && !winner.includes("backend");
    if (isEnvoyGateway) expect(inForce).toEqual({ kind: "random" });
    else expect(inForce).toMatchObject({ kind: "ringHash", minimumSize: size(winner) });
    expect(served.overridden.map(({ message }) => message)).toEqual([
      expect.stringContaining(`${winner} goes before ${loser}`),
    ]);
  });

  test("there are pairs of all places where a dialect can declare a balancer", () => {
    expect(all.length).toBeGreaterThan(70);
  });
});
