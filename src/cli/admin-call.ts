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
    const reason = `${admin.origin}: ${(cause as Error).message}`;
    throw new Error(`${reason}; expected the admin port of a gateway that runs: say which one with --admin`);
  }
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${admin.origin} answers ${answer.status}: ${errorOf(text)}`);
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${admin.origin} does not answer as the admin port of a gateway does`);
  }
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
