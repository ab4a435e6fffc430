// Credentials that a program makes: exec plugins of a kubeconfig (client.authentication.k8s.io/v1 and v1beta1).
import { execFile } from "node:child_process";
import { z } from "zod";
import {
  bearer,
  CredentialError,
  type CredentialSource,
  type MadeCredentials,
  RememberedCredentials,
} from "./credentials.ts";

export interface ExecPlugin {
  readonly apiVersion: string;
  /** A path, or a name to look for in $PATH. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly installHint?: string;
  /** The cluster, where the plugin asks to be told (`provideClusterInfo`). */
  readonly cluster?: object;
}

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
/** So that what is shown does not expire on its way. */
const EARLY_MS = 10_000;

const execCredential = z.object({
  status: z.object({
    token: z.string().optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
    expirationTimestamp: z.iso.datetime({ offset: true }).optional(),
  }),
});

/** @param base what does not depend on the plugin: the server's authorities */
export function execCredentials(
  plugin: ExecPlugin,
  base: CredentialSource,
  env: Readonly<Record<string, string | undefined>>,
  nowMs: () => number,
): CredentialSource {
  const stop = new AbortController();
  const made = new RememberedCredentials(async (): Promise<MadeCredentials> => {
    const { tls } = await base.get();
    const { token, clientCertificateData, clientKeyData, expirationTimestamp } = statusIn(
      plugin.command,
      await run(plugin, env, stop.signal),
    );
    return {
      credentials: {
        ...(token === undefined ? {} : { authorization: bearer(token) }),
        tls: {
          ...tls,
          ...(clientCertificateData === undefined ? {} : { cert: clientCertificateData }),
          ...(clientKeyData === undefined ? {} : { key: clientKeyData }),
        },
      },
      untilMs: expirationTimestamp === undefined ? Infinity : Date.parse(expirationTimestamp) - EARLY_MS,
    };
  }, nowMs);
  return { get: (refused) => made.get(refused), close: () => stop.abort() };
}

function statusIn(command: string, output: string): z.output<typeof execCredential>["status"] {
  const read = execCredential.safeParse(parsed(output));
  if (!read.success) throw new CredentialError(`${command} printed no ExecCredential with a status`);
  const { status } = read.data;
  const hasPair = status.clientCertificateData !== undefined && status.clientKeyData !== undefined;
  if (status.token === undefined && !hasPair) {
    throw new CredentialError(`${command} gave neither a token nor a certificate with its key`);
  }
  return status;
}

function run(
  plugin: ExecPlugin,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<string> {
  const spec = { interactive: false, ...(plugin.cluster === undefined ? {} : { cluster: plugin.cluster }) };
  const info = { apiVersion: plugin.apiVersion, kind: "ExecCredential", spec };
  const options = {
    env: { ...env, ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
    timeout: TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
    signal,
  };
  return new Promise((resolve, reject) => {
    const child = execFile(plugin.command, [...plugin.args], options, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
        return;
      }
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
      const why = isMissing
        ? `is not installed. ${plugin.installHint ?? ""}`
        : `failed: ${stderr.trim() || error.message}`;
      reject(new CredentialError(`${plugin.command}, which the kubeconfig names, ${why.trim()}`));
    });
    // It was told that nobody is there to ask.
    child.stdin?.end();
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
