// Asks a gateway that runs, by its admin port.

/** Rejects with one line that says what the gateway objects to, or that there is none. */
export async function askGateway(
  admin: URL,
  method: "GET" | "POST" | "DELETE",
  path: string,
  query?: URLSearchParams,
): Promise<unknown> {
  const url = new URL(path, admin);
  if (query !== undefined) url.search = query.toString();
  let answer: Response;
  try {
    answer = await fetch(url, { method });
  } catch (error) {
    const { cause = error } = error as Error;
    throw new Error(`${admin.origin}: ${(cause as Error).message}`);
  }
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${admin.origin} answers ${answer.status}: ${errorOf(text)}`);
  return JSON.parse(text);
}

/** With what may have been meant, where the gateway has an idea. */
function errorOf(text: string): string {
  try {
    const { error, near } = JSON.parse(text) as { readonly error?: unknown; readonly near?: unknown };
    if (typeof error === "string") {
      return Array.isArray(near) && near.length > 0 ? `${error} (did you mean ${near.join(" or ")}?)` : error;
    }
  } catch {
    // Not everything that listens on a port is a gateway.
  }
  return text.trim().split("\n")[0] ?? "";
}
