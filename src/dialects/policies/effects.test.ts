// Settings of several policies at one target, and at its parts, combine field by field.
import { expect, test } from "vitest";
import type { ObjectRef } from "../../model/index.ts";
import type { Attachment, Effect, PolicyTarget } from "./attachment.ts";
import { decideEffects } from "./effects.ts";

const service: ObjectRef = { group: "", kind: "Service", namespace: "default", name: "carts" };
const everywhere = () => true;

function attachment(name: string, target: PolicyTarget, effect: Effect): Attachment {
  const policy = { group: "example.com", kind: "Policy", namespace: "default", name };
  return { policy, target, targetPath: ["spec", "targetRef"], effect };
}

function settings(value: Extract<Effect, { kind: "backendSettings" }>["settings"]): Effect {
  return { kind: "backendSettings", settings: value };
}

test("policies that say different things of one backend are both in force", () => {
  const { effects, findings } = decideEffects(
    [
      attachment("a", { object: service }, settings({ connectTimeoutMs: 1000 })),
      attachment("b", { object: service }, settings({ proxyProtocol: "v2" })),
    ],
    everywhere,
  );
  expect(effects.combine("backendSettings", [{ object: service }])).toEqual({
    connectTimeoutMs: 1000,
    proxyProtocol: "v2",
  });
  expect(findings).toEqual([]);
});

test("of a field that two policies set the older one's counts, and the other is told", () => {
  const { effects, findings, verdicts } = decideEffects(
    [
      attachment("b", { object: service }, settings({ connectTimeoutMs: 2000, idleTimeoutMs: 5000 })),
      attachment("a", { object: service }, settings({ connectTimeoutMs: 1000 })),
    ],
    everywhere,
  );
  expect(effects.combine("backendSettings", [{ object: service }])).toEqual({
    connectTimeoutMs: 1000,
    idleTimeoutMs: 5000,
  });
  expect(findings.map(({ code, object, message }) => [code, object.name, message])).toEqual([
    [
      "policy-conflict",
      "b",
      "Policy/default/a is older and already applies to Service/default/carts with connectTimeoutMs",
    ],
  ]);
  const reasons = verdicts.map(({ object, targets }) => [object.name, targets[0]?.conditions[0]?.reason]);
  expect(reasons).toEqual([
    ["a", "Accepted"],
    ["b", "Conflicted"],
  ]);
});

test("what is said of a port beats what is said of the Service, field by field", () => {
  const port = { object: service, port: 80 };
  const { effects } = decideEffects(
    [
      attachment("a", { object: service }, settings({ connectTimeoutMs: 1000, proxyProtocol: "v1" })),
      attachment("b", port, settings({ connectTimeoutMs: 2000 })),
    ],
    everywhere,
  );
  const both = effects.combine("backendSettings", [port, { object: service }]);
  expect(both).toEqual({ connectTimeoutMs: 2000, proxyProtocol: "v1" });
  // By identity memory tells whether anything changed.
  expect(effects.combine("backendSettings", [port, { object: service }])).toBe(both);
});

test("timeouts and retries of a route combine likewise", () => {
  const route: ObjectRef = {
    group: "gateway.networking.k8s.io",
    kind: "HTTPRoute",
    namespace: "default",
    name: "shop",
  };
  const retry = {
    attempts: 1,
    statusCodes: [503],
    onConnectionError: true,
    onTimeout: false,
    baseBackoffMs: 25,
    maxBackoffMs: 250,
  };
  const { effects } = decideEffects(
    [
      attachment("a", { object: route }, { kind: "routeSettings", timeouts: { requestMs: 1000 } }),
      attachment("b", { object: route }, { kind: "routeSettings", retry }),
    ],
    everywhere,
  );
  expect(effects.combine("routeSettings", [{ object: route }])).toEqual({
    timeouts: { requestMs: 1000 },
    retry,
  });
});
