// What a dialect says about one kind: its names, and the one schema that reads, defaults and judges its fields.
import { z } from "zod";
import { metadata } from "./metadata.ts";

/** Two kinds are the same only if they are the same object: declare each once and import it. */
export interface Kind<T = unknown> {
  readonly group: string;
  readonly kind: string;
  readonly versions: readonly string[];
  readonly namespaced: boolean;
  readonly schema: z.ZodType<T>;
}

interface KindNames {
  readonly group: string;
  readonly kind: string;
  /** Newest first; all of them have the one schema. */
  readonly versions: readonly string[];
  readonly namespaced?: boolean;
}

/** A kind with everything under `spec`, or, for kinds of the core API, beside `metadata`. */
export function defineKind<Shape extends z.ZodRawShape>(names: KindNames, body: Shape) {
  const schema = z.strictObject({
    apiVersion: z.string(),
    kind: z.string(),
    metadata,
    ...body,
    /** What controllers report; never an input. */
    status: body["status"] ?? z.unknown().optional(),
  });
  return { namespaced: true, ...names, schema } as Kind<z.output<typeof schema>>;
}

export type ValueOf<K> = K extends Kind<infer T> ? T : never;
