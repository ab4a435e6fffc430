// A request head from plain values, for tests that need no connection.
import type { HeadEdits, RequestHead } from "../../src/model/index.ts";

const NO_EDITS: HeadEdits = {
  set: () => {},
  add: () => {},
  remove: () => {},
  reset: () => {},
};

export interface RequestHeadParts {
  readonly method?: string;
  readonly authority?: string;
  readonly path?: string;
  /** Name and value, one pair a line. */
  readonly fields?: readonly (readonly [string, string])[];
}

export function requestHead(parts: RequestHeadParts = {}): RequestHead {
  const fields = (parts.fields ?? []).map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    method: parts.method ?? "GET",
    authority: parts.authority ?? "shop.example",
    path: parts.path ?? "/",
    edits: NO_EDITS,
    get: (name) => fields.find((field) => field[0] === name)?.[1],
    getAll: (name) => fields.filter((field) => field[0] === name).map((field) => field[1]),
    forEach: (visit) => {
      for (const [name, value] of fields) visit(name, value);
    },
  };
}
