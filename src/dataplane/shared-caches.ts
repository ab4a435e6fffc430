// Keeps a response that carries a new token out of shared caches, which would hand one client's token to all others.
import type { ResponseHead } from "../model/index.ts";
import { EditList, valuesAfterEdits } from "./header-edits.ts";

const CACHE_CONTROL = "cache-control";

/** Members of a list, commas in quotes apart (RFC 9110 section 5.6.1). */
const MEMBERS = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;

/** What lets nobody but the client's own cache store the response (RFC 9111 section 5.2.2). */
const SHUTS = /^(?:private|no-store)$/i;
/** What invites shared caches. `private="set-cookie"` keeps a field from them, and the word alone says more. */
const OPENS = /^(?:public$|(?:s-maxage|private)\s*=)/i;
/** Where a cache finds one of these, it does not look at Cache-Control (RFC 9213; Edge Architecture 1.0). */
const TARGETED = /-cache-control$|^surrogate-control$/;

/**
 * Adds `private` to Cache-Control and takes out what speaks against it; how long the client's own cache may keep the
 * response stays the application's to say. A response that is shut already keeps its bytes.
 */
export function keepFromSharedCaches(head: ResponseHead): void {
  const directives = valuesAfterEdits(head, CACHE_CONTROL).flatMap((value) => value.match(MEMBERS) ?? []);
  const given = directives.map((directive) => directive.trim()).filter((directive) => directive !== "");
  const kept = given.filter((directive) => !OPENS.test(directive));
  const isShut = kept.some((directive) => SHUTS.test(directive));
  if (!isShut || kept.length < given.length) {
    head.edits.set(CACHE_CONTROL, (isShut ? kept : ["private", ...kept]).join(", "));
  }
  for (const name of namesAfterEdits(head)) if (TARGETED.test(name)) head.edits.remove(name);
}

function namesAfterEdits(head: ResponseHead): Set<string> {
  const names = new Set<string>();
  head.forEach((name) => {
    names.add(name.toLowerCase());
  });
  if (head.edits instanceof EditList) {
    for (let at = 0; at < head.edits.lines.length; at += 2) names.add(head.edits.lines[at] as string);
  }
  return names;
}
