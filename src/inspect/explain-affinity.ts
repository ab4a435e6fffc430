// The affinity stage of an explanation: sessions and their tokens, the split by weight, and the request hash.
import { hashInput, hashRequest } from "../affinity/hash-policy.ts";
import { type Hash64, hex64, remainder64 } from "../affinity/hash64.ts";
import type { RulePlan } from "../affinity/plan.ts";
import type { HashPolicy, RequestHead } from "../model/index.ts";
import type { Course } from "./course.ts";
import { explainSessions } from "./explain-sessions.ts";
import type { AffinityStage, HashReport, PolicyReport, SplitReport } from "./explanation.ts";
import type { Outlook } from "./outlook.ts";

export function explainAffinity(course: Course, plan: RulePlan, outlook: Outlook): AffinityStage {
  const { head } = course;
  if (head === undefined) throw new Error("what was decided about had a head");
  return {
    sessions: explainSessions(course, head, plan, outlook),
    split: explainSplit(course, head, plan, outlook),
    hash: explainHash(course, head, plan, outlook),
  };
}

function explainSplit(
  course: Course,
  head: RequestHead,
  plan: RulePlan,
  outlook: Outlook,
): SplitReport | null {
  const { references, weights, totalWeight, rule } = plan;
  if (references.length < 2) return null;
  const { visit, source } = outlook.decision;
  const isFree = source === "session" && visit?.session.split === "session";
  const hash = isFree || !rule.splitByHash ? undefined : combined(rule.hashPolicies, course, head);
  let from = 0;
  return {
    by: isFree ? "session" : hash === undefined ? "draw" : "hash",
    value: hash === undefined || totalWeight === 0 ? null : remainder64(hash.high, hash.low, totalWeight),
    total: totalWeight,
    backends: references.map(({ reference }, index) => {
      const weight = weights[index] as number;
      from += weight;
      return { backend: reference.backend ?? null, weight, from: from - weight, to: from };
    }),
  };
}

/** Of the policies that the endpoint goes by, else of those that the split goes by. */
function explainHash(course: Course, head: RequestHead, plan: RulePlan, outlook: Outlook): HashReport | null {
  const { decision } = outlook;
  // The session named the endpoint, and so nothing was hashed.
  if (decision.source === "session" || decision.outcome === "rejected") return null;
  const planned = plan.references.find(({ reference }) => reference === decision.reference);
  const policies = planned?.hashPolicies ?? (plan.rule.splitByHash ? plan.rule.hashPolicies : undefined);
  if (policies === undefined) return null;
  const hash = combined(policies, course, head);
  return {
    policies: policies.map((policy, index) => explainPolicy(policy, policies.slice(0, index), course, head)),
    combined: hash === undefined || isRandom(policies, course, head) ? null : hex64(hash),
  };
}

const NOTHING_RANDOM = () => 0;

function combined(
  policies: readonly HashPolicy[],
  { client }: Course,
  head: RequestHead,
): Hash64 | undefined {
  const hash: Hash64 = { high: 0, low: 0 };
  return hashRequest(policies, head, client, NOTHING_RANDOM, [], hash) ? hash : undefined;
}

/** A cookie is generated that is random, because the peer is a proxy. */
function isRandom(policies: readonly HashPolicy[], { client }: Course, head: RequestHead): boolean {
  let isAsked = false;
  const random = () => {
    isAsked = true;
    return 0;
  };
  hashRequest(policies, head, client, random, [], { high: 0, low: 0 });
  return isAsked;
}

function explainPolicy(
  policy: HashPolicy,
  before: readonly HashPolicy[],
  course: Course,
  head: RequestHead,
): PolicyReport {
  const skipped = before.some(
    ({ terminal }, index) => terminal && combined(before.slice(0, index + 1), course, head) !== undefined,
  );
  const generated: { name: string; value: string; attributes: [] }[] = [];
  const input = skipped ? undefined : hashInput(policy, head, course.client, NOTHING_RANDOM, generated);
  const texts = input === undefined ? [] : typeof input === "string" ? [input] : input;
  const isDrawn = !skipped && isRandom([policy], course, head);
  const hash = skipped || isDrawn ? undefined : combined([policy], course, head);
  return {
    key: keyText(policy),
    terminal: policy.terminal,
    inputs: isDrawn ? [] : texts.map(printable),
    hash: hash === undefined ? null : hex64(hash),
    generated: generated.length > 0,
    skipped,
  };
}

function keyText(policy: HashPolicy): string {
  switch (policy.kind) {
    case "header":
      return `header ${policy.name}`;
    case "cookie":
      return `cookie ${policy.name}`;
    case "queryParameter":
      return `query parameter ${policy.name}`;
    case "sourceIp": {
      const prefixes = [
        ...(policy.v4PrefixBits === undefined ? [] : [`/${policy.v4PrefixBits} of IPv4`]),
        ...(policy.v6PrefixBits === undefined ? [] : [`/${policy.v6PrefixBits} of IPv6`]),
      ];
      return prefixes.length === 0 ? "source IP" : `source IP (${prefixes.join(", ")})`;
    }
  }
}

/** Latin1 text with what does not print, and the backslash, escaped. */
function printable(text: string): string {
  return text.replace(
    /[^\x20-\x5b\x5d-\x7e]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
