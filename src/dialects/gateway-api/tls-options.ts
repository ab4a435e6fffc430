// The options of TLS settings, which each implementation names itself: bounds of the version here, and nothing else.
import { z } from "zod";
import type { TlsVersion } from "../../model/index.ts";
import { checked, type FieldProblem, rule } from "../schema/fields.ts";

const MINIMUM = "limpet.dev/minimum-tls-version";
const MAXIMUM = "limpet.dev/maximum-tls-version";
const VERSIONS: readonly string[] = ["1.2", "1.3"] satisfies TlsVersion[];

export const tlsOptions = checked(z.record(z.string(), z.string()), (options) => {
  const problems: FieldProblem[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (name !== MINIMUM && name !== MAXIMUM) {
      problems.push({
        code: "field-ignored",
        severity: "warning",
        path: [name],
        message: `the TLS option ${name} is not known here and has no effect`,
        expected: `${MINIMUM} or ${MAXIMUM}`,
        hint: `remove ${name}`,
      });
    } else if (!VERSIONS.includes(value)) {
      const message = `${JSON.stringify(value)} is no version of TLS that is spoken`;
      problems.push({ path: [name], message, expected: '"1.2" or "1.3"', hint: 'write "1.2"' });
    }
  }
  if (options[MINIMUM] === "1.3" && options[MAXIMUM] === "1.2") {
    problems.push(
      rule({
        path: [MAXIMUM],
        message: "the maximum version is below the minimum",
        expected: 'at least "1.3"',
        hint: `remove ${MAXIMUM}`,
      }),
    );
  }
  return problems;
}).default({});

/** What is not written, or no version, is left to the defaults. */
export function versionsOf(options: z.output<typeof tlsOptions>): {
  readonly minimumVersion?: TlsVersion;
  readonly maximumVersion?: TlsVersion;
} {
  const minimum = VERSIONS.find((version) => version === options[MINIMUM]) as TlsVersion | undefined;
  const maximum = VERSIONS.find((version) => version === options[MAXIMUM]) as TlsVersion | undefined;
  return {
    ...(minimum === undefined ? {} : { minimumVersion: minimum }),
    ...(maximum === undefined ? {} : { maximumVersion: maximum }),
  };
}
