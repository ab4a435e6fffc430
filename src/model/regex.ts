// Regular expressions as the resources mean them: RE2 syntax, and the whole value must match.
import { linearRegex, NotLinear } from "./linear-regex.ts";

/** What a JavaScript expression would read as something else without complaint, or RE2 does not know at all. */
const NOT_PORTABLE: readonly (readonly [RegExp, string])[] = [
  [/\\[AzaCQEpP]|\\x\{/, "an escape that is read differently here, such as \\A, \\z, \\Q or \\p"],
  [/\[\[:/, "a POSIX class such as [[:alpha:]]"],
  [/\(\?<?[=!]/, "a look-ahead or look-behind, which RE2 does not know"],
  [/\\[1-9]|\\k</, "a back-reference, which RE2 does not know"],
];

/** Leading flags, as in `(?i)`; `m` is left out, because it would weaken the anchors of the full match. */
const LEADING_FLAGS = /^\(\?([is]+)\)/;

export type CompiledRegex = { readonly regex: RegExp } | { readonly problem: string };

/**
 * Compiles `source` so that `test` asks for the whole value, and can be run in linear time. Whoever gets a problem treats the condition as one that
 * never holds, and translation tells the user.
 */
export function compileRegex(source: string): CompiledRegex {
  const withoutPairs = source.replaceAll("\\\\", "");
  const found = NOT_PORTABLE.find(([pattern]) => pattern.test(withoutPairs));
  if (found !== undefined) return { problem: `the expression has ${found[1]}` };
  const flags = LEADING_FLAGS.exec(source)?.[1] ?? "";
  const body = (flags === "" ? source : source.slice(flags.length + 3)).replaceAll("(?P<", "(?<");
  try {
    // As it is written, for what V8 says of what is wrong with it.
    new RegExp(`^(?:${body})$`);
    const linear = linearRegex(body, { ignoreCase: flags.includes("i"), dotAll: flags.includes("s") });
    return { regex: new RegExp(`^(?:${linear})$`) };
  } catch (error) {
    if (error instanceof NotLinear) return { problem: `the expression ${error.message}` };
    return { problem: `the expression does not compile: ${(error as Error).message.replace(/^.*: /s, "")}` };
  }
}
