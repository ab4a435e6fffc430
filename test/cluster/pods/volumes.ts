// The volumes of a pod as folders: secrets, config maps, the downward API, service account tokens, scratch space.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { FieldReader } from "./environment.ts";
import type { PodObjects } from "./objects.ts";
import type { KeyToPath, Pod, Volume, VolumeSource } from "./pod.ts";

/** Relative path -> content. */
type Files = Map<string, Buffer>;

/** Folder of each volume, by name. Written once: a later change of an object does not reach the files. */
export async function makeVolumes(
  pod: Pod,
  folder: string,
  objects: PodObjects,
  field: FieldReader,
): Promise<Map<string, string>> {
  const folders = new Map<string, string>();
  for (const volume of pod.spec.volumes ?? []) {
    if (volume.hostPath !== undefined) {
      folders.set(volume.name, volume.hostPath.path);
      continue;
    }
    const place = join(folder, volume.name);
    mkdirSync(place, { recursive: true });
    // Whatever user a container has, it may write its scratch space.
    if (volume.emptyDir !== undefined) chmodSync(place, 0o777);
    for (const [path, content] of await filesOf(pod, volume, objects, field)) {
      mkdirSync(dirname(join(place, path)), { recursive: true });
      writeFileSync(join(place, path), content);
    }
    folders.set(volume.name, place);
  }
  return folders;
}

async function filesOf(pod: Pod, volume: Volume, objects: PodObjects, field: FieldReader): Promise<Files> {
  if (volume.projected === undefined) {
    const { secret, configMap, downwardAPI, emptyDir, name } = volume;
    if ((secret ?? configMap ?? downwardAPI ?? emptyDir) === undefined)
      throw new Error(`the volume ${name} is of a type that is not known here`);
    return await sourceFiles(volume, objects, field);
  }
  const all: Files = new Map();
  for (const source of volume.projected.sources) {
    for (const [path, content] of await sourceFiles(source, objects, field)) all.set(path, content);
    const token = source.serviceAccountToken;
    if (token !== undefined) all.set(token.path, await accountToken(pod, token, objects));
  }
  return all;
}

async function sourceFiles(source: VolumeSource, objects: PodObjects, field: FieldReader): Promise<Files> {
  const { secret, configMap, downwardAPI } = source;
  if (secret !== undefined) {
    const name = secret.secretName ?? secret.name ?? "";
    return chosen(await objects.secret(name, secret.optional), secret.items);
  }
  if (configMap !== undefined)
    return chosen(await objects.configMap(configMap.name ?? "", configMap.optional), configMap.items);
  return new Map(
    (downwardAPI?.items ?? []).map(({ path, fieldRef }) => [
      path,
      Buffer.from(fieldRef === undefined ? "" : field(fieldRef.fieldPath)),
    ]),
  );
}

function chosen(all: Files, items: readonly KeyToPath[] | undefined): Files {
  if (items === undefined) return all;
  return new Map(items.flatMap(({ key, path }) => (all.has(key) ? [[path, all.get(key) as Buffer]] : [])));
}

/** The pod's own token, which ends with the pod. */
async function accountToken(
  pod: Pod,
  { audience, expirationSeconds = 3600 }: { readonly audience?: string; readonly expirationSeconds?: number },
  objects: PodObjects,
): Promise<Buffer> {
  const account = pod.spec.serviceAccountName ?? "default";
  const path = `/api/v1/namespaces/${objects.namespace}/serviceaccounts/${account}/token`;
  const { name, uid } = pod.metadata;
  const body = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: {
      ...(audience !== undefined && { audiences: [audience] }),
      expirationSeconds,
      boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
    },
  };
  const answer = await objects.persist(() =>
    objects.client.request<{ readonly status: { readonly token: string } }>("POST", path, { body }),
  );
  return Buffer.from(answer.status.token);
}
