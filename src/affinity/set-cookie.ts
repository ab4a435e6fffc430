// Writes the value of a `Set-Cookie` field, byte for byte as Envoy's makeSetCookieValue, for hash cookies and sessions.
import type { CookieAttribute } from "../model/index.ts";

export interface SetCookie {
  readonly name: string;
  readonly value: string;
  /** Whole seconds; undefined: no Max-Age, so the cookie lasts as long as the browser runs. */
  readonly maxAgeSec?: number | undefined;
  /** Undefined: no Path, so the browser takes the path of the request. */
  readonly path?: string | undefined;
  readonly attributes: readonly CookieAttribute[];
  /** Adds `Secure`, unless the attributes have it. */
  readonly secure?: boolean;
}

/** The value is always quoted, `HttpOnly` always comes last. */
export function setCookieText(cookie: SetCookie): string {
  let text = `${cookie.name}="${cookie.value}"`;
  if (cookie.maxAgeSec !== undefined) text += `; Max-Age=${cookie.maxAgeSec}`;
  if (cookie.path !== undefined && cookie.path !== "") text += `; Path=${cookie.path}`;
  let secure = cookie.secure === true;
  for (const { name, value } of cookie.attributes) {
    text += value === undefined || value === "" ? `; ${name}` : `; ${name}=${value}`;
    if (secure && name.toLowerCase() === "secure") secure = false;
  }
  return secure ? `${text}; Secure; HttpOnly` : `${text}; HttpOnly`;
}
