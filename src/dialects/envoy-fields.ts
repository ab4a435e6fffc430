// Fields that dialects took over from Envoy's messages as they are: what they cannot mean here is told alike.
import { z } from "zod";
import { checked, type FieldProblem, ignored, rule } from "./schema/fields.ts";

/** 0 is Envoy's way to switch it off; here a connection that waits is always closed at some time. */
export function idleTimeout<S extends z.ZodType<string>>(duration: S, toMs: (value: string) => number) {
  return checked(duration, (value) => {
    if (toMs(value) > 0) return undefined;
    return {
      code: "field-approximated",
      severity: "warning",
      message: "connections that wait for a request are not kept for ever, but as long as the process says",
      expected: "a time above 0",
      hint: "write the time after which the endpoints close idle connections, less a second",
    };
  }).optional();
}

/** A time that Envoy does not take as 0. */
export function positive<S extends z.ZodType<string>>(duration: S, toMs: (value: string) => number): S {
  return checked(duration, (value) => {
    if (toMs(value) > 0) return undefined;
    return { message: `${value} is no time`, expected: "at least 1ms", hint: "write for example 10s" };
  });
}

/** The chance of an ejection: 0 switches it off; between that and 100 nothing is left to chance. */
export const enforcing = checked(z.int().min(0).max(100), (percent) => {
  if (percent === 0 || percent === 100) return undefined;
  return {
    code: "field-approximated",
    severity: "warning",
    message: `endpoints are ejected each time, not in ${percent} of 100 cases`,
    expected: "0 or 100",
    hint: "write 100, or 0 to switch it off",
  };
});

/** Failures of the connection count among all others until they are split off; what is said of them alone waits for that. */
export function localFailures(isSplit: boolean, said: Readonly<Record<string, boolean>>): FieldProblem[] {
  if (isSplit) return [];
  const fields = Object.keys(said).filter((field) => said[field]);
  return fields.map((field) =>
    rule({
      severity: "warning",
      path: [field],
      message: "failures of the connection count apart only with splitExternalLocalOriginErrors",
      expected: "splitExternalLocalOriginErrors: true",
      hint: "add splitExternalLocalOriginErrors: true",
    }),
  );
}

/** What a check over TCP waits for. */
export function receivedParts<S extends z.ZodType>(part: S) {
  return checked(z.array(part).default([]), (parts) => {
    if (parts.length < 2) return undefined;
    return {
      code: "field-approximated",
      severity: "warning",
      message: "the parts are looked for as one, without anything between them",
      expected: "one part",
      hint: "keep the part that tells a healthy endpoint",
    };
  });
}

export const grpcCheck: FieldProblem = {
  code: "field-ignored",
  severity: "warning",
  message: "checks over gRPC need HTTP/2, which is not spoken yet, so the endpoints are not checked",
  expected: "a check over HTTP or TCP",
  hint: "check over TCP: whether a connection opens",
};

/** Ciphers, curves and signatures of TLS. */
export const ofNode = ignored(
  z.array(z.string()),
  "ciphers, curves and signatures are those of Node.js",
  "remove the field",
);
