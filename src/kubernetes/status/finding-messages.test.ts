// Where findings are told, in which words, and what becomes of more of them than fit.
import { expect, test } from "vitest";
import type { Condition, Finding, ObjectStatus } from "../../model/index.ts";
import { findingLine, tellFindings } from "./finding-messages.ts";

const OBJECT = { group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "shop", name: "edge" };
const ACCEPTED: Condition = { type: "Accepted", status: "True", reason: "Accepted", message: "It is served" };
const RESOLVED: Condition = {
  type: "ResolvedRefs",
  status: "True",
  reason: "ResolvedRefs",
  message: "All lead somewhere",
};

function finding(over: Partial<Finding> = {}): Finding {
  const text = { message: "it has no effect", expected: "nothing", hint: "remove it" };
  return { code: "field-ignored", severity: "warning", path: "spec.field", ...text, ...over };
}

function messages(conditions: readonly Condition[] | undefined): Record<string, string> {
  return Object.fromEntries((conditions ?? []).map(({ type, message }) => [type, message]));
}

function told(
  findings: readonly Finding[],
  over: Partial<ObjectStatus> = {},
  written: unknown = {},
): ObjectStatus {
  return tellFindings({ object: OBJECT, conditions: [ACCEPTED, RESOLVED], ...over }, findings, written);
}

test("a line has the field, what is wrong, what would be right and what to write", () => {
  expect(findingLine(finding())).toBe("spec.field: it has no effect (expected nothing; remove it)");
  expect(findingLine(finding({ path: "", expected: "", hint: "" }))).toBe("it has no effect");
});

test("without findings a status is what it was", () => {
  const status = { object: OBJECT, conditions: [ACCEPTED] };
  expect(tellFindings(status, [], {})).toBe(status);
});

test("what is wrong with a reference is told where references are judged, all else at Accepted", () => {
  const conditions = told([finding(), finding({ code: "invalid-reference", path: "spec.ref" })]).conditions;
  expect(messages(conditions)).toEqual({
    Accepted: "It is served\nspec.field: it has no effect (expected nothing; remove it)",
    ResolvedRefs: "All lead somewhere\nspec.ref: it has no effect (expected nothing; remove it)",
  });
});

test.each(["it has no effect", "it has no effect: remove it", "no effect"])(
  "a condition that says the same in short (%s) says it in full",
  (message) => {
    const refused: Condition = { ...ACCEPTED, status: "False", message };
    expect(messages(told([finding()], { conditions: [refused, RESOLVED] }).conditions)).toEqual({
      Accepted: "spec.field: it has no effect (expected nothing; remove it)",
      ResolvedRefs: "All lead somewhere",
    });
  },
);

test("errors come before warnings, and those before the rest", () => {
  const findings = (["info", "warning", "error"] as const).map((severity) =>
    finding({ severity, path: severity }),
  );
  const lines = messages(told(findings).conditions)
    ["Accepted"]?.split("\n")
    .map((line) => line.split(":")[0]);
  expect(lines).toEqual(["It is served", "error", "warning", "info"]);
});

test("what is wrong with a listener is told at the listener, as long as there is one", () => {
  const written = { spec: { listeners: [{ name: "http" }, { name: "https" }] } };
  const listeners = ["https", "http"].map((name) => {
    return { name, attachedRoutes: 0, supportedKinds: [], conditions: [ACCEPTED] };
  });
  const about = finding({ path: "spec.listeners[1].tls" });
  const status = told([about], { listeners }, written);
  expect(messages(status.conditions)["Accepted"]).toBe("It is served");
  expect(messages(status.listeners?.[0]?.conditions)["Accepted"]).toContain(
    "spec.listeners[1].tls: it has no effect",
  );
  expect(messages(status.listeners?.[1]?.conditions)["Accepted"]).toBe("It is served");
  expect(messages(told([about], { listeners: [] }, written).conditions)["Accepted"]).toContain(
    "spec.listeners[1].tls",
  );
});

test("more than fits is counted, and no line is cut", () => {
  const findings = Array.from({ length: 500 }, (_, index) =>
    finding({ path: `spec.rules[${index}]`, hint: "x".repeat(100) }),
  );
  const message = messages(told(findings).conditions)["Accepted"] ?? "";
  expect(message.length).toBeLessThanOrEqual(32_768);
  const lines = message.split("\n");
  expect(lines.slice(1, -1)).toEqual(findings.slice(0, lines.length - 2).map(findingLine));
  expect(lines.at(-1)).toBe(`and ${500 - (lines.length - 2)} more; see limpet validate`);
  expect(lines.length).toBeGreaterThan(200);
});

test("an object of many parts stays small enough for one object of etcd", () => {
  const listeners = Array.from({ length: 64 }, (_, index) => {
    return { name: `l${index}`, attachedRoutes: 0, supportedKinds: [], conditions: [ACCEPTED] };
  });
  const written = { spec: { listeners: listeners.map(({ name }) => ({ name })) } };
  const findings = listeners.flatMap((_, index) => {
    return Array.from({ length: 50 }, () =>
      finding({ path: `spec.listeners[${index}]`, hint: "x".repeat(1000) }),
    );
  });
  const size = JSON.stringify(told(findings, { listeners }, written).listeners).length;
  expect(size).toBeGreaterThan(200_000);
  expect(size).toBeLessThan(400_000);
});
