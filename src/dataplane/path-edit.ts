// Changes the path of a request for a redirect or a rewrite: the whole of it, or the prefix that a rule matched.
import type { PathEdit } from "../model/index.ts";

/** What would end a path, or is none of the characters that a target may have. Percent signs stay: they may be escapes. */
const NOT_PATH = /[^\x21-\x7e]+|[?#]/gu;

/**
 * Path and query in, path and query out; the query stays. `*` (of `OPTIONS *`) is no path and stays too, as does a path
 * that the prefix does not match. By segments, a slash at the end of prefix or value counting for nothing: Gateway API
 * `HTTPPathModifier` has the table.
 */
export function editPath(path: string, edit: PathEdit): string {
  if (!path.startsWith("/")) return path;
  const question = path.indexOf("?");
  const end = question === -1 ? path.length : question;
  const edited = edit.kind === "fullPath" ? withSlash(edit.value) : replacePrefix(path, end, edit);
  return edited === undefined ? path : edited.replace(NOT_PATH, encodeURIComponent) + path.slice(end);
}

function replacePrefix(
  path: string,
  end: number,
  { prefix, value }: Extract<PathEdit, { kind: "prefix" }>,
): string | undefined {
  const matched = withoutSlash(prefix);
  const isMatch = path.startsWith(matched) && (matched.length === end || path[matched.length] === "/");
  if (!isMatch || matched.length > end) return undefined;
  return withSlash(withoutSlash(value) + path.slice(matched.length, end));
}

function withoutSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

function withSlash(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}
