// The environment variables of a container.
import type { PodObjects } from "./objects.ts";
import type { ContainerSpec, EnvVariable, KeyRef } from "./pod.ts";

/** What `fieldRef` asks for. */
export type FieldReader = (fieldPath: string) => string;

/** @param base what every container has; the container's own win */
export async function containerEnv(
  container: ContainerSpec,
  base: Readonly<Record<string, string>>,
  objects: PodObjects,
  field: FieldReader,
): Promise<Record<string, string>> {
  const env: Record<string, string> = { ...base };
  for (const { prefix = "", secretRef, configMapRef } of container.envFrom ?? []) {
    const all = new Map([
      ...(secretRef === undefined ? [] : await objects.secret(secretRef.name, secretRef.optional)),
      ...(configMapRef === undefined
        ? []
        : await objects.configMap(configMapRef.name, configMapRef.optional)),
    ]);
    for (const [key, value] of all) env[prefix + key] = value.toString("utf8");
  }
  for (const variable of container.env ?? []) {
    const value = await variableValue(variable, objects, field);
    if (value !== undefined) env[variable.name] = expand(value, env);
  }
  return env;
}

/** `$(NAME)` becomes the variable's value, `$$(NAME)` stays as text. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$\([^)]*\)|\(([^)]*)\))/g, (whole, escaped: string, name: string | undefined) =>
    name === undefined ? escaped : (env[name] ?? whole),
  );
}

async function variableValue(
  { value, valueFrom }: EnvVariable,
  objects: PodObjects,
  field: FieldReader,
): Promise<string | undefined> {
  if (valueFrom?.fieldRef !== undefined) return field(valueFrom.fieldRef.fieldPath);
  if (valueFrom?.secretKeyRef !== undefined)
    return await keyOf(valueFrom.secretKeyRef, (name, optional) => objects.secret(name, optional));
  if (valueFrom?.configMapKeyRef !== undefined)
    return await keyOf(valueFrom.configMapKeyRef, (name, optional) => objects.configMap(name, optional));
  return value ?? "";
}

async function keyOf(
  { name, key, optional = false }: KeyRef,
  read: (name: string, optional: boolean) => Promise<Map<string, Buffer>>,
): Promise<string | undefined> {
  const value = (await read(name, optional)).get(key);
  if (value === undefined && !optional) throw new Error(`${name} has no key ${key}`);
  return value?.toString("utf8");
}
