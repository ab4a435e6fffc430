// The command line as a whole: the program that the table of commands makes, and what becomes of errors.
import { Command, CommanderError } from "commander";
import { StartError } from "../runtime/gateway.ts";
import { LIMPET_VERSION } from "../runtime/version.ts";
import { COMMANDS, type CommandDescription, GROUPS } from "./command-table.ts";
import { EXIT_DONE, EXIT_INPUT, EXIT_USAGE } from "./exit-codes.ts";
import { addFlags } from "./flag-options.ts";
import { OUTPUT_FLAGS } from "./flags.ts";
import { PROCESS_TERMINAL, type Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

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
    for (const line of errorLines(error, program, args))
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
    const words = description.name.split(" ");
    const parent = words.length === 1 ? program : groupOf(program, words[0] as string);
    const command = parent
      .command([words.at(-1), description.argument].join(" ").trim())
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

function groupOf(program: Command, name: string): Command {
  const known = program.commands.find((command) => command.name() === name);
  if (known !== undefined) return known;
  const group = program
    .command(name)
    .summary(GROUPS[name] ?? "")
    .description(GROUPS[name] ?? "");
  return group
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      const [given] = group.args;
      const wrong = given === undefined ? "" : `unknown command 'limpet ${name} ${given}': `;
      throw new UsageError(`${wrong}limpet ${name} has the commands ${commandNames(group)}`);
    });
}

function exampleText({ examples }: CommandDescription): string {
  const width = Math.max(...examples.map(([command]) => command.length));
  const lines = examples.map(([command, does]) => `  ${command.padEnd(width)}  # ${does}`);
  return `\nExamples:\n${lines.join("\n")}\n`;
}

function errorLines(error: unknown, program: Command, args: readonly string[]): readonly string[] {
  if (error instanceof StartError) return error.reasons;
  const message = error instanceof Error ? error.message : String(error);
  // Commander prints its suggestion on a second line.
  const line = message
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
    .trim();
  const code = error instanceof CommanderError ? error.code : undefined;
  // Of `limpet help WORD` commander says nothing but that it printed help.
  const unknown = code === "commander.help" ? `unknown command '${args[1]}'` : line;
  if (unknown === line && code !== "commander.unknownCommand") return [line];
  return [`${unknown}: limpet has the commands ${commandNames(program)}`];
}

function commandNames(group: Command): string {
  return group.commands.map((command) => command.name()).join(", ");
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
