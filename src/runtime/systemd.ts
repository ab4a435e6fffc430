// Tells systemd, where it has started us, which process serves now.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const TIMEOUT_MS = 5_000;

/**
 * For units of `Type=notify` with `NotifyAccess=all`: says that this process is ready and that it is the main one, which
 * matters after a hand-over. Without systemd (no `NOTIFY_SOCKET`) nothing happens. Rejects if it cannot be told. Node.js
 * has no datagram sockets on file-system paths, so systemd's own program says it.
 */
export async function tellServiceManager(env: NodeJS.ProcessEnv, pid: number): Promise<void> {
  if (env.NOTIFY_SOCKET === undefined) return;
  await promisify(execFile)("systemd-notify", ["--ready", `--pid=${pid}`], { env, timeout: TIMEOUT_MS });
}
