// Runs `limpet run` as a process of its own, the way a user does: for every test that works from end to end.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { LineCollector } from "./line-collector.ts";

export const BIN = resolve(import.meta.dirname, "../../src/cli/bin.ts");

/** One line of the access log, as `limpet run` writes it to stdout. */
export interface AccessLogLine {
  readonly time: string;
  readonly client: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly protocol: string;
  readonly status: number;
  readonly duration_ms: number;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly request_id: string;
  readonly listener: string | null;
  readonly route: string | null;
  readonly rule: string | null;
  readonly backend: string | null;
  readonly upstream_addr: string | null;
  readonly affinity: {
    readonly source: string | null;
    readonly outcome: string | null;
    readonly reason: string | null;
  } | null;
  readonly error: string | null;
}

export interface GatewayOptions {
  /** Name -> text: written into a folder of the gateway's own, which `-f` names. Change them later with `write`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Files and folders that exist already, each an `-f` of its own. */
  readonly paths?: readonly string[];
  /** More arguments of `limpet run`. The admin port is a free one, and there is one worker, unless they say otherwise. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The file that Node.js runs; the sources' entry if not given. */
  readonly program?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A `limpet run` that may or may not get ready. */
export interface GatewayProcess {
  readonly process: ChildProcess;
  /** The folder of `files`. */
  readonly folder: string;
  readonly stdout: LineCollector;
  /** Log lines (JSON) and the line `limpet ready`. */
  readonly stderr: LineCollector;
  readonly exited: Promise<Exit>;
  /** Writes a file of the folder in place. */
  write(name: string, text: string): void;
  remove(name: string): void;
  /** SIGTERM, unless it has ended already; answers how it ended. Removes the folder. */
  stop(): Promise<Exit>;
}

/** A `limpet run` that serves. */
export interface Gateway extends GatewayProcess {
  /** Listener id (`Gateway/default/edge/http`) -> bound address. */
  readonly addresses: ReadonlyMap<string, string>;
  /** `http://127.0.0.1:PORT` of the listener whose id ends with `/name`; without a name of the first one. */
  url(listenerName?: string): string;
  /** `http://127.0.0.1:PORT` of the admin port; throws if it is off. */
  readonly adminUrl: string;
  /** Everything logged so far. */
  accessLog(): AccessLogLine[];
  /** The first line of the access log that matches; waits for it. */
  waitForAccess(matches: (line: AccessLogLine) => boolean, what?: string): Promise<AccessLogLine>;
}

/** Starts the process without waiting for anything. */
export function spawnGateway(options: GatewayOptions): GatewayProcess {
  const folder = mkdtempSync(join(tmpdir(), "limpet-gateway-"));
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  for (const [name, text] of Object.entries(options.files ?? {})) write(name, text);
  const paths = options.files === undefined ? (options.paths ?? []) : [folder, ...(options.paths ?? [])];
  const args = options.args ?? [];
  const admin = args.includes("--admin") ? [] : ["--admin", "127.0.0.1:0"];
  const workers = args.includes("--workers") ? [] : ["--workers", "1"];
  const child = spawn(
    process.execPath,
    [options.program ?? BIN, "run", ...paths.flatMap((path) => ["-f", path]), ...admin, ...workers, ...args],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...options.env } },
  );
  const exited = new Promise<Exit>((done) => child.once("close", (code, signal) => done({ code, signal })));
  return {
    process: child,
    folder,
    stdout: new LineCollector("stdout", child.stdout),
    stderr: new LineCollector("stderr", child.stderr),
    exited,
    write,
    remove: (name) => rmSync(join(folder, name)),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      const exit = await exited;
      rmSync(folder, { recursive: true, force: true });
      return exit;
    },
  };
}

/** Starts a gateway and waits for `limpet ready`; fails with its log if it ends before that. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = spawnGateway(options);
  let ready: string;
  try {
    ready = await gateway.stderr.waitFor((line) => line.startsWith("limpet ready"), "`limpet ready`");
  } catch (error) {
    await gateway.stop();
    throw error;
  }
  const addresses = readyAddresses(ready);
  const admin = addresses.get("admin");
  addresses.delete("admin");
  const accessLog = () => gateway.stdout.lines.map((line) => JSON.parse(line) as AccessLogLine);
  return {
    ...gateway,
    addresses,
    url: (listenerName) => {
      const found = [...addresses].find(
        ([id]) => listenerName === undefined || id.endsWith(`/${listenerName}`),
      );
      if (found === undefined) throw new Error(`no listener ${listenerName ?? ""} in: ${ready}`);
      return reachableUrl(found[1]);
    },
    get adminUrl() {
      if (admin === undefined) throw new Error(`no admin port in: ${ready}`);
      return reachableUrl(admin);
    },
    accessLog,
    waitForAccess: async (matches, what = "that request") =>
      JSON.parse(
        await gateway.stdout.waitFor((line) => matches(JSON.parse(line) as AccessLogLine), what),
      ) as AccessLogLine,
  };
}

/** `limpet ready Gateway/default/edge/http=[::]:8080 admin=127.0.0.1:9900` */
function readyAddresses(line: string): Map<string, string> {
  const words = line.split(" ").slice(2);
  return new Map(words.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]));
}

/** A socket on all addresses is reached on the loopback one. */
function reachableUrl(address: string): string {
  return `http://${address.replace(/^(0\.0\.0\.0|\[::\])(?=:\d+$)/, "127.0.0.1")}`;
}
