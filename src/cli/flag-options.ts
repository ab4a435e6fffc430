// Turns a table of flags into commander's options, and what commander parsed into typed values.
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Flag, FlagTable, FlagValues } from "./flag.ts";
import { UsageError } from "./usage-error.ts";

export function addFlags(command: Command, table: FlagTable): void {
  for (const [name, flag] of Object.entries(table)) command.addOption(commanderOption(name, flag));
}

/** Throws a UsageError for a flag that is not built yet. */
export function readFlags<T extends FlagTable>(command: Command, table: T): FlagValues<T> {
  const parsed = command.opts<Record<string, unknown>>();
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries<Flag>(table)) {
    const key = camelCase(name);
    if (flag.value !== undefined) {
      values[key] = parsed[key] ?? (flag.many ? [] : undefined);
    } else if (name.startsWith("no-")) {
      // Commander reads `--no-watch` as `watch: false`.
      values[key] = parsed[camelCase(name.slice("no-".length))] === false;
    } else {
      values[key] = parsed[key] === true;
    }
    const given = command.getOptionValueSource(key) === "cli";
    if (flag.notBuilt && given) throw new UsageError(`--${name} is not built yet`);
  }
  return values as FlagValues<T>;
}

/** Throws a UsageError if one of these flags was typed, which have no effect as the command is called. */
export function refuseFlags(command: Command, names: readonly string[], why: string): void {
  const given = names.find((name) => command.getOptionValueSource(camelCase(name)) === "cli");
  if (given !== undefined) throw new UsageError(`--${given} ${why}`);
}

/** `-f, --file <PATH...>` as `--help` and docs/cli.md show it. */
export function flagSyntax(name: string, flag: Flag): string {
  const short = flag.short === undefined ? "" : `-${flag.short}, `;
  if (flag.value === undefined) return `${short}--${name}`;
  return `${short}--${name} <${flag.value.placeholder}${flag.many ? "..." : ""}>`;
}

function commanderOption(name: string, flag: Flag): Option {
  const option = new Option(flagSyntax(name, flag), flag.help).helpGroup(`${flag.group}:`);
  const { value } = flag;
  if (value === undefined) return option;
  // Commander takes undefined for "no value", so no parser may answer with it.
  option.argParser((text: string, previous: unknown) => parsed(value.parse, text, flag.many, previous));
  if (flag.default !== undefined) option.default(value.parse(flag.default), flag.default);
  return option;
}

function parsed(
  parse: (text: string) => unknown,
  text: string,
  many: true | undefined,
  previous: unknown,
): unknown {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  return many ? [...((previous as unknown[] | undefined) ?? []), value] : value;
}

function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
