// Normalises the path of a request target before it is matched and forwarded: dot segments go, all else stays.

/** Why a target is answered with 400. */
export interface PathFault {
  readonly reason: "fragment" | "above-root";
}

const FRAGMENT: PathFault = { reason: "fragment" };
const ABOVE_ROOT: PathFault = { reason: "above-root" };

const SINGLE_DOT = /^(?:\.|%2e)$/i;
const DOUBLE_DOT = /^(?:\.|%2e){2}$/i;

/**
 * Path and query in, path and query out: the same string where there is nothing to resolve. `.` and `..` segments
 * are resolved as RFC 3986 section 5.2.4 says, `%2e` being a dot in either case (section 6.2.2.2). `%2F`, `%5C`, `\`
 * and `//` stay as they are, and the query is never rewritten. Leaving the root and `#` are faults.
 */
export function normalizePath(path: string): string | PathFault {
  if (path.indexOf("#") !== -1) return FRAGMENT;
  const question = path.indexOf("?");
  const end = question === -1 ? path.length : question;
  if (!mayHaveDotSegment(path, end)) return path;
  const resolved = resolveDotSegments(path.slice(0, end));
  if (resolved === undefined) return ABOVE_ROOT;
  return resolved.length === end ? path : resolved + path.slice(end);
}

/** Errs on the side of yes: `/.well-known` and `/%20` are looked at closely and left alone. */
function mayHaveDotSegment(path: string, end: number): boolean {
  const dot = path.indexOf("/.");
  if (dot !== -1 && dot < end) return true;
  const encoded = path.indexOf("/%2");
  return encoded !== -1 && encoded < end;
}

function resolveDotSegments(path: string): string | undefined {
  const segments = path.split("/");
  const last = segments.length - 1;
  const kept: string[] = [];
  // The path starts with `/`, so the first piece is empty and stands for the root.
  for (let index = 1; index <= last; index++) {
    const segment = segments[index] as string;
    const isDouble = DOUBLE_DOT.test(segment);
    if (isDouble && kept.length === 0) return undefined;
    if (isDouble) kept.pop();
    else if (!SINGLE_DOT.test(segment)) {
      kept.push(segment);
      continue;
    }
    // `/a/.` and `/a/b/..` name the folder: they keep its slash.
    if (index === last) kept.push("");
  }
  return `/${kept.join("/")}`;
}
