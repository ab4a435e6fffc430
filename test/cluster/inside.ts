// Runs a program in namespaces of its own: network, mounts and processes of a test cluster, which end with the program.
//
// Nothing has to be swept up: when the first process in there ends, however it ends, the kernel kills the others and takes
// the network, its names, and the files away.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const FILES = resolve(import.meta.dirname, "../../.cache/kubernetes/files");

/** The first process: it mounts what is private, hands signals on, and reaps what lost its parent. */
const FIRST_PROCESS = `
set -e
mkdir -p /run/netns
mount -t tmpfs none /run/netns
mount -t tmpfs none "$LIMPET_CLUSTER_FILES"
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
set +e -m
"$@" <&0 &
child=$!
# Job control would tell how the job ended.
exec 2>/dev/null
trap 'kill -TERM $child' TERM
trap 'kill -INT $child' INT
while :; do
  wait $child
  code=$?
  kill -0 $child 2>/dev/null || exit $code
done
`;

/** Why there can be no cluster on this machine; undefined: there can. */
export function obstacle(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are Linux's";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const missing = ["go", "ip", "unshare", "setpriv", "bash"].filter(
    (program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0,
  );
  if (missing.length > 0) return `these programs are not in PATH: ${missing.join(", ")}`;
  const { status, stderr } = spawnSync("unshare", ["--net", "--mount", "--pid", "--fork", "true"]);
  return status === 0 ? undefined : `this machine allows no new namespaces: ${stderr.toString().trim()}`;
}

/** Exit code of the program. Signals go to it; SIGKILL of this process ends everything in there. */
export function runInside(program: string, args: readonly string[]): Promise<number> {
  mkdirSync(FILES, { recursive: true });
  const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const first = ["bash", "-c", FIRST_PROCESS, "bash", program, ...args];
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "unshare", ...namespaces, ...first], {
    stdio: "inherit",
    env: { ...process.env, LIMPET_CLUSTER_FILES: FILES, LIMPET_CLUSTER_HOLDER: String(process.pid) },
  });
  // A terminal sends ^C to all of them.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {
    for (const pid of childrenOf(child.pid as number)) process.kill(pid, "SIGTERM");
  });
  return new Promise((done, reject) => {
    child.once("error", reject);
    child.once("close", (code) => done(code ?? 1));
  });
}

export function isInside(): boolean {
  return process.env["LIMPET_CLUSTER_HOLDER"] !== undefined;
}

/** The process outside that holds the namespaces, as the machine counts. */
export function holder(): number {
  return Number(process.env["LIMPET_CLUSTER_HOLDER"]);
}

/** The folder that ends with the namespaces; throws outside of them, where bridges and routes would be the machine's own. */
export function privateFiles(): string {
  const folder = process.env["LIMPET_CLUSTER_FILES"];
  if (folder === undefined)
    throw new Error(
      "A test cluster lives in namespaces of its own: run this with `node test/cluster/inside.ts PROGRAM`",
    );
  return folder;
}

export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter(Boolean)
    .map(Number);
}

const USAGE = `usage: node test/cluster/inside.ts PROGRAM [ARGUMENT...]
       node test/cluster/inside.ts --check     says on stdout why it cannot be, with exit code 1
`;

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [program, ...args] = process.argv.slice(2);
  const reason = obstacle();
  if (program === undefined) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
  } else if (reason !== undefined) {
    const told = program === "--check" ? process.stdout : process.stderr;
    told.write(`no test cluster here: ${reason}\n`);
    process.exitCode = 1;
  } else if (program !== "--check") process.exitCode = await runInside(program, args);
}
