// Turns the text of a YAML or JSON file into resources that know where each of their fields stands.
import type { Finding, ObjectRef } from "../../model/index.ts";
import { isClusterScoped } from "../core/well-known-kinds.ts";
import type { Resource } from "../translation.ts";
import { type ParsedDocument, parseDocuments } from "./document.ts";
import { splitDocuments } from "./split-documents.ts";

/** Documents by their text, so that a reload parses only what changed. Plain data of earlier runs; never required. */
export type DocumentMemory = ReadonlyMap<string, readonly ParsedDocument[]>;

export interface ReadResult {
  readonly resources: readonly Resource[];
  readonly findings: readonly Finding[];
  /** Hand it to the next call for the same file: unchanged documents keep the identity of their values. */
  readonly memory: DocumentMemory;
}

/**
 * Reads every document of a file. A document that cannot be read becomes a finding and hides none of the others;
 * kinds that end in `List` are unfolded; a missing namespace of a namespaced kind is `default`.
 */
export function readResources(fileName: string, text: string, previous?: DocumentMemory): ReadResult {
  const resources: Resource[] = [];
  const findings: Finding[] = [];
  const memory = new Map<string, readonly ParsedDocument[]>();
  for (const part of splitDocuments(text)) {
    const documents = memory.get(part.text) ?? previous?.get(part.text) ?? parseDocuments(part.text);
    memory.set(part.text, documents);
    for (const document of documents) {
      for (const problem of document.problems) {
        const { line, column } = problem.at;
        findings.push({
          code: "unreadable-file",
          severity: problem.severity,
          path: "",
          source: { file: fileName, line: line + part.firstLine - 1, column },
          message: problem.message,
          expected: "a YAML or JSON document",
          hint: problem.hint,
        });
      }
      const place = { fileName, firstLine: part.firstLine, document };
      collect(place, document.value, [], resources, findings);
    }
  }
  return { resources, findings, memory };
}

interface Place {
  readonly fileName: string;
  readonly firstLine: number;
  readonly document: ParsedDocument;
}

type Path = readonly (string | number)[];

function collect(
  place: Place,
  value: unknown,
  prefix: Path,
  resources: Resource[],
  findings: Finding[],
): void {
  if (value === undefined || value === null) return;
  const fields = isMap(value) ? value : {};
  if (
    typeof fields["kind"] === "string" &&
    fields["kind"].endsWith("List") &&
    Array.isArray(fields["items"])
  ) {
    for (const [index, item] of fields["items"].entries()) {
      collect(place, item, [...prefix, "items", index], resources, findings);
    }
    return;
  }
  const metadata = isMap(fields["metadata"]) ? fields["metadata"] : {};
  const wanted = {
    apiVersion: fields["apiVersion"],
    kind: fields["kind"],
    "metadata.name": metadata["name"],
  };
  const missing = Object.entries(wanted).filter(([, text]) => typeof text !== "string" || text === "");
  if (missing.length > 0) {
    findings.push(notAResource(place, prefix, missing, isMap(value)));
    return;
  }
  const apiVersion = fields["apiVersion"] as string;
  const kind = fields["kind"] as string;
  resources.push({
    apiVersion,
    kind,
    object: objectOf(apiVersion, kind, metadata),
    value,
    position: (path) => positionOf(place, [...prefix, ...path]),
  });
}

function objectOf(apiVersion: string, kind: string, metadata: Record<string, unknown>): ObjectRef {
  const slash = apiVersion.indexOf("/");
  const group = slash < 0 ? "" : apiVersion.slice(0, slash);
  const given = metadata["namespace"];
  const namespace = typeof given === "string" && given !== "" ? given : "default";
  return {
    group,
    kind,
    namespace: isClusterScoped(group, kind) ? "" : namespace,
    name: metadata["name"] as string,
  };
}

function notAResource(
  place: Place,
  prefix: Path,
  missing: readonly (readonly [string, unknown])[],
  isObject: boolean,
): Finding {
  const source = positionOf(place, prefix);
  const names = missing.map(([name]) => name).join(", ");
  return {
    code: "not-a-resource",
    severity: "error",
    path: "",
    ...(source === undefined ? {} : { source }),
    message: isObject ? `${names} is missing or not a text` : "the document is no object",
    expected: "apiVersion, kind and metadata.name",
    hint: isObject ? `add ${names}` : "write a Kubernetes object, or remove the document",
  };
}

function positionOf(place: Place, path: Path) {
  const at = place.document.position(path);
  return { file: place.fileName, line: at.line + place.firstLine - 1, column: at.column };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
