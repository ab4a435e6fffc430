// Field types that Gloo's kinds share: numbers as its protobuf messages write them, and what has no effect.
import { z } from "zod";
import { ignored } from "../schema/fields.ts";

/** 32 bits without a sign. */
export const count = z.int().min(0).max(4_294_967_295);

/** 64 bits: the API server has them as texts, and people write numbers. */
export const wholeNumber = z.union([z.int().min(0), z.string().regex(/^[0-9]{1,15}$/, "a whole number")]);

/** What Gloo's controllers wrote before there was a status beside spec; never an input. */
export const namespacedStatuses = z.unknown().optional();

export function unread(why: string) {
  return ignored(z.unknown(), why, "remove the field");
}
