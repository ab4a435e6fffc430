// The command line as a whole: which commands there are, and what becomes of their errors.
import { Command, CommanderError } from "commander";
import { StartError } from "../runtime/gateway.ts";
import { LIMPET_VERSION } from "../runtime/version.ts";
import { demoCommand } from "./commands/demo.ts";
import { runCommand } from "./commands/run.ts";
import { validate } from "./commands/validate.ts";
import { EXIT_DONE, EXIT_INPUT, EXIT_USAGE } from "./exit-codes.ts";
import type { FlagTable } from "./flag.ts";
import { addFlags, readFlags } from "./flag-options.ts";
import { DEMO_FLAGS, OUTPUT_FLAGS, RUN_FLAGS, VALIDATE_FLAGS } from "./flags.ts";
import { PROCESS_TERMINAL, type Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

export interface CommandDescription {
  readonly name: string;
  readonly summary: string;
  readonly flags: FlagTable;
  /** Command lines with what they do; shown in `--help`. */
  readonly examples: readonly (readonly [command: string, does: string])[];
  /** Undefined: registered, and refused until it is built. */
  readonly run?: (command: Command, terminal: Terminal) => Promise<number>;
}

export const COMMANDS: readonly CommandDescription[] = [
  {
    name: "run",
    summary: "Serve the Gateways of files, and reload when they change.",
    flags: RUN_FLAGS,
    examples: [
      ["limpet run -f manifests/", "a folder, searched in depth"],
      ["limpet run -f gateway.yaml routes/ --port-offset 8000", "port 80 becomes 8080"],
      ["limpet run -f . --access-log off --workers 4", "four processes, no access log"],
      ["kill -HUP PID", "reload by hand; kill PID drains and ends"],
    ],
    run: (command, terminal) => {
      const flags = { ...readFlags(command, RUN_FLAGS), ...outputOf(command) };
      return runCommand(flags, LIMPET_VERSION, terminal);
    },
  },
  {
    name: "validate",
    summary: "Tell everything there is to say about a configuration; exit code 1 if any of it is an error.",
    flags: VALIDATE_FLAGS,
    examples: [
      ["limpet validate -f gateway.yaml", "one line a finding: path:line:column: severity: ..."],
      ["limpet validate -f . --json", "for programs"],
    ],
    run: (command, terminal) => {
      const { file, sessionKeys } = readFlags(command, VALIDATE_FLAGS);
      if (file.length === 0) throw new UsageError("nothing to validate: give -f PATH");
      return validate({ paths: file, sessionKeys, output: outputOf(command).output }, terminal);
    },
  },
  {
    name: "demo",
    summary: "Start a gateway with a sample backend of four replicas, and say what to try.",
    flags: DEMO_FLAGS,
    examples: [
      ["limpet demo", "the gateway is on http://127.0.0.1:8080"],
      ["limpet demo --port 9090", "somewhere else"],
      [
        "limpet demo -f examples/istio-consistent-hash/{backend,gateway,cookie}.yaml",
        "a tutorial, with its replicas",
      ],
    ],
    run: (command, terminal) => {
      return demoCommand(
        { ...readFlags(command, DEMO_FLAGS), ...outputOf(command) },
        LIMPET_VERSION,
        terminal,
      );
    },
  },
  { name: "explain", summary: "Say where one request would go, and why.", flags: {}, examples: [] },
  { name: "simulate", summary: "Say who moves when endpoints come or go.", flags: {}, examples: [] },
  { name: "convert", summary: "Turn one dialect into another.", flags: {}, examples: [] },
  { name: "token", summary: "Look inside a token, make keys.", flags: {}, examples: [] },
];

/** Runs one command line (without `node` and the script) and answers its exit code. Never rejects. */
export async function main(args: readonly string[], terminal: Terminal = PROCESS_TERMINAL): Promise<number> {
  let exitCode = EXIT_DONE;
  const program = buildProgram(terminal, (code) => {
    exitCode = code;
  });
  try {
    if (args.length === 0) {
      terminal.error(program.helpInformation());
      return EXIT_USAGE;
    }
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT_DONE;
    for (const line of errorLines(error))
      terminal.error(`${wantsJson(args) ? jsonError(line) : `error: ${line}`}\n`);
    return error instanceof UsageError || error instanceof CommanderError ? EXIT_USAGE : EXIT_INPUT;
  }
}

function buildProgram(terminal: Terminal, onExit: (code: number) => void): Command {
  const program = new Command("limpet")
    .description("A gateway that brings every client home to the same backend instance.")
    .version(LIMPET_VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      // Errors are printed where they are caught, in one form for all of them.
      writeErr: () => {},
    })
    .configureHelp({ styleTitle: (text) => terminal.style("bold", text) })
    .addHelpText(
      "after",
      "\nTry it: limpet demo\nExit codes: 0 done, 1 the configuration or the input is wrong, 2 usage\n",
    );
  for (const description of COMMANDS) {
    const { run } = description;
    const built = run !== undefined;
    const command = program
      .command(description.name)
      .summary(built ? description.summary : `${description.summary} (not built yet)`)
      .description(description.summary);
    if (!built) command.allowUnknownOption().allowExcessArguments();
    addFlags(command, { ...description.flags, ...OUTPUT_FLAGS });
    if (description.examples.length > 0) command.addHelpText("after", exampleText(description));
    command.action(async () => {
      if (run === undefined) throw new UsageError(`limpet ${description.name} is not built yet`);
      onExit(await run(command, terminal));
    });
  }
  return program;
}

function exampleText({ examples }: CommandDescription): string {
  const width = Math.max(...examples.map(([command]) => command.length));
  const lines = examples.map(([command, does]) => `  ${command.padEnd(width)}  # ${does}`);
  return `\nExamples:\n${lines.join("\n")}\n`;
}

/** `--output`, with `--json` as its short form. */
function outputOf(command: Command): { output: "text" | "json"; json: boolean } {
  const { output, json } = readFlags(command, OUTPUT_FLAGS);
  return { output: json ? "json" : output, json };
}

function errorLines(error: unknown): readonly string[] {
  if (error instanceof StartError) return error.reasons;
  const message = error instanceof Error ? error.message : String(error);
  // Commander prints its suggestion on a second line.
  return [
    message
      .replace(/^error: /, "")
      .replace(/\s*\n\s*/g, " ")
      .trim(),
  ];
}

function jsonError(message: string): string {
  return JSON.stringify({ error: message });
}

/** Also where the command line could not be parsed. */
function wantsJson(args: readonly string[]): boolean {
  return (
    args.includes("--json") || args.includes("--output=json") || args[args.indexOf("--output") + 1] === "json"
  );
}
