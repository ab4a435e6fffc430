// The real curl as a client: what it received, what it told, and how it ended.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One answer as curl printed it. */
export interface CurlAnswer {
  readonly status: number;
  /** Lower-case name -> values, in the order in which they came. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

export interface CurlRun {
  /** Of the last transfer; 0 where nothing was received. */
  readonly status: number;
  /** The first value of a header of the last answer. */
  header(name: string): string | undefined;
  readonly body: string;
  /** All answers that it saw: interim ones, redirects that it followed, further transfers. */
  readonly answers: readonly CurlAnswer[];
  /** What `%{...}` in `report` came to, a value a transfer. */
  readonly reported: readonly string[];
  /** With `-v`: its own account. */
  readonly stderr: string;
  readonly exitCode: number | null;
}

export interface CurlOptions {
  /** Written to its standard input, for `-T -` and `--data-binary @-`. */
  readonly input?: string | Buffer;
  /** A variable of `--write-out`, such as `num_connects`. */
  readonly report?: string;
  /** More arguments, for every transfer: `--next` forgets those before it. */
  readonly always?: readonly string[];
}

const REPORT = "\u0001report:";

/**
 * Runs `curl` with these arguments, without anybody's settings (`-q`), silent, and 20 seconds at most.
 * Bodies are text (latin1); with several transfers `body` is that of all, one after the other.
 */
export async function curl(args: readonly string[], options: CurlOptions = {}): Promise<CurlRun> {
  const { report: variable = "response_code", always = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), "limpet-curl-"));
  const dumps: string[] = [];
  // Heads have a file of their own, so that no body can look like one; so has each transfer, which `--next` begins.
  const fixed = (): string[] => {
    dumps.push(join(folder, String(dumps.length)));
    const report = `${REPORT}%{${variable}}\u0001`;
    return [
      "-sS",
      "--max-time",
      "20",
      "--noproxy",
      "*",
      "-D",
      dumps.at(-1) as string,
      "-w",
      report,
      ...always,
    ];
  };
  const all = ["-q", ...fixed(), ...args.flatMap((arg) => (arg === "--next" ? [arg, ...fixed()] : [arg]))];
  try {
    const { stdout, stderr, exitCode } = await run(all, options.input);
    const heads = dumps.map((path) => (existsSync(path) ? readFileSync(path, "latin1") : "")).join("");
    const answers = answersIn(heads);
    const last = answers.at(-1);
    return {
      status: last?.status ?? 0,
      header: (name) => last?.headers.get(name)?.[0],
      body: stdout.replaceAll(REPORTED, ""),
      answers,
      reported: [...stdout.matchAll(REPORTED)].map(([, value]) => value as string),
      stderr,
      exitCode,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

function run(args: readonly string[], input: string | Buffer | undefined): Promise<Ended> {
  const child = spawn("curl", args, { stdio: ["pipe", "pipe", "pipe"] });
  const ended = { stdout: "", stderr: "" };
  child.stdout.setEncoding("latin1").on("data", (text: string) => {
    ended.stdout += text;
  });
  child.stderr.setEncoding("latin1").on("data", (text: string) => {
    ended.stderr += text;
  });
  // It may end before it has read everything.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => resolve({ ...ended, exitCode }));
  });
}

const REPORTED = new RegExp(`${REPORT}(.*?)\u0001`, "g");

function answersIn(heads: string): CurlAnswer[] {
  return heads
    .split("\r\n\r\n")
    .slice(0, -1)
    .map((head) => {
      const [statusLine = "", ...lines] = head.split("\r\n");
      const headers = new Map<string, string[]>();
      for (const line of lines) {
        const colon = line.indexOf(":");
        const name = line.slice(0, colon).toLowerCase();
        headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
      }
      return { status: Number(statusLine.split(" ")[1]), headers };
    });
}
