// Writes the files that are made from registries: pages of docs/, the dashboard, the CRD and permissions; with --check it only tells which are out of date.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { COMMANDS } from "../src/cli/command-table.ts";
import type { Flag, FlagTable } from "../src/cli/flag.ts";
import { flagSyntax } from "../src/cli/flag-options.ts";
import { OUTPUT_FLAGS, RUN_FLAGS } from "../src/cli/flags.ts";
import { FIXED_LIMITS } from "../src/dataplane/fixed-limits.ts";
import { ERRORS, type ErrorKind } from "../src/dataplane/respond.ts";
import { FINDING_CODES } from "../src/model/index.ts";
import { METRICS } from "../src/telemetry/index.ts";
import { crdYaml } from "./affinity-policy/crd.ts";
import { affinityPolicyPage } from "./affinity-policy/page.ts";
import { dashboardJson } from "./dashboard/grafana.ts";
import { permissionsYaml } from "./deploy/permissions.ts";
import { markdownTable } from "./markdown-table.ts";

const ROOT = resolve(import.meta.dirname, "..");

const FILES: Readonly<Record<string, () => string>> = {
  "crds/limpet.dev_affinitypolicies.yaml": crdYaml,
  "deploy/base/rbac.yaml": () => permissionsYaml("limpet-system"),
  "deploy/helm/limpet/crds/limpet.dev_affinitypolicies.yaml": crdYaml,
  "deploy/helm/limpet/templates/rbac.yaml": () => permissionsYaml("{{ .Release.Namespace }}"),
  "docs/affinity-policy.md": () => affinityPolicyPage(current("docs/affinity-policy.md") ?? ""),
  "docs/cli.md": cliPage,
  "docs/errors.md": errorsPage,
  "docs/findings.md": findingsPage,
  "docs/limits.md": limitsPage,
  "docs/metrics.md": metricsPage,
  "grafana/limpet.json": dashboardJson,
};

function cliPage(): string {
  const sections = COMMANDS.map((command) => {
    if (command.run === undefined)
      return `## limpet ${command.name}\n\n${command.summary} Not built yet: exits 2.`;
    const examples = command.examples.map(([line, does]) => `${line}  # ${does}`).join("\n");
    return [
      `## limpet ${[command.name, command.argument].join(" ").trim()}`,
      command.summary,
      `\`\`\`sh\n${examples}\n\`\`\``,
      flagTable(command.flags),
    ].join("\n\n");
  });
  const common = `## Every command\n\n${flagTable(OUTPUT_FLAGS)}`;
  const codes = "Exit codes: 0 done, 1 the configuration or the input is wrong, 2 usage.";
  return page("Command line", "src/cli/flags.ts", [codes, ...sections, common].join("\n\n"));
}

function flagTable(flags: FlagTable): string {
  const rows = Object.entries(flags).map(([name, flag]) => [
    `\`${flagSyntax(name, flag)}\``,
    flag.default === undefined ? "" : `\`${flag.default}\``,
    flag.notBuilt ? `${flag.help} Not built yet: exits 2.` : flag.help,
  ]);
  return markdownTable(["flag", "default", "meaning"], rows);
}

function errorsPage(): string {
  const rows = Object.entries<ErrorKind>(ERRORS).map(([code, { status, text }]) => [
    `\`${code}\``,
    String(status),
    text,
  ]);
  const about =
    "Every way in which a request ends without an endpoint's own answer. The code is the field `error` of the access " +
    "log and a label of `limpet_errors_total`. Status 499 is logged and never sent: the client was gone. `session-rejected` has the " +
    "status of the session's `onLost`: 503 unless it says another, and 404 for `wrap.header`.";
  const body = `${about}\n\n${markdownTable(["code", "status", "what the client is told"], rows)}`;
  return page("Errors", "src/dataplane/respond.ts", body);
}

/** Every flag that says what happens past it, and what no flag sets. */
function limitsPage(): string {
  const settable = Object.entries<Flag>(RUN_FLAGS).flatMap(([name, { default: value, help, past }]) =>
    past === undefined
      ? []
      : [[`\`--${name}\``, `\`${value}\``, help, answers(past.errors), past.connection]],
  );
  const fixed = Object.values(FIXED_LIMITS).map(({ of, value, past }) => [of, value, past]);
  return page(
    "Limits",
    "src/cli/flags.ts, src/dataplane/respond.ts and src/dataplane/fixed-limits.ts",
    [
      "Every limit and timeout, and what a client meets past it. A status comes with the code that stands in its body, in " +
        "the field `error` of the access log and in the metrics (see [errors](errors.md)); a 503 says `Retry-After`. " +
        "Nobody is answered where the answer has begun, where nothing was asked, and with a status in parentheses, " +
        "which is logged and not sent. A timeout is never early, and late by half a second at most.",
      markdownTable(["flag", "default", "limits", "answer past it", "client's connection"], settable),
      "## What no flag sets",
      markdownTable(["limits", "value", "past it"], fixed),
      "## How overload is met",
      OVERLOAD,
    ].join("\n\n"),
  );
}

const OVERLOAD = `- A place is free for whoever sends requests: at \`--max-connections\` a newcomer takes the place of a client that has waited
  idly, or for the end of its head, for a second. Where all are busy it gets its 503.
- Requests take turns: of a client that sends many without waiting for answers one is taken up at a time, and all such clients
  together leave most of the time to those who send one.
- Who does not take its answers gets no further ones, and its endpoint is not read from.
- Past \`--max-buffered-size\` new requests get 503 and stuck clients have to go, until what waits has shrunk.
- \`--max-requests-per-endpoint\` keeps one endpoint that hangs from taking the places of all. A session is not moved to another endpoint for that.
- Requests that wait for a hash table are requests in flight, and counted as such.
- A client that ends its side behind a whole request, as \`nc\` does behind a pipe, is answered. RFC 9112 neither asks for
  that nor forbids it. A reset ends the exchange at once.`;

function answers(codes: readonly (keyof typeof ERRORS)[]): string {
  if (codes.length === 0) return "none";
  return codes
    .map((code) => {
      const { status } = ERRORS[code];
      return `${LOGGED_ONLY.has(code) ? `(${status})` : status} \`${code}\``;
    })
    .join(", ");
}

/** There is nobody to tell any more, or the head was sent long ago. */
const LOGGED_ONLY: ReadonlySet<string> = new Set(["write-timeout", "tunnel-timeout", "draining"]);

function findingsPage(): string {
  const rows = Object.entries(FINDING_CODES).map(([code, kind]) => [
    `\`${code}\``,
    kind.severity,
    kind.meaning,
  ]);
  const about =
    "What `limpet validate` and the log can say about a configuration. An `error` cannot be read or breaks a rule, a " +
    "`warning` is valid and not honoured as written.";
  return page(
    "Findings",
    "src/model/finding-codes.ts",
    `${about}\n\n${markdownTable(["code", "severity", "meaning"], rows)}`,
  );
}

function metricsPage(): string {
  const rows = Object.entries(METRICS).map(([name, kind]) => [
    `\`${name}\``,
    kind.type,
    kind.labels.map((label) => `\`${label}\``).join(", "),
    kind.help,
  ]);
  const about =
    "Served at `/metrics` of the admin port, summed over all workers; [observability](observability.md) says what to make " +
    "of them.";
  return page(
    "Metrics",
    "src/telemetry/metrics.ts",
    `${about}\n\n${markdownTable(["metric", "type", "labels", "meaning"], rows)}`,
  );
}

function page(title: string, source: string, body: string): string {
  return `<!-- Generated from ${source} by npm run generate. -->\n# ${title}\n\n${body}\n`;
}

function current(name: string): string | undefined {
  try {
    return readFileSync(resolve(ROOT, name), "utf8");
  } catch {
    return undefined;
  }
}

const outdated = Object.entries(FILES).filter(([name, make]) => current(name) !== make());
if (process.argv.includes("--check")) {
  for (const [name] of outdated) process.stderr.write(`${name} is out of date: npm run generate\n`);
  process.exitCode = outdated.length > 0 ? 1 : 0;
} else {
  for (const [name, make] of outdated) writeFileSync(resolve(ROOT, name), make());
}
