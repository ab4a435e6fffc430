// Compiles a Gateway: its listeners and those of its ListenerSets, what keeps them from being opened, and what is told of it.
import { type Certificate, formatIp, type Listener, objectText, parseIp } from "../../model/index.ts";
import {
  type CredentialProblem,
  findCertificate,
  isCredentialProblem,
  outdatedCredential,
} from "../credentials.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import { objectOf } from "./certificate-ref.ts";
import { clientCertificate, type GatewayReading } from "./gateway.ts";
import { resolveValidation, validationOf, validationsOf } from "./gateway-tls.ts";
import {
  type CompiledListener,
  compileListener,
  endsTls,
  type ListenerValue,
  unsupported,
} from "./listener.ts";
import { conflictsAmong, overlapsOf, portFamily } from "./listener-conflicts.ts";
import type { ListenerRefusal } from "./listener-remark.ts";
import { type ListenerSetReading, type NamedListenerSet, notAllowed } from "./listener-set.ts";
import type { GatewayPlacement } from "./placement.ts";

export interface CompiledGateway {
  readonly reading: GatewayReading;
  /** Its own. */
  readonly listeners: readonly CompiledListener[];
  /** The ListenerSets that name it, oldest first. */
  readonly sets: readonly CompiledListenerSet[];
  /** Undefined: it is bound where it says. */
  readonly placement: GatewayPlacement | undefined;
  /** Some clients are served whose certificate nobody verified. */
  readonly admitsUnverified: boolean;
  /** Why the certificate for endpoints is not shown to them. */
  readonly unresolved: { readonly reason: string; readonly message: string } | undefined;
  readonly findings: readonly FindingDraft[];
}

export interface CompiledListenerSet {
  readonly reading: ListenerSetReading;
  /** Else the Gateway takes none of its listeners, and none is compiled. */
  readonly isAllowed: boolean;
  readonly listeners: readonly CompiledListener[];
}

/** In order of precedence. */
export function allListeners({ listeners, sets }: CompiledGateway): readonly CompiledListener[] {
  return [...listeners, ...sets.flatMap((set) => set.listeners)];
}

/**
 * `takenBy`: why an earlier Gateway's listener keeps this one from its place, if one does. Without a placement it is
 * bound where it says.
 */
export function compileGateway(
  reading: GatewayReading,
  sets: readonly NamedListenerSet[],
  objects: ObjectSet,
  takenBy: (listener: Listener) => ListenerRefusal | undefined,
  placement: GatewayPlacement | undefined,
): CompiledGateway {
  const { object, value } = reading;
  const findings: FindingDraft[] = [];
  const addresses = placement === undefined ? bindable(reading, findings) : placedAt(reading, placement);
  findings.push(...placementFindings(reading, placement));
  const backend = backendCertificate(reading, objects, findings);
  const owners: readonly Owner[] = [
    reading,
    ...sets.filter(({ isAllowed }) => isAllowed).map((set) => set.reading),
  ];
  const conflicts = conflictsAmong(owners.map(readable));
  const standing = owners.flatMap(readable).filter((listener) => portFamily(listener) !== undefined);

  const compile = (owner: Owner) =>
    [...owner.value.spec.listeners.entries()].map(([index, section]) => {
      const path = ["spec", "listeners", index];
      const place: Listener = {
        id: `${objectText(owner.object)}/${section.name}`,
        gateway: object,
        name: section.name,
        addresses: addresses ?? [],
        port: section.port,
        ...bindPortOf(section, placement),
        protocol: section.protocol as Listener["protocol"],
        ...(backend.certificate === undefined ? {} : { backendCertificate: backend.certificate }),
        ...(section.hostname === undefined ? {} : { hostname: section.hostname }),
      };
      const early =
        (owner.hasErrorAt(path) ? INVALID : undefined) ?? conflicts.get(section) ?? unsupported(section);
      const { listener, remarks } = compileListener(section, place, {
        owner: owner.object,
        objects,
        objection:
          early ??
          (addresses === undefined ? UNBINDABLE : undefined) ??
          unplaced(section, placement) ??
          takenBy(place) ??
          unverifiable(reading, section),
        validation: validationOf(value.spec.tls, section.port),
        overlaps: standing.includes(section) ? overlapsOf(section, without(standing, section)) : [],
      });
      for (const remark of remarks) {
        const at = owner.writtenPath([...path, ...remark.path]);
        findings.push(draftFinding(remark.code, owner.object, at, remark));
      }
      return listener;
    });
  const listeners = compile(reading);
  const compiledSets = sets.map((set): CompiledListenerSet => {
    if (!set.isAllowed) findings.push(notAllowed(set));
    const { reading, isAllowed } = set;
    return { reading, isAllowed, listeners: isAllowed ? compile(reading) : [] };
  });

  const validations = validationsOf(value.spec.tls);
  for (const { problem, path } of validations.flatMap((one) => {
    return resolveValidation(one, object, objects).problems;
  })) {
    findings.push(unresolvedReference(reading, problem, path));
  }
  return {
    reading,
    listeners,
    sets: compiledSets,
    placement,
    admitsUnverified: validations.some((one) => one.value.mode === "AllowInsecureFallback"),
    unresolved: backend.unresolved,
    findings,
  };
}

type Owner = GatewayReading | ListenerSetReading;

/** Those that are not in error. */
function readable(owner: Owner): readonly ListenerValue[] {
  return owner.value.spec.listeners.filter((_, index) => !owner.hasErrorAt(["spec", "listeners", index]));
}

function without(all: readonly ListenerValue[], one: ListenerValue): readonly ListenerValue[] {
  return all.filter((other) => other !== one);
}

function placementFindings(reading: GatewayReading, placement: GatewayPlacement | undefined): FindingDraft[] {
  const { object, value } = reading;
  if (placement === undefined) {
    if (value.spec.infrastructure === undefined) return [];
    const text = {
      message: "nothing is made for a Gateway that is served from files",
      expected: "a Gateway without infrastructure",
      hint: "remove infrastructure",
    };
    return [draftFinding("field-ignored", object, ["spec", "infrastructure"], text)];
  }
  const { problem } = placement;
  if (problem?.remedy === undefined) return [];
  const { path, expected, hint } = problem.remedy;
  const text = { message: problem.message, expected, hint };
  return [draftFinding("gateway-not-served", object, reading.writtenPath(path), text)];
}

/** Whoever placed it did not see what it asks for where that cannot be read. */
function placedAt(reading: GatewayReading, placement: GatewayPlacement): readonly string[] | undefined {
  return reading.hasErrorAt(["spec", "addresses"]) ? undefined : placement.bindAddresses;
}

function bindPortOf(
  { port }: ListenerValue,
  placement: GatewayPlacement | undefined,
): Pick<Listener, "bindPort"> {
  const bindPort = placement?.bindPorts?.get(port);
  return bindPort === undefined || bindPort === port ? {} : { bindPort };
}

/** Its Gateway has no place, or none yet for this port. */
function unplaced(
  { port }: ListenerValue,
  placement: GatewayPlacement | undefined,
): ListenerRefusal | undefined {
  if (placement === undefined) return undefined;
  const { problem, bindPorts } = placement;
  if (bindPorts === undefined || bindPorts.has(port)) return undefined;
  return { type: "Programmed", reason: "Pending", message: problem?.message ?? "its port is being opened" };
}

const INVALID = { type: "Accepted", reason: "Invalid", message: "it is in error" } as const;
const UNBINDABLE = {
  type: "Accepted",
  reason: "UnsupportedAddress",
  message: "no address of the Gateway can be bound",
} as const;

/** Whatever it was that could not be read: a listener may not let clients in whom it was to keep out. */
function unverifiable(reading: GatewayReading, section: ListenerValue): ListenerRefusal | undefined {
  const at = ["spec", "tls", "frontend"];
  return endsTls(section) && reading.hasErrorAt(at) ? INVALID : undefined;
}

function backendCertificate(
  reading: GatewayReading,
  objects: ObjectSet,
  findings: FindingDraft[],
): {
  readonly certificate: Certificate | undefined;
  readonly unresolved: CompiledGateway["unresolved"];
} {
  const { object, value } = reading;
  const placed = clientCertificate(value.spec);
  if (placed === undefined) return { certificate: undefined, unresolved: undefined };
  const to = objectOf(placed.ref, object.namespace);
  const found = findCertificate(objects, object, to);
  if (!isCredentialProblem(found)) {
    const old = outdatedCredential(objects, to);
    const unresolved = old && { reason: "InvalidClientCertificateRef", message: old.message };
    return { certificate: found, unresolved };
  }
  findings.push(unresolvedReference(reading, found, placed.path));
  const reason = found.reason === "RefNotPermitted" ? found.reason : "InvalidClientCertificateRef";
  return { certificate: undefined, unresolved: { reason, message: found.message } };
}

function unresolvedReference(
  reading: GatewayReading,
  { reason: _, ...text }: CredentialProblem,
  path: FieldPath,
): FindingDraft {
  return draftFinding("invalid-certificate-reference", reading.object, reading.writtenPath(path), text);
}

/** Undefined where addresses were asked for and none can be had: no listener may open wider than it was told to. */
function bindable(reading: GatewayReading, findings: FindingDraft[]): readonly string[] | undefined {
  const at = ["spec", "addresses"];
  // An address without a value asks for any.
  const wanted = [...reading.value.spec.addresses.entries()].filter(([, { value }]) => value !== "");
  const addresses: string[] = [];
  for (const [index, { type, value }] of wanted) {
    const bytes = type === "IPAddress" ? parseIp(value) : undefined;
    if (bytes !== undefined) addresses.push(formatIp(bytes));
    else {
      findings.push(
        draftFinding("gateway-not-served", reading.object, reading.writtenPath([...at, index]), {
          message: `the address ${value} of type ${type} cannot be bound`,
          expected: "type IPAddress with an IPv4 or IPv6 address of this machine",
          hint: "write {type: IPAddress, value: 127.0.0.1}, or remove the address",
        }),
      );
    }
  }
  const allLost = addresses.length === 0 && wanted.length > 0;
  return allLost || reading.hasErrorAt(at) ? undefined : [...new Set(addresses)];
}
