// What a dialect brings: its kinds, the policies among them, and the kinds that a backendRef may name.
import type { Endpoint, EndpointName, LoadBalancer, ObjectRef, SessionPersistence } from "../model/index.ts";
import type { FindingDraft } from "./findings.ts";
import type { ObjectSet } from "./object-set.ts";
import type { Attachment, BackendSettings } from "./policies/attachment.ts";
import type { Kind } from "./schema/kind.ts";
import type { Reading } from "./schema/read-object.ts";
import type { TranslateOptions } from "./translation.ts";

export interface Dialect {
  readonly name: string;
  /** Every kind that the dialect reads; one that is not here is an unknown kind. */
  readonly kinds: readonly Kind[];
  readonly policies: readonly PolicyKind[];
  readonly backends: readonly BackendKind[];
  /** Kinds that references may name and that are no objects: names of backends of other kinds. */
  readonly aliases?: readonly BackendAlias[];
}

/** A result with what is to be told about it. */
export interface Told<R> {
  readonly result: R;
  readonly findings: readonly FindingDraft[];
}

/** `inError`: with these options the policy cannot be what it says; it attaches nowhere, as if its schema objected. */
export type Attached = Told<readonly Attachment[]> & { readonly inError?: boolean };

/** A kind that attaches to other objects and changes how they are served. */
export interface PolicyKind<T = unknown> {
  readonly kind: Kind<T>;
  /** Lists whose identity, beside that of the policy, decides whether `attach` must run again. */
  dependsOn?(objects: ObjectSet, policy: Reading<T>): readonly unknown[];
  /** One attachment for each target and effect. Whether targets exist and who wins is decided elsewhere. */
  attach(policy: Reading<T>, objects: ObjectSet, options: TranslateOptions): Attached;
}

/** What a backendRef says, defaults filled in. */
export interface BackendReference {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly port?: number;
}

/** Another way to name backends, such as by host. */
export interface BackendAlias {
  readonly group: string;
  readonly kind: string;
  /** The reference that is meant; undefined: none has this name. */
  follow(reference: BackendReference, objects: ObjectSet): BackendReference | undefined;
  /** Lists whose identity decides what `follow` answers. */
  dependsOn(objects: ObjectSet): readonly unknown[];
}

/** Why a reference cannot be followed, as the condition ResolvedRefs says it. */
export interface ReferenceProblem {
  readonly reason:
    | "BackendNotFound"
    | "InvalidKind"
    | "RefNotPermitted"
    | "UnsupportedProtocol"
    | "UnsupportedValue";
  readonly message: string;
  readonly expected: string;
  readonly hint: string;
  /** Field of the reference that the finding points at; default: the reference. */
  readonly field?: string;
}

/** A reference that leads to a backend; endpoints are not looked at here, so routes do not depend on them. */
export interface ResolvedBackend {
  /** `Service/default/httpbin:8000`. */
  readonly id: string;
  readonly object: ObjectRef;
  readonly port?: number;
  /** Persistence that the backend itself declares (XBackend). */
  readonly session?: SessionPersistence;
  /** The backend itself says how its endpoints are chosen (Upstream). */
  readonly balances?: boolean;
  /** What the backend says that it speaks, where that is more than HTTP/1.1 in plain text. */
  readonly protocol?: BackendProtocol;
  /** What the policies of the rules that lead here say of it: they win over all that is said of the backend itself. */
  readonly settings?: BackendSettings;
}

export interface BackendProtocol {
  /** As it is written: `kubernetes.io/wss`. */
  readonly name: string;
  /** `tls`: HTTP/1.1 over TLS, with whatever trust policies declare; `other`: none of HTTP's. */
  readonly kind: "tls" | "http2" | "other";
}

/** A kind that a backendRef may name. */
export interface BackendKind<T = unknown> {
  readonly kind: Kind<T>;
  resolve(
    object: Reading<T>,
    reference: BackendReference,
    options: TranslateOptions,
  ): ResolvedBackend | ReferenceProblem;
  /** Everything whose identity decides whether `endpoints` must run again. */
  dependsOn(object: Reading<T>, objects: ObjectSet): readonly unknown[];
  /**
   * Unsorted and with duplicates as they come. `loadBalancer` and `settings`: what the kind says by itself, if it does;
   * policies win over both.
   */
  endpoints(
    object: Reading<T>,
    port: number | undefined,
    objects: ObjectSet,
    options: TranslateOptions,
  ): Told<{
    readonly endpoints: readonly Endpoint[];
    /** Whose addresses are endpoints too. */
    readonly names?: readonly EndpointName[];
    readonly loadBalancer?: LoadBalancer;
    readonly settings?: BackendSettings;
  }>;
}

export function isProblem(resolved: ResolvedBackend | ReferenceProblem): resolved is ReferenceProblem {
  return "reason" in resolved;
}
