// Tests for reading the output of the conformance suite.
import { expect, test } from "vitest";
import { resultLine, SuiteOutput, summaryLine } from "./results.ts";

function read(text: string): SuiteOutput {
  const output = new SuiteOutput();
  for (const line of text.trim().split("\n")) output.read(line);
  return output;
}

test("every test of the suite has one result, and its parts have none", () => {
  const { results } = read(`
=== RUN   TestConformance
=== RUN   TestConformance/HTTPRouteWeight
=== RUN   TestConformance/HTTPRouteWeight/Requests_should_be_weighted
    --- PASS: TestConformance/HTTPRouteWeight (2.51s)
        --- PASS: TestConformance/HTTPRouteWeight/Requests_should_be_weighted (2.40s)
--- PASS: TestConformance (4.02s)
PASS
`);
  expect(results).toEqual([{ name: "HTTPRouteWeight", outcome: "passed", durationSec: 2.51 }]);
});

test("a skipped test says which feature nobody claims", () => {
  const { results } = read(`
=== RUN   TestConformance/GRPCRouteWeight
    conformance.go:85: Skipping GRPCRouteWeight: suite does not support GRPCRoute
    --- SKIP: TestConformance/GRPCRouteWeight (0.00s)
`);
  expect(results).toMatchObject([{ outcome: "skipped", reason: "suite does not support GRPCRoute" }]);
  expect(results.map(resultLine)).toEqual([
    "skipped           GRPCRouteWeight: suite does not support GRPCRoute",
  ]);
});

test("tests that take turns keep their own words", () => {
  const output = read(`
=== RUN   TestConformance
    suite.go:1: applying base manifests
\x16=== RUN   TestConformance/One
\x16=== PAUSE TestConformance/One
=== RUN   TestConformance/Two/part
    two.go:1: words of two
=== CONT  TestConformance/One
    one.go:1: words of one
=== NAME  TestConformance/Two
    two.go:2: more of two
\x16    --- FAIL: TestConformance/Two (1.00s)
    --- PASS: TestConformance/One (1.00s)
`);
  expect(output.saidOf("").join()).toContain("base manifests");
  expect(output.saidOf("One").join()).toContain("words of one");
  expect(output.saidOf("One").join()).not.toContain("two");
  expect(output.saidOf("Two").filter((line) => /words|more/.test(line))).toHaveLength(2);
  expect(output.results.map(({ name, outcome }) => [name, outcome])).toEqual([
    ["Two", "failed"],
    ["One", "passed"],
  ]);
  expect(summaryLine(output.results)).toBe("1 passed, 1 failed, 0 skipped");
});
