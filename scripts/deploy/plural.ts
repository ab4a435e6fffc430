// The name of a kind in paths of the API and in permissions.

/** As Kubernetes itself makes it of a kind that names none: `HTTPRoute` -> `httproutes`, `AffinityPolicy` -> `affinitypolicies`. */
export function pluralOf(kind: string): string {
  const singular = kind.toLowerCase();
  if (/(?:s|x|z|ch|sh)$/.test(singular)) return `${singular}es`;
  if (/[^aeiou]y$/.test(singular)) return `${singular.slice(0, -1)}ies`;
  return `${singular}s`;
}
