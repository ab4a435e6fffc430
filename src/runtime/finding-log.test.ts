// What the log and the reasons of a refusal say of a finding.
import { expect, test } from "vitest";
import type { Finding } from "../model/index.ts";
import { createLogger } from "../telemetry/index.ts";
import { logFindings, reasonText } from "./finding-log.ts";

const PORT: Finding = {
  code: "invalid-value",
  severity: "error",
  object: { group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "default", name: "shop" },
  path: "spec.rules[0].backendRefs[0].port",
  source: { file: "shop.yaml", line: 12, column: 31 },
  message: "port is out of range: 0",
  expected: "at least 1",
  hint: "write port: 1 or more",
};

function logged(findings: readonly Finding[], before: readonly Finding[] = []): unknown[] {
  const lines: string[] = [];
  const logger = createLogger({ level: "info", human: false, write: (text) => void lines.push(text) });
  logFindings(logger, findings, before);
  return lines.map((line) => JSON.parse(line));
}

test("a line of the log has where it is, of what, what was expected and what to write", () => {
  expect(logged([PORT])).toEqual([
    {
      level: "error",
      time: expect.any(String),
      code: "invalid-value",
      at: "shop.yaml:12:31",
      subject: "HTTPRoute/default/shop spec.rules[0].backendRefs[0].port",
      expected: "at least 1",
      hint: "write port: 1 or more",
      msg: "port is out of range: 0",
    },
  ]);
});

test("what was there before is no news, also on another line", () => {
  const moved = { ...PORT, source: { file: "shop.yaml", line: 14, column: 31 } };
  expect(logged([moved], [PORT])).toEqual([]);
  expect(logged([moved, { ...PORT, path: "spec.rules[1].backendRefs[0].port" }], [PORT])).toHaveLength(1);
});

test("as a reason it is one line with all of that, and what it lacks leaves no gap", () => {
  expect(reasonText(PORT)).toBe(
    "shop.yaml:12:31: HTTPRoute/default/shop spec.rules[0].backendRefs[0].port: port is out of range: 0 " +
      "(expected at least 1; write port: 1 or more)",
  );
  const { object: _, source: __, ...bare } = PORT;
  expect(reasonText({ ...bare, path: "", expected: "", hint: "" })).toBe("port is out of range: 0");
});
