// Follows the references of a rule, of backendRefs and of mirrors alike, and gathers what they come to.
import { type FindingCode, type ObjectRef, objectText } from "../../model/index.ts";
import { type BackendReference, isProblem, type ReferenceProblem, type ResolvedBackend } from "../dialect.ts";
import { draftFinding, type FieldPath, type FindingDraft, type FindingText } from "../findings.ts";
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
    const resolved = isProblem(followed) ? followed : (this.#unspoken(followed) ?? followed);
    if (isProblem(resolved)) {
      this.problems.push(resolved);
      const field = resolved.field === undefined ? path : [...path, resolved.field];
      // What is in error has its findings already.
      if (!this.#reading.hasErrorAt(path)) this.#tell("invalid-reference", field, resolved);
      return undefined;
    }
    this.backends.push(resolved);
    const { protocol } = resolved;
    if (protocol?.kind === "other" && !this.#passesThrough) {
      this.#tell("backend-approximated", path, assumed(resolved.object, protocol.name));
    }
    return resolved;
  }

  /** What is passed through is for the client and the endpoint to speak. */
  get #passesThrough(): boolean {
    return this.#reading.object.kind === "TLSRoute";
  }

  /** GEP-1911: a backend whose protocol cannot be spoken is an invalid one. */
  #unspoken(resolved: ResolvedBackend): ReferenceProblem | undefined {
    const { object, protocol } = resolved;
    if (protocol === undefined || this.#passesThrough) return undefined;
    if (protocol.kind === "http2") return needsHttp2(object, protocol.name);
    if (protocol.kind !== "tls") return undefined;
    const settings = this.#effects.combine("backendSettings", backendTargets(resolved));
    return settings?.tls === undefined ? needsPolicy(object, protocol.name) : undefined;
  }

  #tell(code: FindingCode, path: FieldPath, text: FindingText): void {
    this.findings.push(draftFinding(code, this.#reading.object, this.#reading.writtenPath(path), text));
  }
}

function needsHttp2(object: ObjectRef, protocol: string): ReferenceProblem {
  return {
    reason: "UnsupportedProtocol",
    message: `${objectText(object)} speaks ${protocol}, and HTTP/2 to endpoints is not spoken yet`,
    expected: "a backend that speaks HTTP/1.1",
    hint: `change ${protocol} in the ${object.kind} if its endpoints speak HTTP/1.1 too`,
  };
}

/** Plain text must never go where TLS is asked for, and without a policy nobody says whom to trust. */
function needsPolicy(object: ObjectRef, protocol: string): ReferenceProblem {
  const target = `{group: "${object.group}", kind: ${object.kind}, name: ${object.name}}`;
  return {
    reason: "UnsupportedProtocol",
    message: `${objectText(object)} speaks ${protocol}, and no policy says whom to trust`,
    expected: "a policy that declares TLS for the backend",
    hint: `add a BackendTLSPolicy with targetRefs: [${target}]`,
  };
}

function assumed(object: ObjectRef, protocol: string): FindingText {
  return {
    message: `${objectText(object)} speaks ${protocol}, which is none of HTTP's, and is spoken to with HTTP/1.1`,
    expected: "http, https, kubernetes.io/ws or kubernetes.io/wss",
    hint: "correct the protocol there, or name a port that speaks HTTP",
  };
}
