// Reads a query parameter from a request target as Envoy's hash policy does: raw text, first match.

/** The undecoded value of the first parameter of that name; "" where it has none; undefined where it is missing. */
export function queryValue(path: string, name: string): string | undefined {
  const query = path.indexOf("?");
  if (query === -1) return undefined;
  for (let from = query + 1; from <= path.length; ) {
    let end = path.indexOf("&", from);
    if (end === -1) end = path.length;
    if (path.startsWith(name, from)) {
      const nameEnd = from + name.length;
      if (nameEnd === end) return "";
      if (nameEnd < end && path[nameEnd] === "=") return path.slice(nameEnd + 1, end);
    }
    from = end + 1;
  }
  return undefined;
}
