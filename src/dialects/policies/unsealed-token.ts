// The finding about tokens that a client can read and change: every dialect that declares sessions tells it.
import type { SessionCarrier } from "../../model/index.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import type { Reading } from "../schema/read-object.ts";

/** `path` is where the session is declared, in the object as it was written. */
export function unsealedToken(
  { object }: Reading,
  path: FieldPath,
  { kind, name }: SessionCarrier,
): FindingDraft {
  return draftFinding("unsealed-token", object, path, {
    message: `the ${kind} ${name} shows the endpoint's address to the client, who can also change it`,
    expected: "a sealed token, or endpoints whose addresses may be known",
    hint: "use it where clients may know and choose the endpoint of this backend",
  });
}
