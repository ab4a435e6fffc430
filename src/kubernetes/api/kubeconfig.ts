// Kubeconfig files: read, merged as kubectl merges them, and from them the cluster and the user of a context.
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { CredentialError } from "./credentials.ts";

const cluster = z.looseObject({
  server: z.string(),
  "certificate-authority": z.string().optional(),
  "certificate-authority-data": z.string().optional(),
  "insecure-skip-tls-verify": z.boolean().optional(),
  "tls-server-name": z.string().optional(),
  "proxy-url": z.string().optional(),
});

const exec = z.looseObject({
  apiVersion: z.string(),
  command: z.string(),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  installHint: z.string().optional(),
  interactiveMode: z.string().optional(),
  provideClusterInfo: z.boolean().optional(),
});

const user = z.looseObject({
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  "client-certificate": z.string().optional(),
  "client-certificate-data": z.string().optional(),
  "client-key": z.string().optional(),
  "client-key-data": z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  exec: exec.nullish(),
  "auth-provider": z.looseObject({ name: z.string() }).nullish(),
  as: z.string().optional(),
});

const context = z.looseObject({ cluster: z.string(), user: z.string(), namespace: z.string().optional() });

/** Lists whose entries are `{name, <field>: ...}`; a file may have none of them, or null. */
function named<T extends z.ZodType, Field extends string>(field: Field, type: T) {
  const entry = z.object({ name: z.string(), [field]: type } as { name: z.ZodString } & Record<Field, T>);
  return z
    .array(entry)
    .nullish()
    .transform((list) => list ?? []);
}

const kubeconfig = z.looseObject({
  "current-context": z.string().nullish(),
  clusters: named("cluster", cluster),
  users: named("user", user),
  contexts: named("context", context),
});

export type KubeconfigCluster = z.output<typeof cluster>;
export type KubeconfigUser = z.output<typeof user>;

/** What a context of a kubeconfig names; paths are absolute. */
export interface KubeconfigContext {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly cluster: KubeconfigCluster;
  readonly user: KubeconfigUser;
}

const CLUSTER_PATHS = ["certificate-authority"] as const;
const USER_PATHS = ["tokenFile", "client-certificate", "client-key"] as const;

/**
 * `contextName` or else the current context of these files. Of entries with one name the first counts, wherever it stands;
 * files that are not there are passed over, unless none is. Rejects with a CredentialError.
 */
export async function readKubeconfig(
  paths: readonly string[],
  contextName?: string,
): Promise<KubeconfigContext> {
  const where = paths.join(", ");
  const files = (await Promise.all(paths.map(readFileOf))).filter((file) => file !== undefined);
  if (files.length === 0) throw new CredentialError(`there is no kubeconfig at ${where}`);
  const all = {
    clusters: files.flatMap((file) => file.clusters),
    users: files.flatMap((file) => file.users),
    contexts: files.flatMap((file) => file.contexts),
  };
  const name = contextName ?? files.map((file) => file["current-context"]).find((one) => Boolean(one));
  if (name === undefined || name === null) {
    throw new CredentialError(`${where} has no current-context: choose one with --context`);
  }
  const chosen = all.contexts.find((one) => one.name === name)?.context;
  if (chosen === undefined) {
    const known = all.contexts.map((one) => one.name).join(", ");
    throw new CredentialError(`${where} has no context ${name}; it has ${known === "" ? "none" : known}`);
  }
  const ofCluster = all.clusters.find((one) => one.name === chosen.cluster)?.cluster;
  const ofUser = all.users.find((one) => one.name === chosen.user)?.user;
  if (ofCluster === undefined) throw new CredentialError(`${where} has no cluster ${chosen.cluster}`);
  if (ofUser === undefined) throw new CredentialError(`${where} has no user ${chosen.user}`);
  return { name, namespace: chosen.namespace, cluster: ofCluster, user: ofUser };
}

async function readFileOf(path: string): Promise<z.output<typeof kubeconfig> | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new CredentialError(`${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const read = kubeconfig.safeParse(yamlOf(path, text));
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new CredentialError(`${path} is no kubeconfig: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  const folder = dirname(resolve(path));
  for (const one of read.data.clusters) makeAbsolute(one.cluster, CLUSTER_PATHS, folder);
  for (const one of read.data.users) {
    makeAbsolute(one.user, USER_PATHS, folder);
    // A bare name is looked for in $PATH.
    if (one.user.exec?.command.includes("/")) makeAbsolute(one.user.exec, ["command"], folder);
  }
  return read.data;
}

/** An empty file is an empty kubeconfig, as it is for kubectl. */
function yamlOf(path: string, text: string): unknown {
  try {
    return parse(text) ?? {};
  } catch (cause) {
    // What follows the first line shows the place, and what stands there may be a token; so may the cause.
    const [what = ""] = (cause as Error).message.split("\n");
    throw new CredentialError(`${path} is no YAML: ${what.replace(/:$/, "")}`);
  }
}

function makeAbsolute<Field extends string>(
  object: { [field in Field]?: string | undefined },
  fields: readonly Field[],
  folder: string,
): void {
  for (const field of fields) {
    const path = object[field];
    if (path !== undefined && path !== "") object[field] = resolve(folder, path);
  }
}
