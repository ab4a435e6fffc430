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
  /** Defaults are filled in; what broke the schema's types is left out. */
  readonly value: T;
  /** True if a finding is an error: the object keeps its last good form, or is served as far as that is safe. */
  readonly inError: boolean;
  /** This is its last good form, and the object as it is now is in error. */
  readonly isOutdated?: boolean;
  readonly findings: readonly FindingDraft[];
  /** Path in the object as it was written: list items that could not be read shift those of `value`. */
  writtenPath(path: FieldPath): FieldPath;
  /** Whether something at this path of `value`, or below it, is in error. */
  hasErrorAt(path: FieldPath): boolean;
}

export interface ReadObject<T> {
  /** Undefined where not even the frame could be read. */
  readonly reading: Reading<T> | undefined;
  readonly findings: readonly FindingDraft[];
}

type Issue = Parameters<typeof problemsOf>[0];

export function readObject<T>(kind: Kind<T>, resource: Resource): ReadObject<T> {
  const { object } = resource;
  let rest = prunable(resource.value);
  const clean = kind.schema.safeParse(rest.tree);
  if (clean.success) return { reading: reading(object, clean.data, [], rest.writtenPath), findings: [] };

  const problems: Problem[] = [];
  const removed: FieldPath[] = [];
  for (;;) {
    // Unlike safeParse, zod's core also answers with the value where only checks objected and all types are right.
    const run = kind.schema._zod.run({ value: rest.tree, issues: [] }, { async: false });
    const { value, issues } = run as { value: T; issues: Issue[] };
    const broken = issues.filter(breaksType);
    const gone = broken.map((issue) => removable(rest.tree, (issue.path ?? []) as FieldPath));
    const nothingLeft = gone.some((path) => path.length === 0);
    // Checks wait until all types are right; what breaks no type is then found again, unless it goes now.
    const isLeaving = ({ path = [] }: Issue) => gone.some((part) => isUnder(part, path as FieldPath));
    const told =
      broken.length === 0 ? issues : issues.filter((issue) => breaksType(issue) || isLeaving(issue));
    for (const problem of told.flatMap(problemsOf)) {
      problems.push({ ...problem, path: rest.writtenPath(problem.path) });
    }
    removed.push(...gone.map(rest.writtenPath));
    if (nothingLeft || broken.length === 0) {
      const findings = problems
        .filter((problem) => !followsFrom(problem, removed))
        .map((problem) => draftFinding(problem.code, object, problem.path, problem));
      return {
        reading: nothingLeft ? undefined : reading(object, value, findings, rest.writtenPath),
        findings,
      };
    }
    rest = rest.minus(gone);
  }
}

function reading<T>(
  object: ObjectRef,
  value: T,
  findings: readonly FindingDraft[],
  writtenPath: Reading["writtenPath"],
): Reading<T> {
  const errors = findings.filter(({ severity }) => severity === "error");
  return {
    object,
    value,
    inError: errors.length > 0,
    findings,
    writtenPath,
    hasErrorAt: (path) => {
      if (errors.length === 0) return false;
      const written = writtenPath(path);
      return errors.some((error) => isPrefix(written, error.path));
    },
  };
}

function isPrefix(path: FieldPath, of: FieldPath): boolean {
  return path.length <= of.length && path.every((step, depth) => step === of[depth]);
}

function isUnder(part: FieldPath, path: FieldPath): boolean {
  return part.every((step, depth) => path[depth] === step);
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
    return removed.some((gone) => gone.length === path.length && isPrefix(gone, path));
  });
}
