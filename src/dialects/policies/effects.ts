// Decides which policy takes hold of which target: the oldest wins, settings field by field; the part beats the whole.
import { type Condition, type ObjectRef, objectKey, objectText } from "../../model/index.ts";
import { draftFinding, type FieldPath, type FindingDraft, type FindingText } from "../findings.ts";
import { GATEWAY_GROUP } from "../gateway-api/names.ts";
import {
  type Attachment,
  type BackendSettings,
  type Effect,
  type PolicyTarget,
  type RouteSettings,
  targetKey,
} from "./attachment.ts";

export type EffectOf<K extends Effect["kind"]> = Extract<Effect, { kind: K }>;

/** Effects of which every field is won on its own, and what they come to. */
export interface Settings {
  readonly backendSettings: BackendSettings;
  readonly routeSettings: RouteSettings;
}

/** Effects of which policies and objects of several kinds speak: `precedence.ts` says who is heard first. */
export type Contested = "session" | "routeBalancing" | "backendBalancing";

/** An effect with the policy that it comes from. */
export interface Said<E> {
  readonly effect: E;
  readonly policy: ObjectRef;
  /** Path, as written, of the reference to the target. */
  readonly targetPath: FieldPath;
  readonly goesFirst: boolean;
}

/** The winning effects, by kind and target. Of several targets name the most specific one first. */
export interface Effects {
  /** What is said at this target: of those that go first, then of all others. */
  said<K extends Contested>(kind: K, target: PolicyTarget): readonly Said<EffectOf<K>>[];
  /** The effect at the first of these targets that has one. */
  find(kind: "routeBackends", targets: readonly PolicyTarget[]): EffectOf<"routeBackends"> | undefined;
  /** Of each field what is said at the first of these targets where it is said; the same object for the same policies. */
  combine<K extends keyof Settings>(kind: K, targets: readonly PolicyTarget[]): Settings[K] | undefined;
}

/** What became of a policy at each of its targets. */
export interface PolicyVerdicts {
  readonly object: ObjectRef;
  readonly targets: readonly TargetVerdict[];
}

export interface TargetVerdict {
  readonly target: PolicyTarget;
  readonly conditions: readonly Condition[];
}

export interface AttachedPolicies {
  readonly effects: Effects;
  readonly verdicts: readonly PolicyVerdicts[];
  readonly findings: readonly FindingDraft[];
}

/** `exists` answers whether a target, and the named part of it, is there. */
export function decideEffects(
  attachments: readonly Attachment[],
  exists: (target: PolicyTarget) => boolean,
): AttachedPolicies {
  const places = new Map<string, Place>();
  const findings: FindingDraft[] = [];
  const verdicts = new Map<string, { object: ObjectRef; targets: Map<string, TargetVerdict> }>();
  for (const attachment of [...attachments].sort(byPrecedence)) {
    const { policy, target, targetPath, effect } = attachment;
    const key = keyOf(effect.kind, target, attachment.goesFirst === true);
    let objection: Condition | undefined;
    const tell = (finding: FindingDraft) => {
      // Once, however many effects the policy would have there.
      if (!verdicts.get(objectKey(policy))?.targets.has(targetKey(target))) findings.push(finding);
    };
    const idle = withoutEffect(attachment, exists(target));
    if (idle !== undefined) {
      objection = { type: "Accepted", status: "False", reason: "Invalid", message: idle.message };
      tell(idle);
    } else if (exists(target)) {
      const place = places.get(key) ?? new Map<string, Won>();
      places.set(key, place);
      const lost = takeHold(place, attachment);
      if (lost !== undefined) {
        objection = { type: "Accepted", status: "False", reason: "Conflicted", message: lost.message };
        findings.push(draftFinding("policy-conflict", policy, targetPath, lost));
      }
    } else {
      const finding = targetNotFound(attachment);
      objection = { type: "Accepted", status: "False", reason: "TargetNotFound", message: finding.message };
      tell(finding);
    }
    note(verdicts, attachment, objection);
  }
  const won = new Map([...places].map(([key, place]) => [key, effectOf(place)]));
  const combined = new Map<string, object>();
  const kinds: ReadonlySet<string> = new Set(attachments.map(({ effect }) => effect.kind));
  return {
    effects: {
      said: <K extends Contested>(kind: K, target: PolicyTarget) => {
        // Thousands of rules ask, and most configurations have no policy that would answer.
        if (!kinds.has(kind)) return NOTHING;
        return [true, false]
          .map((goesFirst) => places.get(keyOf(kind, target, goesFirst))?.get(""))
          .filter((one) => one !== undefined)
          .map(({ by: { policy, targetPath, goesFirst = false }, value }): Said<EffectOf<K>> => {
            return { effect: value as EffectOf<K>, policy, targetPath, goesFirst };
          });
      },
      find: (kind, targets) => {
        const key = keysOf(kind, targets).find((one) => won.has(one));
        return key === undefined ? undefined : (won.get(key) as EffectOf<"routeBackends">);
      },
      combine: <K extends keyof Settings>(kind: K, targets: readonly PolicyTarget[]) => {
        const keys = keysOf(kind, targets).filter((one) => won.has(one));
        if (keys.length === 0) return undefined;
        const name = keys.join();
        const known = combined.get(name) ?? Object.assign({}, ...keys.reverse().map((one) => won.get(one)));
        combined.set(name, known);
        return known as Settings[K];
      },
    },
    verdicts: [...verdicts.values()].map(({ object, targets }) => ({
      object,
      targets: [...targets.values()],
    })),
    findings,
  };
}

const NOTHING: readonly never[] = [];

function keysOf(kind: string, targets: readonly PolicyTarget[]): string[] {
  return targets.map((target) => keyOf(kind, target, false));
}

function keyOf(kind: string, target: PolicyTarget, goesFirst: boolean): string {
  return `${kind}${goesFirst ? " first" : ""} ${targetKey(target)}`;
}

interface Won {
  readonly by: Attachment;
  readonly value: unknown;
}

/** What is won at one target of one kind of effect, by field; an effect that is won as a whole is the field "". */
type Place = Map<string, Won>;

function fieldsOf(effect: Effect): Readonly<Record<string, unknown>> {
  if (effect.kind === "backendSettings") return effect.settings;
  if (effect.kind !== "routeSettings") return { "": effect };
  const { kind: _, ...settings } = effect;
  return settings;
}

function effectOf(place: Place): unknown {
  const whole = place.get("");
  return whole?.value ?? Object.fromEntries([...place].map(([field, { value }]) => [field, value]));
}

/** Takes what nobody has yet; what to tell where somebody older has some of it. */
function takeHold(place: Place, attachment: Attachment): FindingText | undefined {
  const { policy, target, effect } = attachment;
  const lost: string[] = [];
  let winner: ObjectRef | undefined;
  for (const [field, value] of Object.entries(fieldsOf(effect))) {
    const won = place.get(field);
    if (won === undefined) {
      place.set(field, { by: attachment, value });
      continue;
    }
    winner ??= won.by.policy;
    if (field !== "") lost.push(field);
  }
  if (winner === undefined) return undefined;
  const what = lost.length === 0 ? "" : ` with ${lost.join(", ")}`;
  return {
    message: `${objectText(winner)} is older and already applies to ${targetText(target)}${what}`,
    expected: "one policy of its sort for each target",
    hint: `remove one of ${objectText(winner)} and ${objectText(policy)}, or give them other targets`,
  };
}

/** The finding about an attachment that leads nowhere. */
export function targetNotFound({ policy, target, targetPath }: Attachment): FindingDraft {
  return draftFinding("target-not-found", policy, targetPath, {
    message: `${targetText(target)} is not there`,
    expected: "a target that is part of the configuration",
    hint: "correct the reference, or add the target",
  });
}

/** The finding about a route without requests to say anything of: of connections, or of a kind that is not served. */
function withoutEffect(
  { policy, target, targetPath, conditions }: Attachment,
  isThere: boolean,
): FindingDraft | undefined {
  const { group, kind } = target.object;
  // What comes with conditions of its own has been told.
  if (conditions !== undefined || group !== GATEWAY_GROUP || !kind.endsWith("Route") || kind === "HTTPRoute")
    return undefined;
  const isPassed = kind === "TLSRoute";
  if (isPassed && !isThere) return undefined;
  const why = isPassed
    ? "its connections carry no requests that could be told apart"
    : `routes of kind ${kind} are not served`;
  return draftFinding("field-ignored", policy, targetPath, {
    message: `the policy has no effect on ${targetText(target)}: ${why}`,
    expected: isPassed ? "an HTTPRoute, or a backend" : "an HTTPRoute",
    hint: isPassed ? "use a policy whose target is the Service" : "target an HTTPRoute, or remove the target",
  });
}

const ACCEPTED: Condition = {
  type: "Accepted",
  status: "True",
  reason: "Accepted",
  message: "The policy is in force",
};

/** A policy has one verdict a target, whatever its effects; an objection to any of them is what it says. */
function note(
  verdicts: Map<string, { object: ObjectRef; targets: Map<string, TargetVerdict> }>,
  { policy, target, conditions = [ACCEPTED] }: Attachment,
  objection: Condition | undefined,
): void {
  const key = objectKey(policy);
  const verdict = verdicts.get(key) ?? { object: policy, targets: new Map() };
  verdicts.set(key, verdict);
  const at = targetKey(target);
  if (verdict.targets.has(at) && objection === undefined) return;
  verdict.targets.set(at, { target, conditions: objection === undefined ? conditions : [objection] });
}

/** Gateway API's rule for conflicts: creation time, then namespace/name. A file's objects have no time and come last. */
export function byPrecedence(
  a: { creationTimestamp?: string; policy: ObjectRef },
  b: { creationTimestamp?: string; policy: ObjectRef },
): number {
  return compareAge(a.creationTimestamp, a.policy, b.creationTimestamp, b.policy);
}

export function compareAge(
  aTime: string | undefined,
  a: ObjectRef,
  bTime: string | undefined,
  b: ObjectRef,
): number {
  if (aTime !== bTime) {
    if (aTime === undefined) return 1;
    if (bTime === undefined) return -1;
    const difference = compareTimes(aTime, bTime);
    if (difference !== 0) return difference;
  }
  if (a.namespace === b.namespace) return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
  const aName = `${a.namespace}/${a.name}`;
  const bName = `${b.namespace}/${b.name}`;
  return aName < bName ? -1 : aName > bName ? 1 : 0;
}

/** As API servers write them, in whole seconds of UTC, texts are in the order of their times: thousands are sorted. */
const API_SERVER_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

function compareTimes(a: string, b: string): number {
  if (API_SERVER_TIME.test(a) && API_SERVER_TIME.test(b)) return a < b ? -1 : 1;
  return Date.parse(a) - Date.parse(b);
}

function targetText({ object, sectionName, port }: PolicyTarget): string {
  const section = sectionName === undefined ? "" : `, section ${sectionName}`;
  return `${objectText(object)}${port === undefined ? "" : `:${port}`}${section}`;
}
