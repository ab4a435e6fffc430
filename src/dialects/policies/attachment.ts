// A policy at one target: what it aims at and what it changes there. The one shape for policies of all dialects.
import type {
  Backend,
  Condition,
  HashPolicy,
  LoadBalancer,
  ObjectRef,
  Retry,
  RuleTimeouts,
  SessionPersistence,
} from "../../model/index.ts";
import type { FieldPath } from "../findings.ts";

/** An object, or one part of it. */
export interface PolicyTarget {
  readonly object: ObjectRef;
  /** A listener of a Gateway, or a named rule of a route. */
  readonly sectionName?: string;
  /** A port of a Service. */
  readonly port?: number;
}

/** What a policy may say of a backend beside how endpoints are chosen; an absent field says nothing. */
export type BackendSettings = Partial<
  Pick<
    Backend,
    | "tls"
    | "proxyProtocol"
    | "connectTimeoutMs"
    | "idleTimeoutMs"
    | "healthChecks"
    | "outlierDetection"
    | "slowStart"
    | "limits"
    | "retryBudget"
    | "panicThresholdPercent"
  >
>;

/** What a policy may say of a rule's attempts; an absent field says nothing. */
export interface RouteSettings {
  /** 0: no limit, whatever is said at wider targets. */
  readonly timeouts?: RuleTimeouts;
  readonly retry?: Retry;
}

/** The targets at which policies say something of a backend, or of one port of it: the port first. */
export function backendTargets({ object, port }: Pick<PolicyTarget, "object" | "port">): PolicyTarget[] {
  return port === undefined ? [{ object }] : [{ object, port }, { object }];
}

/** What a policy at routes says of the backends that they lead to. */
export interface RouteBackends {
  /** `default/my-policy`. */
  readonly name: string;
  /** Win over those of the backend itself, field by field. Empty: the backends stay as they are. */
  readonly settings: BackendSettings;
  /** What is not said here is taken from wider targets; else nothing is. */
  readonly merges: boolean;
}

/**
 * What a policy changes. At most one policy of each kind of effect takes hold of a target, but settings of several
 * policies combine field by field; see `effects.ts`.
 * - `backendBalancing`: at a backend. How its endpoints are chosen, whichever route leads there.
 * - `routeBalancing`: at a Gateway, listener, route or rule. How the endpoints of every backend of these rules are
 *   chosen, with which hash policies, and whether the same hash chooses among weighted backends.
 * - `session`: at a Gateway, listener, route, rule or backend. Persistence where the rule declares none itself.
 * - `backendSettings`: at a backend. TLS, timeouts, health and limits towards its endpoints.
 * - `routeSettings`: at a Gateway, listener, route or rule. Timeouts and retries where the rule has none itself.
 * - `routeBackends`: at a Gateway, listener, route or rule. What the backends of these rules are like, for these rules
 *   alone: each becomes a backend of its own, whose id ends with the name of the policy.
 */
export type Effect =
  | {
      readonly kind: "backendBalancing";
      readonly loadBalancer: LoadBalancer;
      readonly panicThresholdPercent?: number;
    }
  | {
      readonly kind: "routeBalancing";
      readonly loadBalancer: LoadBalancer;
      readonly hashPolicies: readonly HashPolicy[];
      readonly splitByHash: boolean;
    }
  | {
      readonly kind: "session";
      readonly session: SessionPersistence;
      /** Its cookie gets a name, and the session a scope, of its own in every rule: `session-place.ts`. */
      readonly unnamed?: boolean;
    }
  | { readonly kind: "backendSettings"; readonly settings: BackendSettings }
  | ({ readonly kind: "routeSettings" } & RouteSettings)
  | ({ readonly kind: "routeBackends" } & RouteBackends);

export interface Attachment {
  readonly policy: ObjectRef;
  /** RFC 3339; older policies win. Undefined in files: names decide. */
  readonly creationTimestamp?: string;
  readonly target: PolicyTarget;
  /** Path, as written, of the reference in the policy: where findings about this attachment point. */
  readonly targetPath: FieldPath;
  readonly effect: Effect;
  /** At its target it goes before policies that do not, instead of being in conflict with them. */
  readonly goesFirst?: boolean;
  /** What the status says where the target is there and nobody older has it; default: that the policy is in force. */
  readonly conditions?: readonly Condition[];
}

/** A key for maps; equal for the same part of the same object. */
export function targetKey(target: PolicyTarget): string {
  const { group, kind, namespace, name } = target.object;
  return `${group}/${kind}/${namespace}/${name}#${target.sectionName ?? ""}:${target.port ?? ""}`;
}
