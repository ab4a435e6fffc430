// Runs the shell pipelines of the Envoy Gateway tutorial as they are printed there; only the gateway's port differs.
import { spawn, spawnSync } from "node:child_process";
import { beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { playTutorial, type Tutorial } from "../support/tutorial.ts";

beforeAll(() => {
  for (const program of ["bash", "curl", "grep", "awk"]) {
    const found = spawnSync(program, ["--version"]);
    if (found.error !== undefined) throw new Error(`these tests run shell pipelines, which need ${program}`);
  }
});

function play(file: string): Promise<Tutorial> {
  return playTutorial({
    example: "envoy-gateway-session-persistence",
    files: ["backend.yaml", "gateway.yaml", file],
    replicas: 4,
  });
}

/** The lines that bash prints when it runs the script. */
async function bash(script: string, tutorial: Tutorial): Promise<string[]> {
  const text = script.replaceAll("localhost:8888", `localhost:${tutorial.port}`);
  const child = spawn("bash", ["-c", text], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) output += chunk;
  return output.split("\n").filter((line) => line !== "");
}

const distinct = (lines: readonly string[]): number => new Set(lines).size;

test("cookie: all pods are the same, and differ again after the cookie has expired", async () => {
  const tutorial = await play("cookie.yaml");
  const lines = await bash(
    `COOKIE=$(curl --verbose http://localhost:8888/get 2>&1 | grep "set-cookie" | awk '{print $3}')
     for i in \`seq 5\`; do
       curl -H "Cookie: $COOKIE" http://localhost:8888/get 2>/dev/null | grep pod
     done
     echo "--- expired"
     sleep 10 && for i in \`seq 5\`; do
       curl -H "Cookie: $COOKIE" -H "Host: www.example.com" http://localhost:8888/get 2>/dev/null | grep pod
     done
     for i in \`seq 25\`; do
       curl -H "Cookie: $COOKIE" -H "Host: www.example.com" http://localhost:8888/get 2>/dev/null | grep pod
     done`,
    tutorial,
  );
  const border = lines.indexOf("--- expired");
  const during = lines.slice(0, border);
  const after = lines.slice(border + 1);
  expect(during).toHaveLength(5);
  expect(during[0]).toMatch(/"pod": "[^"]+-[1-4]"/);
  expect(distinct(during)).toBe(1);
  expect(after).toHaveLength(30);
  expect(distinct(after)).toBeGreaterThan(1);
  const outcomes = await eventually(
    async () => tutorial.gateway.accessLog().map((line) => line.affinity?.outcome),
    (found) => found.length >= 36,
  );
  expect(outcomes).toEqual(["new", ...Array(5).fill("kept"), ...Array(30).fill("expired")]);
});

test("header: all pods are the same, and differ without the header", async () => {
  const tutorial = await play("header.yaml");
  const lines = await bash(
    `HEADER=$(curl --verbose http://localhost:8888/get 2>&1 | grep "session-a" | awk '{print $3}')
     for i in \`seq 5\`; do
       curl -H "Session-A: $HEADER" http://localhost:8888/get 2>/dev/null | grep pod
     done
     echo "--- removed"
     for i in \`seq 30\`; do
       curl http://localhost:8888/get 2>/dev/null | grep pod
     done`,
    tutorial,
  );
  const border = lines.indexOf("--- removed");
  expect(lines.slice(0, border)).toHaveLength(5);
  expect(distinct(lines.slice(0, border))).toBe(1);
  expect(lines.slice(border + 1)).toHaveLength(30);
  expect(distinct(lines.slice(border + 1))).toBeGreaterThan(1);
});
