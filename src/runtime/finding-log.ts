// Tells findings in the log: those that were not there before, each once.
import { type Finding, findingText, objectText, type Severity } from "../model/index.ts";
import type { Logger } from "../telemetry/index.ts";

const LEVELS = { error: "error", warning: "warn", info: "debug" } as const satisfies Record<Severity, string>;

/** `file:line:column` of a finding, or undefined where it did not come from a file. */
export function positionText({ source }: Finding): string | undefined {
  return source === undefined ? undefined : `${source.file}:${source.line}:${source.column}`;
}

/** `HTTPRoute/default/shop spec.rules[0]`, or as much of it as there is. */
export function subjectText({ object, path }: Finding): string {
  return [...(object === undefined ? [] : [objectText(object)]), path]
    .filter((text) => text !== "")
    .join(" ");
}

/** A finding as the one reason of something, such as a configuration that is refused: where, of what, and what to write. */
export function reasonText(finding: Finding): string {
  const places = [positionText(finding), subjectText(finding)];
  return [...places, findingText(finding)].filter((text) => text !== undefined && text !== "").join(": ");
}

export function logFindings(logger: Logger, findings: readonly Finding[], before: readonly Finding[]): void {
  const known = new Set(before.map(identity));
  for (const finding of findings) {
    if (known.has(identity(finding))) continue;
    const at = positionText(finding);
    const subject = subjectText(finding);
    const fields = {
      code: finding.code,
      ...(at === undefined ? {} : { at }),
      ...(subject === "" ? {} : { subject }),
      expected: finding.expected,
      hint: finding.hint,
    };
    logger[LEVELS[finding.severity]](fields, finding.message);
  }
}

/** Lines move when something is written above them; that is no news. */
function identity(finding: Finding): string {
  return [finding.code, finding.source?.file ?? "", subjectText(finding), finding.message].join("\n");
}
