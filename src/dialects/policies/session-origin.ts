// Where a session is declared, as the snapshot tells it.
import { type ObjectRef, objectText, type SessionOrigin } from "../../model/index.ts";
import { type FieldPath, pathText } from "../findings.ts";

/** `path`: as written. */
export function declaredAt(object: ObjectRef, path: FieldPath): SessionOrigin {
  return { declaredBy: `${objectText(object)} ${pathText(path)}`, overrides: [] };
}
