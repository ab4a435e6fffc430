// CORS: which other origins may use the rule's responses, with which methods and headers.
import { z } from "zod";
import type { Cors } from "../../../model/index.ts";
import { checked, type FieldProblem, fieldName, repeatedValues, rule, text } from "../../schema/fields.ts";
import { METHODS } from "../route-match.ts";

const ORIGIN = /^(https?):\/\/((?:\*\.)?(?:[a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+|\*)(?::([0-9]{1,5}))?$/;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: "80", https: "443" };

const origin = checked(
  text(
    new RegExp(`^\\*$|${ORIGIN.source}`),
    "*, or a scheme http or https with a host, which may begin with *., and perhaps a port",
    "https://shop.example.com or https://*.example.com:8443",
    253,
  ),
  (value) => {
    const port = ORIGIN.exec(value)?.[3];
    if (port === undefined || (Number(port) >= 1 && Number(port) <= 65_535)) return undefined;
    const expected = "a port from 1 to 65535";
    return { message: `${value} has no port that can be`, expected, hint: "correct the port, or remove it" };
  },
);

/** `*` is all there is to say: beside it other entries would mean nothing. */
function wildcardAlone(what: string) {
  return (values: readonly string[]): FieldProblem[] => {
    const problems = repeatedValues(values);
    const star = values.indexOf("*");
    if (star >= 0 && values.length > 1) {
      problems.push(
        rule({
          path: [star],
          message: `* stands beside other ${what}`,
          expected: `* alone, or ${what} by name`,
          hint: `remove *, or the other ${what}`,
        }),
      );
    }
    return problems;
  };
}

export const corsFilter = z.strictObject({
  allowOrigins: checked(z.array(origin).max(64), wildcardAlone("origins")).default([]),
  allowCredentials: z.boolean().default(false),
  allowMethods: checked(z.array(z.enum([...METHODS, "*"])).max(9), wildcardAlone("methods")).default([]),
  allowHeaders: checked(z.array(fieldName).max(64), wildcardAlone("headers")).default([]),
  exposeHeaders: checked(z.array(fieldName).max(64), repeatedValues).default([]),
  maxAge: z.int().min(1).max(2_147_483_647).default(5),
});

export function cors({ maxAge, ...value }: z.output<typeof corsFilter>): Cors {
  return { ...value, allowOrigins: value.allowOrigins.map(asBrowsersWrite), maxAgeSec: maxAge };
}

/** Scheme and host in lower case, and no port where it is the scheme's own (WHATWG HTML, "serialization of an origin"). */
function asBrowsersWrite(value: string): string {
  const [, scheme = "", host = "", port] = ORIGIN.exec(value.toLowerCase()) ?? [];
  if (scheme === "") return value;
  const kept = port === undefined || Number(port) === Number(DEFAULT_PORTS[scheme]) ? "" : `:${Number(port)}`;
  return `${scheme}://${host}${kept}`;
}
