// Which API server to speak to, and as whom: a kubeconfig, or the service account of the pod that this process runs in.
import { access, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { type ApiConnection, CredentialError, type CredentialSource } from "./credentials.ts";
import { execCredentials } from "./exec-credentials.ts";
import { fileCredentials, type TextSource } from "./file-credentials.ts";
import { type KubeconfigContext, type KubeconfigUser, readKubeconfig } from "./kubeconfig.ts";

export interface ConnectionOptions {
  /** `--kubeconfig`. */
  readonly kubeconfig?: string;
  /** `--context`. */
  readonly context?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nowMs: () => number;
  /** Where kubelet puts token, authority and namespace. */
  readonly serviceAccountFolder?: string;
}

const SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * In this order: `--kubeconfig`, $KUBECONFIG, the pod's service account, ~/.kube/config; `--context` rules the service
 * account out. Rejects with a CredentialError that says what was looked for.
 */
export async function findConnection(options: ConnectionOptions): Promise<ApiConnection> {
  const { kubeconfig, context, env } = options;
  const listed = (env["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  if (kubeconfig !== undefined) return fromKubeconfig([kubeconfig], options);
  if (listed.length > 0) return fromKubeconfig(listed, options);
  const inPod = context === undefined ? await fromServiceAccount(options) : undefined;
  if (inPod !== undefined) return inPod;
  return fromKubeconfig([join(env["HOME"] ?? homedir(), ".kube", "config")], options);
}

async function fromKubeconfig(paths: readonly string[], options: ConnectionOptions): Promise<ApiConnection> {
  const chosen = await readKubeconfig(paths, options.context);
  refuseUnknownWays(chosen);
  return {
    server: serverOf(chosen.cluster.server),
    namespace: chosen.namespace ?? "default",
    credentials: credentialsOf(chosen, options),
    origin: `context ${chosen.name} of ${paths.join(", ")}`,
  };
}

/** Undefined outside of a pod. */
async function fromServiceAccount({
  env,
  nowMs,
  serviceAccountFolder: folder = SERVICE_ACCOUNT_FOLDER,
}: ConnectionOptions): Promise<ApiConnection | undefined> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  const token = join(folder, "token");
  if (!host || !port || !(await exists(token))) return undefined;
  const namespaceFile = join(folder, "namespace");
  return {
    server: serverOf(`https://${host.includes(":") ? `[${host}]` : host}:${port}`),
    namespace: (await exists(namespaceFile)) ? (await readFile(namespaceFile, "utf8")).trim() : "default",
    credentials: fileCredentials(
      { token: { file: token }, ca: { file: join(folder, "ca.crt") }, tls: {} },
      nowMs,
    ),
    origin: "the pod's service account",
  };
}

function credentialsOf(
  { cluster, user }: KubeconfigContext,
  { env, nowMs }: ConnectionOptions,
): CredentialSource {
  const files = fileCredentials(
    {
      ...optional("token", tokenOf(user)),
      ...(user.username === undefined
        ? {}
        : { basic: { username: user.username, password: user.password ?? "" } }),
      ...optional("ca", dataOrFile(cluster["certificate-authority-data"], cluster["certificate-authority"])),
      ...optional("cert", dataOrFile(user["client-certificate-data"], user["client-certificate"])),
      ...optional("key", dataOrFile(user["client-key-data"], user["client-key"])),
      tls: {
        ...(cluster["tls-server-name"] === undefined ? {} : { servername: cluster["tls-server-name"] }),
        ...(cluster["insecure-skip-tls-verify"] === true ? { rejectUnauthorized: false as const } : {}),
      },
    },
    nowMs,
  );
  const { exec } = user;
  if (!exec) return files;
  const plugin = {
    apiVersion: exec.apiVersion,
    command: exec.command,
    args: exec.args ?? [],
    env: Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
    ...optional("installHint", exec.installHint),
    ...(exec.provideClusterInfo === true ? { cluster } : {}),
  };
  return execCredentials(plugin, files, env, nowMs);
}

/** A file goes before a token that stands there, as it does for kubectl: it is the one that is written anew. */
function tokenOf({ token, tokenFile }: KubeconfigUser): TextSource | undefined {
  if (tokenFile) return { file: tokenFile };
  return token ? { text: token } : undefined;
}

function dataOrFile(base64: string | undefined, file: string | undefined): TextSource | undefined {
  if (base64) return { text: Buffer.from(base64, "base64").toString("utf8") };
  return file ? { file } : undefined;
}

function refuseUnknownWays({ name, cluster, user }: KubeconfigContext): void {
  const refuse = (field: string, hint: string): never => {
    throw new CredentialError(`context ${name} uses ${field}, which Limpet does not support: ${hint}`);
  };
  if (cluster["proxy-url"]) refuse("proxy-url", "connect directly, or through kubectl proxy");
  if (user.as) refuse("as", "use credentials of the user or service account itself");
  const provider = user["auth-provider"]?.name;
  if (provider !== undefined)
    refuse(`auth-provider ${provider}`, "use an exec plugin, as kubectl does today");
  if (user.exec?.interactiveMode === "Always")
    refuse("exec.interactiveMode Always", "use a plugin that asks nothing");
}

function serverOf(text: string): URL {
  // kubectl takes a bare host too.
  const url = URL.parse(/^[a-z]+:\/\//.test(text) ? text : `https://${text}`);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new CredentialError(`${JSON.stringify(text)} is no URL of an API server`);
  }
  return url;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function optional<Field extends string, T>(field: Field, value: T | undefined): { [name in Field]?: T } {
  return value === undefined ? {} : ({ [field]: value } as { [name in Field]: T });
}
