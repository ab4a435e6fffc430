// `limpet validate`: tells every finding about a configuration without serving it.
import { type Finding, findingText, type Severity } from "../../model/index.ts";
import { FileSource } from "../../runtime/file-source.ts";
import { positionText, subjectText } from "../../runtime/finding-log.ts";
import { translateFiles } from "../../runtime/translate-files.ts";
import { EXIT_DONE, EXIT_INPUT } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { keysOfFile } from "./key-file.ts";

export interface ValidateOptions {
  readonly paths: readonly string[];
  /** The file of keys that `limpet run` would get; findings depend on whether there is one. */
  readonly sessionKeys: string | undefined;
  readonly output: "text" | "json";
}

type Summary = Readonly<Record<"files" | "listeners" | "routes" | "backends" | Severity, number>>;

const STYLES = { error: "red", warning: "yellow", info: "cyan" } as const satisfies Record<Severity, string>;

export async function validate(options: ValidateOptions, terminal: Terminal): Promise<number> {
  const keys = await keysOfFile(options.sessionKeys, terminal);
  const files = await new FileSource(options.paths).read();
  const { findings, snapshot } = translateFiles(files, { sealTokens: keys !== undefined });
  const sorted = [...findings].sort(byPosition);
  const counts = { error: 0, warning: 0, info: 0 };
  for (const finding of findings) counts[finding.severity]++;
  const served = {
    listeners: snapshot.listeners.length,
    routes: snapshot.routes.length,
    backends: snapshot.backends.length,
  };
  const summary: Summary = { files: files.files.length, ...served, ...counts };
  if (options.output === "json") {
    terminal.out(`${JSON.stringify({ findings: sorted, summary }, null, 2)}\n`);
  } else {
    for (const finding of sorted) terminal.out(`${findingLine(finding, terminal)}\n`);
    terminal.out(`${summaryLine(summary)}\n`);
  }
  return counts.error > 0 ? EXIT_INPUT : EXIT_DONE;
}

/** `path:line:column: severity: Kind/namespace/name field: message (expected ...; write ...)` */
function findingLine(finding: Finding, terminal: Terminal): string {
  const place = [positionText(finding), terminal.style(STYLES[finding.severity], finding.severity)];
  const parts = [...place, subjectText(finding)].filter((part) => part !== undefined && part !== "");
  return `${parts.join(": ")}: ${findingText(finding)}`;
}

function summaryLine(summary: Summary): string {
  const { error, warning, info, files, listeners, routes, backends } = summary;
  const findings = [counted(error, "error"), counted(warning, "warning"), counted(info, "info")].join(", ");
  const served = [
    counted(listeners, "listener"),
    counted(routes, "route"),
    counted(backends, "backend"),
  ].join(", ");
  const warnings = listeners === 0 ? "; without a listener limpet run does not start" : "";
  return `${findings} in ${counted(files, "file")}; would serve ${served}${warnings}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function byPosition({ source: a }: Finding, { source: b }: Finding): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
