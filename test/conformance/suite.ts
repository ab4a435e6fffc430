// Runs the suite's binary: the official tests with their report, and the cases of GEP-1619; tells each result as it comes.
import { spawn } from "node:child_process";
import { createWriteStream, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { GATEWAY_CLASS, UNUSABLE_ADDRESS, USABLE_ADDRESS } from "./limpet.ts";
import { resultLine, SuiteOutput, type TestResult } from "./results.ts";

/** GATEWAY-GRPC needs HTTP/2. */
const PROFILES = ["GATEWAY-HTTP", "GATEWAY-TLS"];

/** For a report, which must name all of it. */
const IMPLEMENTATION = {
  organization: "limpet",
  project: "limpet",
  url: "https://limpet.dev",
  contact: "maintainers@limpet.dev",
};

/** Tests of the official suite often wait for the gateway; more at a time than cores is no harm. */
const PARALLEL = 4;
const TIMEOUT = "60m";

export interface SuitePlan {
  readonly title: string;
  /** Of the log. */
  readonly name: string;
  readonly args: readonly string[];
}

export interface SuiteOptions {
  /** None: all. */
  readonly runTest: readonly string[];
  readonly debug: boolean;
  /** Leave what the suite made. */
  readonly keep: boolean;
  /** File for the official suite's report. */
  readonly report: string;
}

/** What is to be run, in this order. */
export function suitePlans({ runTest, debug, keep, report }: SuiteOptions): SuitePlan[] {
  const common = [
    // Without the tool's format, verdicts come all at the end.
    ...["-test.v=test2json", "-test.timeout", TIMEOUT, "-test.parallel", String(PARALLEL)],
    ...["-gateway-class", GATEWAY_CLASS],
    ...["-usable-address", USABLE_ADDRESS, "-unusable-address", UNUSABLE_ADDRESS],
    ...(debug ? ["-debug"] : []),
    // The cluster ends anyway, and the next plan wants the same ones.
    "-cleanup-base-resources=false",
    ...(keep ? ["-cleanup-test-resources=false"] : []),
  ];
  const ours = runTest.filter((name) => name.includes("SessionPersistence"));
  const official = runTest.filter((name) => !name.includes("SessionPersistence"));
  const plan = (title: string, name: string, goTest: string, tests: readonly string[], args: string[]) =>
    runTest.length > 0 && tests.length === 0
      ? []
      : [{ title, name, args: ["-test.run", filter(goTest, tests), ...common, ...args] }];
  return [
    ...plan("Official conformance suite", "official", "TestConformance", official, [
      // No feature is named here: the suite infers them from the GatewayClass, as users would.
      ...["-conformance-profiles", PROFILES.join(",")],
      ...(runTest.length > 0 ? [] : reportArgs(report)),
    ]),
    ...plan("Session persistence (GEP-1619)", "gep1619", "TestSessionPersistence", ours, []),
  ];
}

/** The suite itself is told nothing of a choice of tests, or it would not look at their features. */
function filter(goTest: string, tests: readonly string[]): string {
  return tests.length === 0 ? `^${goTest}$` : `^${goTest}$/^(${tests.join("|")})$`;
}

function reportArgs(report: string): string[] {
  const manifest = readFileSync(resolve(import.meta.dirname, "../../package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  const named = Object.entries({ ...IMPLEMENTATION, version: `v${version}` });
  return [...named.flatMap(([name, value]) => [`-${name}`, value]), "-report-output", report];
}

export interface SuiteRun {
  readonly results: readonly TestResult[];
  readonly exitCode: number;
}

/** Writes the whole output, and what each failed test said, to `folder`. */
export async function playSuite(
  { name, args }: SuitePlan,
  {
    binary,
    folder,
    env,
    tell,
  }: { binary: string; folder: string; env: NodeJS.ProcessEnv; tell: (line: string) => void },
): Promise<SuiteRun> {
  const output = new SuiteOutput((result) => tell(resultLine(result)));
  const log = createWriteStream(join(folder, `${name}.log`));
  const child = spawn(binary, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number>((done, reject) => {
    child.once("error", reject);
    child.once("close", (code) => done(code ?? 1));
  });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      log.write(`${line}\n`);
      output.read(line);
    });
  }
  const exitCode = await ended;
  log.end();
  for (const result of output.results) {
    if (result.outcome !== "failed") continue;
    const file = join(folder, `failed-${result.name}.log`);
    writeFileSync(file, `${output.saidOf(result.name).join("\n")}\n`);
    tell(`failed: ${result.name}, see ${file}`);
  }
  // What fails before the first test, or between tests.
  if (exitCode !== 0 && output.results.every(({ outcome }) => outcome !== "failed"))
    for (const line of output.saidOf("").slice(-20)) tell(line);
  return { results: output.results, exitCode };
}
