// Reads an object with the schema of its kind: every problem at once, and whatever could be read in spite of them.
import type { ObjectRef } from "../../model/index.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import type { Resource } from "../translation.ts";
import { breaksType, type Problem, problemsOf } from "./issues.ts";
import type { Kind } from "./kind.ts";
import { prunable } from "./prune.ts";

/** An object as its schema reads it. */
export interface Reading<T = unknown> {
  readonly object: ObjectRef;
  readonly resource: Resource;
  /** Defaults are filled in; what broke the schema's types is left out. */
  readonly value: T;
  /** True if a finding is an error: the object keeps its last good form, or is served as far as that is safe. */
  readonly inError: boolean;
  readonly findings: readonly FindingDraft[];
  /** Path in the object as it was written: list items that could not be read shift those of `value`. */
  writtenPath(path: FieldPath): FieldPath;
}

export interface ReadObject<T> {
  /** Undefined where not even the frame could be read. */
  readonly reading: Reading<T> | undefined;
  readonly findings: readonly FindingDraft[];
}

export function readObject<T>(kind: Kind<T>, resource: Resource): ReadObject<T> {
  const { object } = resource;
  let value = prunable(resource.value);
  const clean = kind.schema.safeParse(value.tree);
  if (clean.success) {
    const writtenPath = value.writtenPath;
    return {
      reading: { object, resource, value: clean.data, inError: false, findings: [], writtenPath },
      findings: [],
    };
  }
  const problems: Problem[] = [];
  const removed: FieldPath[] = [];
  for (;;) {
    const { value: read, issues } = kind.schema._zod.run(
      { value: value.tree, issues: [] },
      { async: false },
    ) as {
      value: T;
      issues: Parameters<typeof problemsOf>[0][];
    };
    const broken = issues.filter(breaksType);
    const round = broken.length > 0 ? broken : issues;
    for (const problem of round.flatMap(problemsOf)) {
      problems.push({ ...problem, path: value.writtenPath(problem.path) });
    }
    if (broken.length === 0) return finish(resource, read, problems, removed, value.writtenPath);
    const paths = broken.map((issue) => removable(value.tree, (issue.path ?? []) as FieldPath));
    removed.push(...paths.map(value.writtenPath));
    if (paths.some((path) => path.length === 0))
      return finish<T>(resource, undefined, problems, removed, value.writtenPath);
    value = value.minus(paths);
  }
}

function finish<T>(
  resource: Resource,
  value: T | undefined,
  problems: readonly Problem[],
  removed: readonly FieldPath[],
  writtenPath: (path: FieldPath) => FieldPath,
): ReadObject<T> {
  const { object } = resource;
  const findings = problems
    .filter((problem) => !followsFrom(problem, removed))
    .map((problem) => draftFinding(problem.code, object, problem.path, problem));
  if (value === undefined) return { reading: undefined, findings };
  const inError = findings.some((finding) => finding.severity === "error");
  return { reading: { object, resource, value, inError, findings, writtenPath }, findings };
}

/** The part to leave out: the value itself, or the nearest parent where the value is missing. */
function removable(tree: unknown, path: FieldPath): FieldPath {
  let node = tree;
  for (const [depth, step] of path.entries()) {
    if (typeof node !== "object" || node === null || !Object.hasOwn(node, step)) return path.slice(0, depth);
    node = (node as Record<string | number, unknown>)[step];
  }
  return path;
}

/** Whether the problem is only that something is absent which is there and was left out as unreadable. */
function followsFrom(problem: Problem, removed: readonly FieldPath[]): boolean {
  return (problem.absent ?? []).some((name) => {
    const path = name === "" ? problem.path : [...problem.path, ...name.split(".")];
    return removed.some(
      (gone) => gone.length === path.length && gone.every((step, index) => step === path[index]),
    );
  });
}
