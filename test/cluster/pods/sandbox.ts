// Starts programs in a pod's network, with its volumes mounted where its containers expect them.
import { type ChildProcess, spawn } from "node:child_process";
import type { PodInterface } from "../network/pod-network.ts";
import type { ContainerSpec, PodSpec } from "./pod.ts";

/** A folder or file, and where the process sees it. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface Launch {
  readonly place: PodInterface;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly readOnlyRoot?: boolean;
  /** Folder for what is written over the machine's own folders, where a mount point had to be made. */
  readonly layers: string;
}

/**
 * `ip netns exec` has given the process mounts of its own. A mount point that this machine does not have is made in a layer
 * over the nearest folder that it has, so that nothing is left behind.
 */
const ENTER = `
set -e
layers=$1 read_only_root=$2
shift 2
if [ "$read_only_root" = yes ]; then mount -o remount,bind,ro /; fi
# All mount points first: a layer would hide what is mounted below it. The subshell leaves the arguments as they are.
(
  while [ "$1" != -- ]; do
    from=$1 to=$2
    shift 3
    if [ -e "$to" ]; then continue; fi
    base=$to
    while [ ! -d "$base" ]; do base=$(dirname "$base"); done
    if [ "$base" = / ]; then echo "$to: mount points must lie in a folder that this machine has" >&2; exit 125; fi
    layer=$(mktemp -d "$layers/layer.XXXXXX")
    mkdir "$layer/upper" "$layer/work"
    mount -t overlay overlay -o "lowerdir=$base,upperdir=$layer/upper,workdir=$layer/work" "$base"
    mkdir -p "$(dirname "$to")"
    if [ -d "$from" ]; then mkdir "$to"; else : >"$to"; fi
  done
)
while [ "$1" != -- ]; do
  mount --bind "$1" "$2"
  if [ "$3" = ro ]; then mount -o remount,bind,ro "$2"; fi
  shift 3
done
shift
exec "$@"
`;

/** In a process group of its own; stdout and stderr are pipes. */
export function launch({
  place,
  program,
  args,
  env,
  mounts,
  user,
  readOnlyRoot,
  layers,
}: Launch): ChildProcess {
  const bound = mounts.flatMap(({ source, target, readOnly }) => [source, target, readOnly ? "ro" : "rw"]);
  const entering = ["sh", "-c", ENTER, "sh", layers, readOnlyRoot === true ? "yes" : "no", ...bound, "--"];
  return spawn("ip", ["netns", "exec", place.namespace, ...entering, ...asUser(user), program, ...args], {
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Another user than root has no capabilities, as in a container. */
function asUser(user: Launch["user"]): string[] {
  if (user === undefined || user.uid === 0) return [];
  const identity = [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"];
  return ["setpriv", ...identity, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"];
}

/** Whom the container runs as; undefined: as root. */
export function userOf(pod: PodSpec, container: ContainerSpec): Launch["user"] {
  const uid = container.securityContext?.runAsUser ?? pod.securityContext?.runAsUser;
  if (uid === undefined) return undefined;
  const gid = container.securityContext?.runAsGroup ?? pod.securityContext?.runAsGroup ?? 0;
  return { uid, gid };
}

/** The program, or something that it started. */
export function groupRuns({ pid }: ChildProcess): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** To the program and all that it started; nothing where they have ended. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
