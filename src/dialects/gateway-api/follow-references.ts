// Follows the references of a rule, of backendRefs and of mirrors alike, and gathers what they come to.
import { objectText } from "../../model/index.ts";
import { type BackendReference, isProblem, type ReferenceProblem, type ResolvedBackend } from "../dialect.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import { backendTargets } from "../policies/attachment.ts";
import type { Effects } from "../policies/effects.ts";
import type { Reading } from "../schema/read-object.ts";
import { type ObjectReferenceValue, referenceOf } from "./object-reference.ts";

/** What a route must know of the rest of the configuration to follow a reference. */
export interface ReferenceResolver {
  /** Grants apply: a reference from `from` into another namespace needs one. */
  resolve(
    from: { group: string; kind: string; namespace: string },
    to: BackendReference,
  ): ResolvedBackend | ReferenceProblem;
}

/** Made for one rule; `path` arguments are paths of the reading's value. */
export class References {
  readonly backends: ResolvedBackend[] = [];
  readonly problems: ReferenceProblem[] = [];
  readonly findings: FindingDraft[] = [];
  readonly #reading: Reading;
  readonly #resolver: ReferenceResolver;
  readonly #effects: Effects;

  constructor(reading: Reading, resolver: ReferenceResolver, effects: Effects) {
    this.#reading = reading;
    this.#resolver = resolver;
    this.#effects = effects;
  }

  /** Undefined where it leads nowhere; that is told already. */
  follow(value: ObjectReferenceValue, path: FieldPath): ResolvedBackend | undefined {
    const { object } = this.#reading;
    const followed = this.#resolver.resolve(object, referenceOf(value, object.namespace));
    const resolved = isProblem(followed) ? followed : (this.#withoutTls(followed) ?? followed);
    if (!isProblem(resolved)) {
      this.backends.push(resolved);
      return resolved;
    }
    this.problems.push(resolved);
    // What is in error has its findings already.
    if (this.#reading.hasErrorAt(path)) return undefined;
    const field = resolved.field === undefined ? path : [...path, resolved.field];
    this.findings.push(draftFinding("invalid-reference", object, this.#reading.writtenPath(field), resolved));
    return undefined;
  }

  /** Plain text must never go where TLS is asked for, and without a policy nobody says whom to trust (GEP-1911). */
  #withoutTls(resolved: ResolvedBackend): ReferenceProblem | undefined {
    // What is passed through is encrypted already.
    if (resolved.tlsProtocol === undefined || this.#reading.object.kind === "TLSRoute") return undefined;
    if (this.#effects.combine("backendSettings", backendTargets(resolved))?.tls !== undefined)
      return undefined;
    return {
      reason: "UnsupportedProtocol",
      message: `${objectText(resolved.object)} speaks ${resolved.tlsProtocol}, and no policy says whom to trust`,
      expected: "a policy that declares TLS for the backend",
      hint: `add a BackendTLSPolicy with targetRefs: [{group: "", kind: Service, name: ${resolved.object.name}}]`,
    };
  }
}
