// What changes in the status of an object, and what stays as it is: of others nothing is ever lost.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { merged } from "../../../test/support/cluster-double.ts";
import type { Condition, Finding, ObjectStatus, ParentStatus } from "../../model/index.ts";
import type { KubernetesObject } from "../api/client.ts";
import type { JsonObject } from "../json.ts";
import { STATUS_KINDS, statusKind } from "./status-kinds.ts";
import { statusPatch } from "./status-patch.ts";

const OURS = "limpet.dev/gateway";
const THEIRS = "example.com/other";
const GROUP = "gateway.networking.k8s.io";
const NOW_MS = Date.parse("2026-11-21T18:00:00.750Z");
const EARLIER = "2026-11-01T00:00:00Z";

const ACCEPTED: Condition = { type: "Accepted", status: "True", reason: "Accepted", message: "It is served" };
const REFUSED: Condition = { ...ACCEPTED, status: "False", reason: "Invalid", message: "It is not" };

interface Case {
  readonly kind?: string;
  readonly group?: string;
  /** Of the translated object. */
  readonly generation?: number;
  readonly spec?: JsonObject;
  readonly says?: Partial<ObjectStatus>;
  readonly findings?: readonly Finding[];
  /** What stands there. */
  readonly status?: JsonObject;
  readonly current?: Partial<KubernetesObject["metadata"]>;
}

function objectOf({
  kind = "Gateway",
  group = GROUP,
  generation = 3,
  spec = {},
  status,
  current,
}: Case): KubernetesObject {
  const metadata = {
    namespace: "shop",
    name: "one",
    uid: "u1",
    generation,
    resourceVersion: "9",
    ...current,
  };
  return { apiVersion: `${group}/v1`, kind, metadata, spec, ...(status === undefined ? {} : { status }) };
}

function patchOf(given: Case): JsonObject | undefined {
  const { kind = "Gateway", group = GROUP, generation = 3, spec = {}, says, findings = [] } = given;
  const row = statusKind({ group, kind });
  if (row === undefined) throw new Error(`no status of ${kind}`);
  const object = { group, kind, namespace: "shop", name: "one" };
  const written = { metadata: { name: "one", uid: "u1", generation }, spec };
  const wanted = says && { status: { object, conditions: [], ...says }, findings, written };
  return statusPatch(row, wanted, objectOf(given), { controllerName: OURS, nowMs: NOW_MS });
}

function condition(
  over: Partial<Condition & { lastTransitionTime: string; observedGeneration: number }> = {},
) {
  return { ...ACCEPTED, observedGeneration: 3, lastTransitionTime: EARLIER, ...over };
}

function parent(
  name: string,
  conditions: readonly Condition[] = [ACCEPTED],
  part: Partial<ParentStatus> = {},
): ParentStatus {
  return { parent: { group: GROUP, kind: "Gateway", namespace: "shop", name }, conditions, ...part };
}

function entry(name: string, controllerName: string, conditions: readonly JsonObject[] = [condition()]) {
  return { parentRef: { group: GROUP, kind: "Gateway", name }, controllerName, conditions };
}

const refs = (...names: string[]) => ({
  parentRefs: names.map((name) => ({ group: GROUP, kind: "Gateway", name })),
});

describe("conditions", () => {
  test("say which generation was translated, not which is there now", () => {
    const current = { generation: 4 };
    expect(patchOf({ says: { conditions: [ACCEPTED] }, current })).toEqual({
      conditions: [{ ...ACCEPTED, observedGeneration: 3, lastTransitionTime: "2026-11-21T18:00:00Z" }],
    });
  });

  test("keep their time while their status is the same", () => {
    const status = { conditions: [condition({ observedGeneration: 2, message: "before" })] };
    expect(patchOf({ says: { conditions: [ACCEPTED] }, status })).toEqual({ conditions: [condition()] });
    expect(patchOf({ says: { conditions: [REFUSED] }, status })).toEqual({
      conditions: [{ ...REFUSED, observedGeneration: 3, lastTransitionTime: "2026-11-21T18:00:00Z" }],
    });
  });

  test("of other types stay where they are, and types of ours that are not said any more go", () => {
    const foreign = {
      type: "example.com/Audited",
      status: "True",
      reason: "Seen",
      lastTransitionTime: EARLIER,
    };
    const status = {
      conditions: [foreign, condition({ type: "ResolvedRefs" }), condition({ status: "False" })],
    };
    expect(patchOf({ says: { conditions: [ACCEPTED] }, status })).toEqual({
      conditions: [foreign, condition({ lastTransitionTime: "2026-11-21T18:00:00Z" })],
    });
  });

  test("that stand there already need no patch", () => {
    expect(
      patchOf({ says: { conditions: [ACCEPTED] }, status: { conditions: [condition()] } }),
    ).toBeUndefined();
  });

  test("of a kind without generations have none", () => {
    const row = statusKind({ group: GROUP, kind: "Gateway" });
    const status = {
      object: { group: GROUP, kind: "Gateway", namespace: "shop", name: "one" },
      conditions: [ACCEPTED],
    };
    const wanted = { status, findings: [], written: {} };
    const patch = row && statusPatch(row, wanted, objectOf({}), { controllerName: OURS, nowMs: NOW_MS });
    expect(patch).toEqual({ conditions: [{ ...ACCEPTED, lastTransitionTime: "2026-11-21T18:00:00Z" }] });
  });
});

describe("nothing is written", () => {
  test("of an object that was made anew since it was translated", () => {
    expect(patchOf({ says: { conditions: [ACCEPTED] }, current: { uid: "u2" } })).toBeUndefined();
  });

  test("over what a leader before us had read after us", () => {
    const status = { conditions: [condition({ observedGeneration: 4, message: "newer" })] };
    expect(patchOf({ says: { conditions: [ACCEPTED] }, status, current: { generation: 4 } })).toBeUndefined();
  });

  test("to Gateways and classes that are none of ours", () => {
    expect(patchOf({ status: { conditions: [condition()] } })).toBeUndefined();
    expect(patchOf({ kind: "GatewayClass", status: { conditions: [condition()] } })).toBeUndefined();
  });
});

test("a generation that no object ever had is no reason to keep quiet", () => {
  const status = { conditions: [condition({ observedGeneration: 99 })] };
  expect(patchOf({ says: { conditions: [ACCEPTED] }, status })).toEqual({ conditions: [condition()] });
});

test("a GatewayClass lists features as objects", () => {
  const says = { conditions: [ACCEPTED], supportedFeatures: ["Gateway", "HTTPRoute"] };
  const supportedFeatures = [{ name: "Gateway" }, { name: "HTTPRoute" }];
  expect(patchOf({ kind: "GatewayClass", says, status: { conditions: [condition()] } })).toEqual({
    supportedFeatures,
  });
});

describe("a Gateway", () => {
  const says = {
    conditions: [ACCEPTED],
    addresses: [{ type: "IPAddress", value: "192.0.2.1" }],
    attachedListenerSets: 2,
    listeners: [{ name: "http", attachedRoutes: 5, supportedKinds: ["HTTPRoute"], conditions: [ACCEPTED] }],
  };
  const listener = {
    name: "http",
    supportedKinds: [{ group: GROUP, kind: "HTTPRoute" }],
    attachedRoutes: 5,
    conditions: [condition()],
  };

  test("has listeners, addresses and a count of ListenerSets", () => {
    const status = { conditions: [condition()], listeners: [{ name: "http", conditions: [condition()] }] };
    expect(patchOf({ says, status })).toEqual({
      addresses: [{ type: "IPAddress", value: "192.0.2.1" }],
      attachedListenerSets: 2,
      listeners: [listener],
    });
  });

  test("loses listeners that are gone, and keeps others' conditions at those that stay", () => {
    const foreign = { type: "example.com/Audited", status: "True", lastTransitionTime: EARLIER };
    const status = {
      conditions: [condition()],
      listeners: [
        { name: "gone", attachedRoutes: 1, conditions: [condition()] },
        { ...listener, conditions: [foreign, condition()] },
      ],
    };
    const { addresses: _, attachedListenerSets: __, ...rest } = says;
    expect(patchOf({ says: rest, status })).toEqual({
      listeners: [{ ...listener, conditions: [foreign, condition()] }],
    });
  });

  test("of which nothing is said keeps its addresses, and with none loses them", () => {
    const status = { conditions: [condition()], addresses: [{ type: "IPAddress", value: "192.0.2.9" }] };
    expect(patchOf({ says: { conditions: [ACCEPTED] }, status })).toBeUndefined();
    expect(patchOf({ says: { conditions: [ACCEPTED], addresses: [] }, status })).toEqual({ addresses: [] });
    expect(
      patchOf({ says: { conditions: [ACCEPTED], addresses: [] }, status: { conditions: [condition()] } }),
    ).toBeUndefined();
  });
});

test("an XListenerSet has the ports of its listeners, which its CRD requires, and a ListenerSet has none", () => {
  const says = {
    conditions: [],
    listeners: [{ name: "more", attachedRoutes: 0, supportedKinds: [], conditions: [] }],
  };
  const spec = { listeners: [{ name: "more", port: 8443 }] };
  const listener = { name: "more", supportedKinds: [], attachedRoutes: 0, conditions: [] };
  expect(patchOf({ kind: "ListenerSet", says, spec })).toEqual({ listeners: [listener] });
  expect(patchOf({ kind: "XListenerSet", group: "gateway.networking.x-k8s.io", says, spec })).toEqual({
    listeners: [{ ...listener, port: 8443 }],
  });
});

describe("a route", () => {
  const kind = "HTTPRoute";

  test("names parents as it wrote them", () => {
    const spec = {
      parentRefs: [
        { name: "a" },
        { group: GROUP, kind: "Gateway", namespace: "shop", name: "b", sectionName: "http", port: 80 },
      ],
    };
    const parents = [parent("a"), parent("b", [ACCEPTED], { sectionName: "http", port: 80 })];
    const patch = patchOf({ kind, spec, says: { parents } });
    const at = { observedGeneration: 3, lastTransitionTime: "2026-11-21T18:00:00Z" };
    const conditions = [{ ...ACCEPTED, ...at }];
    expect(patch).toEqual({
      parents: [
        { parentRef: { group: GROUP, kind: "Gateway", name: "a" }, controllerName: OURS, conditions },
        { parentRef: spec.parentRefs[1], controllerName: OURS, conditions },
      ],
    });
  });

  test("keeps others' entries where they are, and loses ours for parents that are gone", () => {
    const status = {
      parents: [entry("x", THEIRS), entry("gone", OURS), entry("a", OURS), entry("y", THEIRS)],
    };
    expect(patchOf({ kind, spec: refs("a"), says: { parents: [parent("a")] }, status })).toEqual({
      parents: [entry("x", THEIRS), entry("a", OURS), entry("y", THEIRS)],
    });
  });

  test("that is none of ours any more loses our entries, and nothing else", () => {
    expect(patchOf({ kind, status: { parents: [entry("a", OURS), entry("x", THEIRS)] } })).toEqual({
      parents: [entry("x", THEIRS)],
    });
    expect(patchOf({ kind, status: { parents: [entry("a", OURS)] } })).toEqual({ parents: [] });
    expect(patchOf({ kind, status: { parents: [entry("x", THEIRS)] } })).toBeUndefined();
    expect(patchOf({ kind })).toBeUndefined();
  });

  test("tells what is wrong with one parentRef at that parent alone", () => {
    const finding: Finding = {
      code: "route-not-accepted",
      severity: "warning",
      path: "spec.parentRefs[1]",
      message: "the Gateway has no such listener",
      expected: "one of http (port 80)",
      hint: "correct sectionName or port",
    };
    const refused = { ...REFUSED, reason: "NoMatchingParent", message: finding.message };
    const parents = [parent("a"), parent("b", [refused])];
    const patch = patchOf({ kind, spec: refs("a", "b"), says: { parents }, findings: [finding] });
    const told = patch?.["parents"] as { conditions: Condition[] }[];
    expect(told.map(({ conditions }) => conditions[0]?.message)).toEqual([
      "It is served",
      "spec.parentRefs[1]: the Gateway has no such listener (expected one of http (port 80); correct sectionName or port)",
    ]);
  });
});

test("a policy names ancestors with their namespace", () => {
  const patch = patchOf({
    kind: "BackendTLSPolicy",
    says: { parents: [parent("a", [ACCEPTED], { sectionName: "tls" })] },
  });
  expect(patch?.["ancestors"]).toMatchObject([
    {
      ancestorRef: { group: GROUP, kind: "Gateway", namespace: "shop", name: "a", sectionName: "tls" },
      controllerName: OURS,
    },
  ]);
});

test("a list that is full takes no more of ours, says so, and loses nobody else's", () => {
  const foreign = Array.from({ length: 14 }, (_, index) => ({
    ...entry(`x${index}`, THEIRS),
    ancestorRef: { name: `x${index}` },
  }));
  const says = { parents: Array.from({ length: 5 }, (_, index) => parent(`g${index}`)) };
  const patch = patchOf({ kind: "BackendTLSPolicy", says, status: { ancestors: foreign } });
  const ancestors = patch?.["ancestors"] as { conditions: Condition[] }[];
  expect(ancestors).toHaveLength(16);
  expect(ancestors.slice(0, 14)).toEqual(foreign);
  expect(ancestors[14]?.conditions[0]?.message).toBe("It is served");
  expect(ancestors[15]?.conditions[0]?.message).toBe(
    "It is served\n3 more that this applies to are left out, since the list is full",
  );
});

describe("whatever stands there and is to be said", () => {
  const name = fc.constantFrom("a", "b", "c", "d");
  const text = fc.constantFrom("one", "two");
  const saidCondition = fc.record({
    type: fc.constantFrom("Accepted", "ResolvedRefs", "Programmed"),
    status: fc.constantFrom("True" as const, "False" as const),
    reason: text,
    message: text,
  });
  const conditions = fc.uniqueArray(saidCondition, { selector: ({ type }) => type, minLength: 1 });
  const standing = fc.uniqueArray(
    fc.record({
      type: fc.constantFrom("Accepted", "Programmed", "example.com/One", "example.com/Two"),
      status: fc.constantFrom("True", "False"),
      reason: text,
      message: text,
      observedGeneration: fc.integer({ min: 1, max: 3 }),
      lastTransitionTime: fc.constant(EARLIER),
    }),
    { selector: ({ type }) => type },
  );
  const reference = fc.record({ name }, { requiredKeys: ["name"] });
  const standingEntry = fc.record({
    parentRef: reference,
    ancestorRef: reference,
    controllerName: fc.constantFrom(OURS, THEIRS, "example.net/third"),
    conditions: standing,
  });
  const saidParents = fc.uniqueArray(
    fc.tuple(name, conditions).map(([to, said]) => parent(to, said)),
    { selector: (one) => one.parent.name },
  );
  const listeners = fc.uniqueArray(
    fc.record({ name, attachedRoutes: fc.nat(3), supportedKinds: fc.constant(["HTTPRoute"]), conditions }),
    { selector: (one) => one.name },
  );
  const given = fc.record({
    row: fc.constantFrom(...STATUS_KINDS),
    says: fc.option(fc.record({ conditions, parents: saidParents, listeners }), { nil: undefined }),
    spec: fc.array(name, { maxLength: 3 }).map((names) => refs(...names)),
    status: fc.record({
      conditions: standing,
      parents: fc.array(standingEntry, { maxLength: 5 }),
      ancestors: fc.array(standingEntry, { maxLength: 5 }),
      listeners: fc.uniqueArray(fc.record({ name, conditions: standing }), { selector: (one) => one.name }),
      others: fc.constant([{ kept: true }]),
    }),
  });
  const foreignConditions = (list: unknown) =>
    (list as { type: string }[]).filter(({ type }) => type.startsWith("example.com/"));
  const foreignEntries = (list: unknown) =>
    (list as { controllerName: string }[]).filter(({ controllerName }) => controllerName !== OURS);

  test("a patch that is applied leaves nothing to patch, and all that is others'", () => {
    let patches = 0;
    fc.assert(
      fc.property(given, ({ row: { group, kind }, says, spec, status }) => {
        const known = { group, kind, spec, ...(says === undefined ? {} : { says }) };
        const patch = patchOf({ ...known, status });
        if (patch === undefined) return;
        patches++;
        const after = merged(status, patch) as typeof status;
        expect(patchOf({ ...known, status: after })).toBeUndefined();
        expect(after.others).toEqual(status.others);
        expect(foreignConditions(after.conditions)).toEqual(foreignConditions(status.conditions));
        expect(foreignEntries(after.parents)).toEqual(foreignEntries(status.parents));
        expect(foreignEntries(after.ancestors)).toEqual(foreignEntries(status.ancestors));
      }),
      { numRuns: 500 },
    );
    expect(patches).toBeGreaterThan(100);
  });
});
