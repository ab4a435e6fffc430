// Regular expressions as the resources mean them: RE2 syntax, and the whole value must match.

/**
 * RE2 syntax that a JavaScript expression would read as something else without complaint:
 * `\A \z \a \C \Q \E`, Unicode classes, `\x{...}` and POSIX classes.
 */
const READ_DIFFERENTLY = /\\[AzaCQEpP]|\\x\{|\[\[:/;

/** Leading flags, as in `(?i)`; `m` is left out, because it would weaken the anchors of the full match. */
const LEADING_FLAGS = /^\(\?([is]+)\)/;

/**
 * Compiles `source` so that `test` asks for the whole value; undefined where JavaScript cannot say the same.
 * Whoever gets undefined must treat the condition as one that never holds, and translation must tell the user.
 */
export function fullMatchRegex(source: string): RegExp | undefined {
  const escaped = source.replaceAll("\\\\", "");
  if (READ_DIFFERENTLY.test(escaped)) return undefined;
  const flags = LEADING_FLAGS.exec(source)?.[1] ?? "";
  const body = flags === "" ? source : source.slice(flags.length + 3);
  try {
    return new RegExp(`^(?:${body})$`, [...new Set(flags)].join(""));
  } catch {
    return undefined;
  }
}
